//! A mark file in memory that can be cut short, and that fails when it is told to.

use crate::vfs::RawFile;
use rsqlite_vfs::{SyncOptions, VfsError, VfsErrorCode, VfsResult};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A file in memory. Clones are the same file.
#[derive(Clone, Default)]
pub struct TestFile {
    pub bytes: Rc<RefCell<Vec<u8>>>,
    /// How many bytes of the next write arrive, if it is to fail.
    pub torn: Rc<Cell<Option<usize>>>,
    pub writes: Rc<Cell<usize>>,
}

impl TestFile {
    pub fn of(bytes: Vec<u8>) -> TestFile {
        TestFile { bytes: Rc::new(RefCell::new(bytes)), ..TestFile::default() }
    }

    /// Another file with the same bytes.
    pub fn copy(&self) -> TestFile {
        TestFile::of(self.bytes.borrow().clone())
    }

    pub fn boxed(&self) -> Box<dyn RawFile> {
        Box::new(self.clone())
    }
}

impl RawFile for TestFile {
    fn read_some(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        let bytes = self.bytes.borrow();
        let from = bytes.get(offset as usize..).unwrap_or_default();
        let count = from.len().min(buffer.len());
        buffer[..count].copy_from_slice(&from[..count]);
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        self.writes.set(self.writes.get() + 1);
        let torn = self.torn.take();
        let arrived = &bytes[..torn.unwrap_or(bytes.len()).min(bytes.len())];
        let (mut file, at) = (self.bytes.borrow_mut(), offset as usize);
        if file.len() < at + arrived.len() {
            file.resize(at + arrived.len(), 0);
        }
        file[at..at + arrived.len()].copy_from_slice(arrived);
        torn.map_or(Ok(()), |_| Err(VfsError::new(VfsErrorCode::IoWrite, "this write was to fail".into())))
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        self.bytes.borrow_mut().resize(size as usize, 0);
        Ok(())
    }

    fn sync(&mut self, _options: SyncOptions) -> VfsResult<()> {
        Ok(())
    }

    fn size(&mut self) -> VfsResult<u64> {
        Ok(self.bytes.borrow().len() as u64)
    }
}

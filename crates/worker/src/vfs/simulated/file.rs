//! The files of a simulated disk, as a storage has them.

use super::{Call, Failing, Op, SimulatedDisk};
use crate::vfs::node::RawFile;
use rsqlite_vfs::{SyncOptions, VfsError, VfsErrorCode, VfsResult};
use std::rc::Rc;

/// One file of a [`SimulatedDisk`].
pub(super) struct SimulatedFile {
    disk: SimulatedDisk,
    name: Rc<str>,
}

impl SimulatedFile {
    pub(super) fn new(disk: SimulatedDisk, name: Rc<str>) -> SimulatedFile {
        SimulatedFile { disk, name }
    }

    fn failed(failing: Failing, code: VfsErrorCode) -> VfsError {
        let code = match failing {
            Failing::Full => VfsErrorCode::Full,
            Failing::Refused => VfsErrorCode::CantOpen,
            Failing::Io | Failing::Half | Failing::Unsaid => code,
        };
        VfsError::new(code, "the simulated disk was told to fail".into())
    }
}

impl RawFile for SimulatedFile {
    fn read_some(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        let mut state = self.disk.state.borrow_mut();
        let failing = state.decide(Call::Read);
        let read = match state.files.get_mut(&self.name) {
            Some(file) => file.read(buffer, offset)?,
            None => 0,
        };
        match failing {
            None => Ok(read),
            Some(Failing::Half) => {
                buffer[read / 2..].fill(0xa5);
                Ok(read / 2)
            }
            // What a failed read leaves in the buffer is nobody's to use.
            Some(_) => {
                buffer[read / 2..].fill(0xa5);
                Err(SimulatedFile::failed(Failing::Io, VfsErrorCode::IoRead))
            }
        }
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        let mut state = self.disk.state.borrow_mut();
        let failing = state.decide(Call::Write);
        let written = match failing {
            None => bytes,
            Some(Failing::Half) => &bytes[..bytes.len() / 2],
            Some(_) => &[],
        };
        if !written.is_empty() {
            state.check_growth(&self.name, offset + written.len() as u64)?;
            state.apply(Op::Write { file: Rc::clone(&self.name), offset, bytes: written.to_vec() })?;
        }
        match failing {
            None | Some(Failing::Unsaid) => Ok(()),
            Some(failing) => Err(SimulatedFile::failed(failing, VfsErrorCode::IoWrite)),
        }
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        let mut state = self.disk.state.borrow_mut();
        let failing = state.decide(Call::Truncate);
        let has = state.size(&self.name);
        match failing {
            None => {
                state.check_growth(&self.name, size)?;
                if has != size {
                    state.apply(Op::Truncate { file: Rc::clone(&self.name), size })?;
                }
                Ok(())
            }
            Some(Failing::Full) if size > has => Err(SimulatedFile::failed(Failing::Full, VfsErrorCode::IoTruncate)),
            Some(_) => Err(SimulatedFile::failed(Failing::Io, VfsErrorCode::IoTruncate)),
        }
    }

    fn sync(&mut self, _options: SyncOptions) -> VfsResult<()> {
        let mut state = self.disk.state.borrow_mut();
        match state.decide(Call::Sync) {
            None => state.apply(Op::Sync { file: Rc::clone(&self.name) }),
            Some(Failing::Unsaid) => Ok(()),
            Some(_) => Err(SimulatedFile::failed(Failing::Io, VfsErrorCode::IoSync)),
        }
    }

    fn size(&mut self) -> VfsResult<u64> {
        let mut state = self.disk.state.borrow_mut();
        match state.decide(Call::Size) {
            None => Ok(state.size(&self.name)),
            Some(_) => Err(SimulatedFile::failed(Failing::Io, VfsErrorCode::IoStat)),
        }
    }
}

/// A file of a [`SimulatedDisk`] that is removed when it is dropped.
pub(super) struct SimulatedScratch {
    file: Box<dyn RawFile>,
    disk: SimulatedDisk,
    name: String,
}

impl SimulatedScratch {
    pub(super) fn new(disk: &SimulatedDisk, name: &str) -> SimulatedScratch {
        SimulatedScratch { file: disk.file(name), disk: disk.clone(), name: name.to_owned() }
    }
}

impl Drop for SimulatedScratch {
    fn drop(&mut self) {
        self.disk.remove(&self.name);
    }
}

impl RawFile for SimulatedScratch {
    fn read_some(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        self.file.read(buffer, offset)
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        self.file.write(bytes, offset)
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        self.file.truncate(size)
    }

    fn sync(&mut self, options: SyncOptions) -> VfsResult<()> {
        self.file.sync(options)
    }

    fn size(&mut self) -> VfsResult<u64> {
        self.file.size()
    }
}

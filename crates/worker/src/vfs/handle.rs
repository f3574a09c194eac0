//! One open of a file: SQLite opens each file once per connection.
#![forbid(unsafe_code)]

use super::node::Node;
use super::shm::ShmHeld;
use rsqlite_vfs::{DeviceCharacteristics, LockLevel, SyncOptions, VfsError, VfsErrorCode, VfsFile, VfsResult};
use std::rc::Rc;

/// What one connection has of a [`Node`]. Dropping it unmaps and unlocks.
pub(super) struct Handle {
    pub(super) node: Rc<Node>,
    level: LockLevel,
    shm: ShmHeld,
    read_only: bool,
}

impl Handle {
    pub(super) fn new(node: Rc<Node>, read_only: bool) -> Handle {
        Handle { node, level: LockLevel::None, shm: ShmHeld::default(), read_only }
    }

    pub(super) fn shm_map(&mut self, index: i32, size: i32, extend: bool) -> VfsResult<*mut u8> {
        self.node.shm.borrow_mut().map(&mut self.shm, index, size, extend)
    }

    pub(super) fn shm_lock(&mut self, first: i32, count: i32, flags: i32) -> Result<(), i32> {
        self.node.shm.borrow_mut().lock(&mut self.shm, first, count, flags)
    }

    pub(super) fn shm_unmap(&mut self) {
        self.node.shm.borrow_mut().unmap(&mut self.shm);
    }

    /// Which lock it holds.
    #[cfg(any(test, feature = "faults"))]
    pub(super) fn level(&self) -> LockLevel {
        self.level
    }

    /// Told before and after the log is copied into the file.
    pub(super) fn gather(&mut self, gathers: bool) -> VfsResult<()> {
        self.node.raw.borrow_mut().gather(gathers)
    }

    fn check_writable(&self) -> VfsResult<()> {
        if self.read_only {
            return Err(VfsError::new(VfsErrorCode::ReadOnly, "the file was opened to be read".into()));
        }
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shm_unmap();
        self.node.locks.borrow_mut().unlock(self.level, LockLevel::None);
    }
}

impl VfsFile for Handle {
    /// Every storage here keeps the bytes beside a write as they were when power fails, so SQLite need not pad.
    fn device_characteristics(&self) -> DeviceCharacteristics {
        DeviceCharacteristics::POWERSAFE_OVERWRITE
    }

    fn read(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        self.node.raw.borrow_mut().read(buffer, offset)
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        self.check_writable()?;
        self.node.raw.borrow_mut().write(bytes, offset)
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        self.check_writable()?;
        self.node.raw.borrow_mut().truncate(size)
    }

    fn sync(&mut self, options: SyncOptions) -> VfsResult<()> {
        self.node.raw.borrow_mut().sync(options)
    }

    fn size(&self) -> VfsResult<u64> {
        self.node.raw.borrow_mut().size()
    }

    fn lock(&mut self, wanted: LockLevel) -> VfsResult<()> {
        let outcome = self.node.locks.borrow_mut().lock(self.level, wanted);
        self.level = outcome.held;
        if outcome.granted {
            Ok(())
        } else {
            Err(VfsError::new(VfsErrorCode::Busy, "another connection holds the lock".into()))
        }
    }

    fn unlock(&mut self, kept: LockLevel) -> VfsResult<()> {
        self.level = self.node.locks.borrow_mut().unlock(self.level, kept);
        Ok(())
    }

    fn check_reserved_lock(&self) -> VfsResult<bool> {
        Ok(self.node.locks.borrow().is_reserved())
    }
}

//! Copying a database over another, a few pages at a time.

use super::connection::Inner;
use super::{Connection, Failure, ffi};
use std::ffi::c_int;
use std::ptr::NonNull;
use std::rc::Rc;

/// The main database of one connection on its way into the place of that of another, in one transaction: until the last
/// step everybody sees the old one. Dropping it before takes back what was copied.
#[derive(Debug)]
pub struct Backup {
    raw: NonNull<ffi::sqlite3_backup>,
    _target: Rc<Inner>,
    /// Closed after the copy is finished. Nobody else has it, so that what is copied does not change meanwhile.
    _source: Connection,
}

/// How far a [`Backup`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// There is more to do.
    Some,
    /// Everything is copied, and committed.
    All,
}

impl Backup {
    /// Begins to copy `source` over `target`, which must have no transaction.
    pub fn new(target: &Connection, source: Connection) -> Result<Backup, Failure> {
        let inner = target.inner();
        let main = c"main".as_ptr();
        // SAFETY: both connections are live and stay so for as long as the backup, which holds them; the names end with a
        // zero.
        let raw = unsafe { ffi::sqlite3_backup_init(inner.raw(), main, source.inner().raw(), main) };
        match NonNull::new(raw) {
            Some(raw) => Ok(Backup { raw, _target: Rc::clone(inner), _source: source }),
            // SAFETY: the connection is live.
            None => Err(inner.failure(unsafe { ffi::sqlite3_errcode(inner.raw()) })),
        }
    }

    /// Copies so many pages more. Only what says that a lock is taken ([`Failure::is_busy`]) can be tried again.
    pub fn step(&mut self, pages: c_int) -> Result<Copied, Failure> {
        // SAFETY: the backup is live.
        match unsafe { ffi::sqlite3_backup_step(self.raw.as_ptr(), pages) } {
            ffi::SQLITE_OK => Ok(Copied::Some),
            ffi::SQLITE_DONE => Ok(Copied::All),
            // The target's connection learns of the failure when the backup is finished only.
            code => Err(Failure::plain(code)),
        }
    }

    /// How many pages there are, and how many of them are still to be copied. Both are 0 before the first step.
    pub fn pages(&self) -> (u64, u64) {
        // SAFETY: the backup is live.
        let (all, left) = unsafe {
            (ffi::sqlite3_backup_pagecount(self.raw.as_ptr()), ffi::sqlite3_backup_remaining(self.raw.as_ptr()))
        };
        (u64::try_from(all).unwrap_or(0), u64::try_from(left).unwrap_or(0))
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        // SAFETY: the backup is live, and both connections are. The code repeats what the last step said.
        unsafe { ffi::sqlite3_backup_finish(self.raw.as_ptr()) };
    }
}

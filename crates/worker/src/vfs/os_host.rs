//! Clock, randomness and sleep where there is an operating system.

use rsqlite_vfs::{OsCallback, VfsError, VfsErrorCode, VfsResult};
use std::time::{Duration, SystemTime};

/// The services of the host.
pub(super) struct Os;

impl OsCallback for Os {
    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn random(&self, buffer: &mut [u8]) -> usize {
        // SAFETY: a null name asks for the default VFS, which SQLite registers before any other and never frees.
        let default = unsafe { rsqlite_vfs::ffi::sqlite3_vfs_find(std::ptr::null()) };
        let Ok(length) = i32::try_from(buffer.len()) else { return 0 };
        if default.is_null() {
            return 0;
        }
        // SAFETY: `default` is a live VFS; the field is read without a reference to SQLite's structure.
        let Some(randomness) = (unsafe { (*default).xRandomness }) else { return 0 };
        // SAFETY: the buffer has `length` writable bytes.
        let count = unsafe { randomness(default, length, buffer.as_mut_ptr().cast()) };
        usize::try_from(count).unwrap_or(0).min(buffer.len())
    }

    fn epoch_timestamp_in_ms(&self) -> VfsResult<i64> {
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .ok()
            .and_then(|since| i64::try_from(since.as_millis()).ok())
            .ok_or_else(|| VfsError::new(VfsErrorCode::Error, "the clock stands before 1970".into()))
    }
}

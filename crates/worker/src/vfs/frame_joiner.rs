//! Few writes of a log: the frames of a transaction, which SQLite writes one by one and in two parts each, go out together.
//!
//! A write costs a browser the same for 24 bytes as for 64 KiB. So the header of a frame is held back until its page
//! arrives, in the very next call, and whole frames until their transaction is committed or there are many. The last frame
//! of a commit says in its header that it is: its page is written at once, with all that is held, and what goes wrong then is
//! reported by that write, which SQLite heeds. Nothing is held when it returns: a commit is acknowledged without another
//! call that could still report an error.
//!
//! What is held before belongs to a transaction that is not committed: who dies meanwhile loses what nobody was promised.
//! Whoever reads finds it as if it were written.
#![forbid(unsafe_code)]

use super::held::{Held, MOST};
use super::node::RawFile;
use rsqlite_vfs::{SyncOptions, VfsError, VfsErrorCode, VfsResult, ffi};

/// The length of a frame's header.
const HEADER: usize = 24;
/// Where in it the size of the database stands, if the frame ends a commit.
const COMMIT: std::ops::Range<usize> = 4..8;

/// A log that writes whole frames, as many as it can.
pub(super) struct FrameJoiner {
    /// Whole frames, and perhaps a header.
    held: Held,
    /// Whether a header is held whose page is due, and if so, whether it ends a commit.
    due: Option<bool>,
    /// Where the last call read, if it was a read. A commit may write headers anew, without their pages, each right
    /// after it read its frame; these are not held, for nothing follows the last one.
    read_at: Option<u64>,
}

impl FrameJoiner {
    pub(super) fn new(file: Box<dyn RawFile>) -> FrameJoiner {
        FrameJoiner { held: Held::new(file), due: None, read_at: None }
    }

    /// Writes what is held.
    fn flush(&mut self) -> VfsResult<()> {
        self.held.flush()?;
        self.due = None;
        Ok(())
    }

    /// Takes a header, or a page behind its header, or anything else.
    fn take(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        if let Some(commits) = self.due
            && self.held.end() == offset
            && bytes.len() > HEADER
        {
            self.due = None;
            self.held.push(bytes, offset);
            return if commits || self.held.len() >= MOST { self.flush() } else { Ok(()) };
        }
        let header = bytes.len() == HEADER && self.read_at != Some(offset);
        if !header || self.due.is_some() || !self.held.goes_on_at(offset) {
            self.flush()?;
        }
        if !header {
            return self.held.pass(bytes, offset);
        }
        self.held.push(bytes, offset);
        self.due = Some(bytes[COMMIT] != [0; 4]);
        Ok(())
    }
}

impl RawFile for FrameJoiner {
    fn read_some(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        self.read_at = Some(offset);
        self.held.read(buffer, offset)
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        let taken = self.take(bytes, offset);
        self.read_at = None;
        taken.map_err(|error| {
            // SQLite undoes a transaction of which something could not be written: nothing of it may come later.
            self.held.clear();
            self.due = None;
            undoing(error)
        })
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        self.held.cut(size);
        self.due = None;
        self.held.truncate(size)
    }

    fn sync(&mut self, options: SyncOptions) -> VfsResult<()> {
        self.flush()?;
        self.held.sync(options)
    }

    fn size(&mut self) -> VfsResult<u64> {
        self.held.size()
    }

    fn delete(&mut self, durably: bool) -> VfsResult<()> {
        (self.due, self.read_at) = (None, None);
        self.held.delete(durably)
    }
}

/// The error as one upon which SQLite undoes the whole transaction. With others it would undo the statement only or nothing,
/// and go on with frames that were held and are not there.
fn undoing(error: VfsError) -> VfsError {
    match error.raw_code() & 0xff {
        ffi::SQLITE_IOERR | ffi::SQLITE_FULL => error,
        _ => {
            let as_write = VfsError::new(VfsErrorCode::IoWrite, error.message().to_owned().into());
            match error.system_error() {
                Some(system) => as_write.with_system_error(system),
                None => as_write,
            }
        }
    }
}

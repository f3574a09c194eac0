//! Few writes of a database while the log is copied into it: pages that lie side by side go out together.
//!
//! SQLite copies the log in the order of the pages, one by one. They are held back only between its word that this begins
//! and its word that it is done, and whoever reads finds them. SQLite ignores what the latter word is
//! answered, but before it takes a log for copied as a whole it sets the length of the database and syncs it, and heeds
//! what goes wrong then. Of a log that was copied in part nothing is overwritten.
#![forbid(unsafe_code)]

use super::held::{Held, MOST};
use super::node::RawFile;
use super::read_ahead::ReadAhead;
use rsqlite_vfs::{SyncOptions, VfsResult};

/// Makes the file of a database out of the bare one.
pub(super) fn database(file: Box<dyn RawFile>) -> Box<dyn RawFile> {
    Box::new(PageJoiner::new(Box::new(ReadAhead::new(file))))
}

/// A database that writes neighbours together.
struct PageJoiner {
    gathers: bool,
    held: Held,
}

impl PageJoiner {
    fn new(file: Box<dyn RawFile>) -> PageJoiner {
        PageJoiner { gathers: false, held: Held::new(file) }
    }
}

impl RawFile for PageJoiner {
    fn read_some(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        self.held.read(buffer, offset)
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        if !self.gathers || !self.held.goes_on_at(offset) || self.held.len() + bytes.len() > MOST {
            self.held.flush()?;
        }
        if !self.gathers {
            return self.held.pass(bytes, offset);
        }
        self.held.push(bytes, offset);
        Ok(())
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        self.held.truncate(size)
    }

    fn sync(&mut self, options: SyncOptions) -> VfsResult<()> {
        self.held.sync(options)
    }

    fn size(&mut self) -> VfsResult<u64> {
        self.held.size()
    }

    fn delete(&mut self, durably: bool) -> VfsResult<()> {
        self.held.delete(durably)
    }

    fn gather(&mut self, gathers: bool) -> VfsResult<()> {
        self.gathers = gathers;
        if gathers { Ok(()) } else { self.held.flush() }
    }
}

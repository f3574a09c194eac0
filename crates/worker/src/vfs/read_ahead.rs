//! Few reads of a file: whoever reads one place after the other finds there what was read for the one before.
//!
//! A read costs a browser nearly the same for a page as for 64 KiB. SQLite reads page by page: a table that is scanned, a
//! long value, a log that is copied or recovered. Where a read goes on behind one of the last, more is read than is asked
//! for, and kept for those that follow. It is what the file has: all writes come this way, and nobody else has the file.
#![forbid(unsafe_code)]

use super::node::RawFile;
use rsqlite_vfs::{SyncOptions, VfsResult};

/// How many bytes are read at first where a read goes on behind another, and at most.
const FIRST: usize = 16 << 10;
pub(super) const MOST: usize = 64 << 10;
/// How far behind the end of a read the next one may begin, to go on: the pages of a log have the header of a frame between.
const GAP: u64 = 32;
/// How many of the last reads are known, so that one place may be looked up between two that lie side by side.
const KNOWN: usize = 4;

/// A file that is read ahead.
pub(super) struct ReadAhead {
    file: Box<dyn RawFile>,
    /// Where what is kept begins.
    at: u64,
    /// Bytes of the file, as they are.
    kept: Vec<u8>,
    /// How many bytes the last read ahead asked for.
    ahead: usize,
    /// Where the last reads ended, the next to be forgotten first.
    ends: [u64; KNOWN],
}

impl ReadAhead {
    pub(super) fn new(file: Box<dyn RawFile>) -> ReadAhead {
        ReadAhead { file, at: 0, kept: Vec::new(), ahead: 0, ends: [u64::MAX; KNOWN] }
    }

    /// What is kept from this place on.
    fn kept_from(&self, offset: u64) -> Option<&[u8]> {
        let place = usize::try_from(offset.checked_sub(self.at)?).ok()?;
        self.kept.get(place..)
    }

    /// Whether a read at this place goes on behind one of the last. It is known as the last one from here on.
    fn goes_on(&mut self, offset: u64, length: usize) -> bool {
        let end = offset.saturating_add(length as u64);
        let before = self.ends.iter().position(|end| offset.checked_sub(*end).is_some_and(|gap| gap <= GAP));
        self.ends[before.unwrap_or(0)] = end;
        self.ends[before.unwrap_or(0)..].rotate_left(1);
        before.is_some()
    }

    /// Reads from a place on what is asked for and more. What fails is none of the caller's: it may concern the rest.
    fn fill(&mut self, offset: u64) {
        // One that goes on where what is kept ends has been worth it.
        let end = self.at.saturating_add(self.ahead as u64);
        let continues = self.ahead > 0 && offset > self.at && offset <= end.saturating_add(GAP);
        self.ahead = if continues { (self.ahead * 2).clamp(FIRST, MOST) } else { FIRST };
        self.at = offset;
        self.kept.resize(self.ahead, 0);
        let read = self.file.read(&mut self.kept, offset).unwrap_or(0);
        self.kept.truncate(read);
    }

    /// Forgets what is about to change.
    fn changes(&mut self, from: u64, to: u64) {
        if from < self.at.saturating_add(self.kept.len() as u64) && self.at < to {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.kept.clear();
        self.ahead = 0;
    }
}

impl RawFile for ReadAhead {
    fn read_some(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        let goes_on = self.goes_on(offset, buffer.len());
        let has = |file: &Self| file.kept_from(offset).is_some_and(|kept| kept.len() >= buffer.len());
        if goes_on && buffer.len() < FIRST && !has(self) {
            self.fill(offset);
        }
        match self.kept_from(offset).and_then(|kept| kept.get(..buffer.len())) {
            Some(kept) => {
                buffer.copy_from_slice(kept);
                Ok(buffer.len())
            }
            None => self.file.read(buffer, offset),
        }
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        self.changes(offset, offset.saturating_add(bytes.len() as u64));
        self.file.write(bytes, offset)
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        self.changes(size, u64::MAX);
        self.file.truncate(size)
    }

    fn sync(&mut self, options: SyncOptions) -> VfsResult<()> {
        self.file.sync(options)
    }

    fn size(&mut self) -> VfsResult<u64> {
        self.file.size()
    }

    fn gather(&mut self, gathers: bool) -> VfsResult<()> {
        self.file.gather(gathers)
    }

    fn delete(&mut self, durably: bool) -> VfsResult<()> {
        self.forget();
        self.file.delete(durably)
    }
}

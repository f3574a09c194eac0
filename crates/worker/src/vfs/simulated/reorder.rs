//! A cache in front of a disk, as systems and drives have one: what is written waits there and reaches the disk when the
//! cache likes, in any order. After a sync everything is there; when the power fails before, any part of it is.

use super::Random;
use crate::vfs::node::RawFile;
use rsqlite_vfs::{SyncOptions, VfsError, VfsErrorCode, VfsResult};

/// So much waits at most.
const MOST: usize = 48;

/// What waits to be done to the disk.
enum Waiting {
    Write { offset: u64, bytes: Vec<u8> },
    Truncate { size: u64 },
}

impl Waiting {
    /// Whether it makes a difference which of the two comes first.
    fn meets(&self, other: &Waiting) -> bool {
        match (self, other) {
            (Waiting::Truncate { .. }, Waiting::Truncate { .. }) => true,
            (Waiting::Write { .. }, Waiting::Truncate { size }) => self.end() > *size,
            (Waiting::Truncate { size }, Waiting::Write { .. }) => other.end() > *size,
            (Waiting::Write { offset: one, .. }, Waiting::Write { offset: two, .. }) => {
                *one < other.end() && *two < self.end()
            }
        }
    }

    fn end(&self) -> u64 {
        match self {
            Waiting::Write { offset, bytes } => offset + bytes.len() as u64,
            Waiting::Truncate { size } => *size,
        }
    }
}

/// A file behind such a cache.
pub(super) struct Reordered {
    disk: Box<dyn RawFile>,
    /// In the order in which it was said.
    waiting: Vec<Waiting>,
    random: Random,
}

impl Reordered {
    pub(super) fn new(disk: Box<dyn RawFile>, random: Random) -> Reordered {
        Reordered { disk, waiting: Vec::new(), random }
    }

    fn wait(&mut self, waiting: Waiting) {
        self.waiting.push(waiting);
        while self.waiting.len() > MOST || self.random.below(4) == 0 {
            // What cannot be written now goes on waiting; if it cannot be written at the sync either, that fails.
            if self.waiting.is_empty() || self.write_back().is_err() {
                break;
            }
        }
    }

    /// Does one of the things that wait, whichever: but not before another that it covers.
    fn write_back(&mut self) -> VfsResult<()> {
        let mut at = self.random.below(self.waiting.len());
        while let Some(earlier) = self.waiting[..at].iter().position(|one| one.meets(&self.waiting[at])) {
            at = earlier;
        }
        match &self.waiting[at] {
            Waiting::Write { offset, bytes } => self.disk.write(bytes, *offset),
            Waiting::Truncate { size } => self.disk.truncate(*size),
        }?;
        self.waiting.remove(at);
        Ok(())
    }

    fn write_all_back(&mut self) -> VfsResult<()> {
        while !self.waiting.is_empty() {
            self.write_back()?;
        }
        Ok(())
    }
}

impl Drop for Reordered {
    /// A file that is closed, also by the death of its process, is still in the cache of the system.
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = self.write_all_back();
    }
}

impl RawFile for Reordered {
    fn read_some(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        let read = self.disk.read(buffer, offset)?;
        buffer[read..].fill(0);
        let whole = offset..offset + buffer.len() as u64;
        let index = |at: u64| (at - whole.start) as usize;
        for waiting in &self.waiting {
            match waiting {
                Waiting::Write { offset, bytes } => {
                    let (from, to) = ((*offset).max(whole.start), waiting.end().min(whole.end));
                    if from < to {
                        let part = &bytes[(from - offset) as usize..(to - offset) as usize];
                        buffer[index(from)..index(to)].copy_from_slice(part);
                    }
                }
                Waiting::Truncate { size } => buffer[index((*size).clamp(whole.start, whole.end))..].fill(0),
            }
        }
        let there = self.size()?.saturating_sub(offset);
        Ok(usize::try_from(there).map_or(buffer.len(), |there| there.min(buffer.len())))
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        if i64::try_from(offset).ok().and_then(|at| at.checked_add(bytes.len() as i64)).is_none() {
            return Err(VfsError::new(VfsErrorCode::Full, "the file would be too long".into()));
        }
        if !bytes.is_empty() {
            self.wait(Waiting::Write { offset, bytes: bytes.to_vec() });
        }
        Ok(())
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        self.wait(Waiting::Truncate { size });
        Ok(())
    }

    fn sync(&mut self, options: SyncOptions) -> VfsResult<()> {
        self.write_all_back()?;
        self.disk.sync(options)
    }

    fn size(&mut self) -> VfsResult<u64> {
        let on_disk = self.disk.size()?;
        Ok(self.waiting.iter().fold(on_disk, |size, waiting| match waiting {
            Waiting::Write { .. } => size.max(waiting.end()),
            Waiting::Truncate { size } => *size,
        }))
    }
}

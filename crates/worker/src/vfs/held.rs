//! Bytes that wait to be written, all of them side by side.
#![forbid(unsafe_code)]

use super::node::RawFile;
use rsqlite_vfs::{SyncOptions, VfsResult};

/// How many bytes wait at most. A write costs a browser the same for a page as for 64 KiB, and 256 KiB little more.
pub(super) const MOST: usize = 256 << 10;

/// A file, and a run of bytes that is to be written to it.
pub(super) struct Held {
    file: Box<dyn RawFile>,
    at: u64,
    bytes: Vec<u8>,
}

impl Held {
    pub(super) fn new(file: Box<dyn RawFile>) -> Held {
        Held { file, at: 0, bytes: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether bytes for this place continue it.
    pub(super) fn goes_on_at(&self, offset: u64) -> bool {
        self.is_empty() || offset == self.end()
    }

    /// Where it ends.
    pub(super) fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }

    /// Reads from the file as it will be when this is written.
    pub(super) fn read(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        let read = self.file.read(buffer, offset)?;
        let to = offset.saturating_add(buffer.len() as u64);
        if self.is_empty() || to <= offset || self.end() <= offset {
            return Ok(read);
        }
        // What lies between the end of the file and this reads as zeros.
        let length = read.max(usize::try_from(self.end().min(to) - offset).unwrap_or(buffer.len()));
        buffer[read..length].fill(0);
        let (from, to) = (self.at.max(offset), self.end().min(to));
        if from < to {
            let place = |at: u64, start: u64| usize::try_from(at - start).unwrap_or(usize::MAX);
            let held = &self.bytes[place(from, self.at)..place(to, self.at)];
            buffer[place(from, offset)..place(to, offset)].copy_from_slice(held);
        }
        Ok(length)
    }

    /// How long the file will be.
    pub(super) fn size(&mut self) -> VfsResult<u64> {
        let size = self.file.size()?;
        Ok(if self.is_empty() { size } else { size.max(self.end()) })
    }

    /// Adds bytes at its end, or where nothing is held at their place.
    pub(super) fn push(&mut self, bytes: &[u8], offset: u64) {
        if self.is_empty() {
            self.at = offset;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes it. What cannot be written is still held then, so that no call after this one succeeds as if it were there.
    pub(super) fn flush(&mut self) -> VfsResult<()> {
        if !self.is_empty() {
            self.file.write(&self.bytes, self.at)?;
            self.bytes.clear();
        }
        Ok(())
    }

    /// Writes bytes of another place, which are not held. To be flushed before.
    pub(super) fn pass(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        self.file.write(bytes, offset)
    }

    /// Writes it, and sets the length of the file.
    pub(super) fn truncate(&mut self, size: u64) -> VfsResult<()> {
        self.flush()?;
        self.file.truncate(size)
    }

    /// Writes it, and makes it last.
    pub(super) fn sync(&mut self, options: SyncOptions) -> VfsResult<()> {
        self.flush()?;
        self.file.sync(options)
    }

    /// Forgets it, and removes the file.
    pub(super) fn delete(&mut self, durably: bool) -> VfsResult<()> {
        self.clear();
        self.file.delete(durably)
    }

    /// Forgets what lies behind a place of the file.
    pub(super) fn cut(&mut self, size: u64) {
        let left = usize::try_from(size.saturating_sub(self.at)).unwrap_or(usize::MAX);
        self.bytes.truncate(left);
    }

    /// Forgets all of it.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}

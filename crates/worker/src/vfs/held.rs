//! Bytes that wait to be written, all of them side by side.
#![forbid(unsafe_code)]

use super::node::RawFile;
use rsqlite_vfs::VfsResult;

/// How many bytes wait at most. A write costs a browser the same for a page as for 64 KiB, and 256 KiB little more.
pub(super) const MOST: usize = 256 << 10;

/// A run of bytes that is to be written to a file.
#[derive(Default)]
pub(super) struct Held {
    at: u64,
    bytes: Vec<u8>,
}

impl Held {
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
    pub(super) fn read(&self, file: &mut dyn RawFile, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        let read = file.read(buffer, offset)?;
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
    pub(super) fn size(&self, file: &mut dyn RawFile) -> VfsResult<u64> {
        let size = file.size()?;
        Ok(if self.is_empty() { size } else { size.max(self.end()) })
    }

    /// Adds bytes at its end, or where nothing is held at their place.
    pub(super) fn push(&mut self, bytes: &[u8], offset: u64) {
        if self.is_empty() {
            self.at = offset;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes it. What cannot be written is still held then.
    pub(super) fn write(&mut self, file: &mut dyn RawFile) -> VfsResult<()> {
        if !self.is_empty() {
            file.write(&self.bytes, self.at)?;
            self.bytes.clear();
        }
        Ok(())
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

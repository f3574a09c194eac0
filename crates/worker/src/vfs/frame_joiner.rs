//! Half the writes of a log: the header of a frame and the page behind it, which SQLite writes apart, go out as one.
//!
//! A write costs a browser the same for 24 bytes as for 64 KiB, so each frame would cost two. A header is therefore held
//! back until its page arrives, in the very next call; what goes wrong then is reported by the page's write, which SQLite
//! heeds as much as the header's. Nothing else is ever held back: a commit is acknowledged without another call that
//! could still report an error, so whatever a commit consists of has to be written when the last write of it returns.
#![forbid(unsafe_code)]

use super::node::RawFile;
use rsqlite_vfs::{SyncOptions, VfsResult};

/// The length of a frame's header.
const HEADER: usize = 24;

/// A log that writes whole frames.
pub(super) struct FrameJoiner {
    file: Box<dyn RawFile>,
    held: Option<(u64, [u8; HEADER])>,
    /// Where the last call read, if it was a read. A commit may write headers anew, without their pages, each right
    /// after it read its frame; these are not held, for nothing follows the last one.
    read_at: Option<u64>,
    frame: Vec<u8>,
}

impl FrameJoiner {
    pub(super) fn new(file: Box<dyn RawFile>) -> FrameJoiner {
        FrameJoiner { file, held: None, read_at: None, frame: Vec::new() }
    }

    /// Writes the header that is held, if there is one, before anything that could miss it. One that cannot be written
    /// stays, so that no call after this one succeeds as if it were there.
    fn flush(&mut self) -> VfsResult<()> {
        self.read_at = None;
        if let Some((offset, header)) = &self.held {
            self.file.write(header, *offset)?;
            self.held = None;
        }
        Ok(())
    }
}

impl RawFile for FrameJoiner {
    fn read_some(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        self.flush()?;
        self.read_at = Some(offset);
        self.file.read(buffer, offset)
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        if let Some((at, header)) = &self.held
            && at + HEADER as u64 == offset
            && bytes.len() > HEADER
        {
            self.frame.clear();
            self.frame.extend_from_slice(header);
            self.frame.extend_from_slice(bytes);
            let at = *at;
            self.held = None;
            return self.file.write(&self.frame, at);
        }
        let rewritten = self.read_at == Some(offset);
        self.flush()?;
        match bytes.first_chunk::<HEADER>() {
            Some(header) if bytes.len() == HEADER && !rewritten => {
                self.held = Some((offset, *header));
                Ok(())
            }
            _ => self.file.write(bytes, offset),
        }
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        self.held.take_if(|(offset, _)| *offset >= size);
        self.flush()?;
        self.file.truncate(size)
    }

    fn sync(&mut self, options: SyncOptions) -> VfsResult<()> {
        self.flush()?;
        self.file.sync(options)
    }

    fn size(&mut self) -> VfsResult<u64> {
        self.flush()?;
        self.file.size()
    }

    fn delete(&mut self, durably: bool) -> VfsResult<()> {
        self.held = None;
        self.read_at = None;
        self.file.delete(durably)
    }
}

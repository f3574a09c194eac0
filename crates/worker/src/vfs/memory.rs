//! Files in memory: databases without a file, and everything temporary.
#![forbid(unsafe_code)]

use super::node::RawFile;
use rsqlite_vfs::{SyncOptions, VfsError, VfsErrorCode, VfsResult};

/// Big enough that a database is few allocations, small enough that an empty one costs little.
const CHUNK: usize = 64 * 1024;

/// A file as chunks that are never moved when it grows. Chunks that were never written do not exist: they read as zeros.
#[derive(Clone, Default)]
pub(super) struct MemoryFile {
    chunks: Vec<Option<Box<[u8]>>>,
    size: u64,
}

impl MemoryFile {
    fn chunk(&mut self, index: usize) -> VfsResult<&mut [u8]> {
        if index >= self.chunks.len() {
            self.chunks.try_reserve(index + 1 - self.chunks.len()).map_err(|_| full())?;
            self.chunks.resize_with(index + 1, || None);
        }
        let chunk = &mut self.chunks[index];
        if chunk.is_none() {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(CHUNK).map_err(|_| full())?;
            bytes.resize(CHUNK, 0);
            *chunk = Some(bytes.into_boxed_slice());
        }
        chunk.as_deref_mut().ok_or_else(full)
    }
}

impl RawFile for MemoryFile {
    fn read_some(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        let available = self.size.saturating_sub(offset);
        let length = usize::try_from(available).map_or(buffer.len(), |available| available.min(buffer.len()));
        let mut done = 0;
        while done < length {
            let Ok(at) = usize::try_from(offset + done as u64) else { break };
            let within = at % CHUNK;
            let count = (CHUNK - within).min(length - done);
            let target = &mut buffer[done..done + count];
            match self.chunks.get(at / CHUNK) {
                Some(Some(chunk)) => target.copy_from_slice(&chunk[within..within + count]),
                _ => target.fill(0),
            }
            done += count;
        }
        Ok(done)
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        let end = offset.checked_add(bytes.len() as u64).ok_or_else(full)?;
        usize::try_from(end).map_err(|_| full())?;
        let mut done = 0;
        while done < bytes.len() {
            let at = usize::try_from(offset + done as u64).map_err(|_| full())?;
            let within = at % CHUNK;
            let count = (CHUNK - within).min(bytes.len() - done);
            self.chunk(at / CHUNK)?[within..within + count].copy_from_slice(&bytes[done..done + count]);
            done += count;
        }
        self.size = self.size.max(end);
        Ok(())
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        if size < self.size {
            let size = usize::try_from(size).map_err(|_| full())?;
            self.chunks.truncate(size.div_ceil(CHUNK));
            // What lies behind the end has to read as zeros when the file grows over it again.
            if let Some(Some(chunk)) = self.chunks.get_mut(size / CHUNK) {
                chunk[size % CHUNK..].fill(0);
            }
        }
        self.size = size;
        Ok(())
    }

    fn sync(&mut self, _options: SyncOptions) -> VfsResult<()> {
        Ok(())
    }

    fn size(&mut self) -> VfsResult<u64> {
        Ok(self.size)
    }
}

fn full() -> VfsError {
    VfsError::new(VfsErrorCode::Full, "there is no memory left for the database".into())
}

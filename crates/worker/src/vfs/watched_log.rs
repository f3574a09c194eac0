//! A log that knows where its last commit ends, and says so before it changes.
#![forbid(unsafe_code)]

use super::frame_joiner::FrameJoiner;
use super::node::RawFile;
use super::read_ahead::ReadAhead;
use crate::mark::Position;
use rsqlite_vfs::{SyncOptions, VfsResult};
use std::cell::RefCell;
use std::rc::Rc;

const LOG_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;
/// Where in the log's header the size of a page stands.
const PAGE_SIZE_AT: usize = 8;
/// Where in the log's header the salts stand.
const SALTS_AT: usize = 16;
/// Where in a frame's header the size of the database stands, if it ends a commit.
const COMMIT_AT: u64 = 4;

/// Who wants to know before a log changes.
pub(crate) trait LogGuard {
    /// Frames are about to be written. An error is the write's.
    fn before_frames(&self) -> VfsResult<()>;

    /// Commits are about to be overwritten or cut off. An error is that call's.
    fn before_restart(&self) -> VfsResult<()>;
}

/// What a log and those who watch it share.
#[derive(Default)]
pub(crate) struct LogWatch {
    end: RefCell<LogEnd>,
    guard: RefCell<Option<Rc<dyn LogGuard>>>,
}

impl LogWatch {
    /// Where the log on file ends.
    pub(crate) fn position(&self) -> Position {
        self.end.borrow().position
    }

    /// Takes over what SQLite found when it read the log.
    pub(crate) fn found(&self, frames: u32) {
        self.end.borrow_mut().position.frames = frames;
    }

    /// How many bytes of the log so many frames take.
    pub(crate) fn bytes_of(&self, frames: u32) -> u64 {
        if frames == 0 { 0 } else { self.end.borrow().frame_at(frames.into()) }
    }

    /// Has somebody asked before the log changes, or nobody any more.
    pub(crate) fn set_guard(&self, guard: Option<Rc<dyn LogGuard>>) {
        *self.guard.borrow_mut() = guard;
    }

    fn before_frames(&self) -> VfsResult<()> {
        let guard = self.guard.borrow().clone();
        guard.map_or(Ok(()), |guard| guard.before_frames())
    }

    fn before_restart(&self) -> VfsResult<()> {
        let guard = self.guard.borrow().clone();
        guard.map_or(Ok(()), |guard| guard.before_restart())
    }
}

/// Follows what is written to a log.
#[derive(Debug, Default)]
struct LogEnd {
    position: Position,
    /// How long a page is; 0 where nobody knows.
    page: u64,
}

impl LogEnd {
    /// Reads the header of a log.
    fn begin(&mut self, header: &[u8]) {
        let page = header.get(PAGE_SIZE_AT..).and_then(|bytes| bytes.first_chunk::<4>());
        let salts = header.get(SALTS_AT..).and_then(|bytes| bytes.first_chunk::<8>());
        if let (Some(page), Some(salts)) = (page, salts) {
            self.page = u32::from_be_bytes(*page).into();
            self.position = Position { salts: *salts, frames: 0 };
        }
    }

    /// Where the frame with this number (from 0) begins.
    fn frame_at(&self, frame: u64) -> u64 {
        LOG_HEADER + frame * (FRAME_HEADER + self.page)
    }

    /// Where the committed part ends.
    fn bytes(&self) -> u64 {
        if self.position.frames == 0 { 0 } else { self.frame_at(self.position.frames.into()) }
    }

    fn wrote(&mut self, bytes: &[u8], offset: u64) {
        let end = offset + bytes.len() as u64;
        if offset == 0 && end >= LOG_HEADER {
            self.begin(bytes);
        }
        if self.page == 0 || end <= LOG_HEADER {
            return;
        }
        let frame_bytes = FRAME_HEADER + self.page;
        let first = offset.saturating_sub(LOG_HEADER) / frame_bytes;
        let last = (end - LOG_HEADER - 1) / frame_bytes;
        for frame in first..=last {
            let Ok(number) = u32::try_from(frame) else { return };
            let at = (self.frame_at(frame) + COMMIT_AT).checked_sub(offset).and_then(|at| usize::try_from(at).ok());
            if let Some(size) = at.and_then(|at| bytes.get(at..)).and_then(|bytes| bytes.first_chunk::<4>()) {
                // A commit may write headers anew, all of its own and its last one last.
                let ends_a_commit = u32::from_be_bytes(*size) != 0;
                self.position.frames = if ends_a_commit { number + 1 } else { self.position.frames.min(number) };
            }
        }
    }

    fn truncated(&mut self, size: u64) {
        if size < LOG_HEADER {
            *self = LogEnd::default();
        } else if size < self.bytes() {
            let left = (size - LOG_HEADER) / (FRAME_HEADER + self.page);
            self.position.frames = u32::try_from(left).unwrap_or(u32::MAX);
        }
    }
}

/// Makes the file of a log out of the bare one.
pub(super) fn log(file: Box<dyn RawFile>) -> VfsResult<(Box<dyn RawFile>, Rc<LogWatch>)> {
    let (file, watch) = WatchedLog::new(Box::new(ReadAhead::new(file)))?;
    Ok((Box::new(FrameJoiner::new(Box::new(file))), watch))
}

/// The file of a log, watched.
struct WatchedLog {
    file: Box<dyn RawFile>,
    watch: Rc<LogWatch>,
}

impl WatchedLog {
    /// Watches a log, whatever is in it.
    fn new(mut file: Box<dyn RawFile>) -> VfsResult<(WatchedLog, Rc<LogWatch>)> {
        let watch = Rc::new(LogWatch::default());
        let mut header = [0; LOG_HEADER as usize];
        if file.size()? >= LOG_HEADER && file.read(&mut header, 0)? == header.len() {
            watch.end.borrow_mut().begin(&header);
        }
        Ok((WatchedLog { file, watch: Rc::clone(&watch) }, watch))
    }
}

impl RawFile for WatchedLog {
    fn read_some(&mut self, buffer: &mut [u8], offset: u64) -> VfsResult<usize> {
        self.file.read(buffer, offset)
    }

    fn write(&mut self, bytes: &[u8], offset: u64) -> VfsResult<()> {
        if offset < LOG_HEADER { self.watch.before_restart() } else { self.watch.before_frames() }?;
        // A header that could not be written leaves the old log in force, or none: nothing of a new one.
        self.file.write(bytes, offset)?;
        self.watch.end.borrow_mut().wrote(bytes, offset);
        Ok(())
    }

    fn truncate(&mut self, size: u64) -> VfsResult<()> {
        if size < self.watch.end.borrow().bytes().max(LOG_HEADER) {
            self.watch.before_restart()?;
        }
        self.file.truncate(size)?;
        self.watch.end.borrow_mut().truncated(size);
        Ok(())
    }

    fn sync(&mut self, options: SyncOptions) -> VfsResult<()> {
        self.file.sync(options)
    }

    fn size(&mut self) -> VfsResult<u64> {
        self.file.size()
    }

    fn delete(&mut self, durably: bool) -> VfsResult<()> {
        self.watch.before_restart()?;
        self.file.delete(durably)?;
        self.watch.end.borrow_mut().truncated(0);
        Ok(())
    }
}

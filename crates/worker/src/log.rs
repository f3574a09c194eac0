//! The write-ahead log of a database: when it is copied into the database, and what is done when readers keep it from
//! beginning anew. Decisions without an environment.
//!
//! A reader needs the log as it was when its transaction began. So the log can be copied only up to the oldest snapshot,
//! and begins anew only when nobody reads from it. Readers that overlap without a gap would keep it growing forever: past a
//! certain size, those that would begin now are held back for a moment. A reader that stays all the same is named, and
//! past a limit that users set it has to go.
#![forbid(unsafe_code)]

use crate::sqlite::Checkpoint;

/// From how many bytes on the log is copied when nothing else is to be done.
const IDLE_BYTES: u64 = 1 << 20;
/// From how many bytes on it is long. Whoever made it so may want to read what was written: it is copied when nothing
/// follows, or right after the next commit.
const BUSY_BYTES: u64 = 2 << 20;
/// From how many bytes on new readers are held back.
const HOLD_BYTES: u64 = 4 << 20;
/// To how many bytes the file of the log is cut back when the log begins anew.
pub(crate) const KEPT_BYTES: u64 = 4 << 20;
/// How long nothing must have happened before the log is copied, in milliseconds: a burst is not interrupted.
const QUIET_MS: f64 = 10.0;
/// How long new readers are held back at most, in milliseconds.
const HOLD_MS: f64 = 50.0;

/// What is known of the log, and what is to be done about it.
#[derive(Debug)]
pub(crate) struct Log {
    /// The size of a frame, in bytes.
    frame: u64,
    /// How large users allow it to be.
    limit: u64,
    frames: u32,
    /// What tells it from what it was before it began anew.
    salts: Option<[u8; 8]>,
    /// How many of the frames are in the database as well.
    copied: u32,
    /// How many there were when copying was last tried.
    tried: u32,
    /// Whether it was long before the last commit.
    overdue: bool,
    /// When it is to be copied if nothing happens until then.
    due: Option<f64>,
    /// Until when new readers are held back.
    hold: Option<f64>,
    /// How large it was when that was in vain.
    failed_at: Option<u64>,
}

/// What came of holding new readers back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Nobody reads any more.
    Empty,
    /// Somebody goes on reading.
    InVain,
}

impl Log {
    pub(crate) fn new() -> Log {
        Log {
            frame: 4096 + 24,
            limit: u64::MAX,
            frames: 0,
            salts: None,
            copied: 0,
            tried: 0,
            overdue: false,
            due: None,
            hold: None,
            failed_at: None,
        }
    }

    /// Takes note of the size of a page.
    pub(crate) fn set_page_size(&mut self, bytes: u64) {
        self.frame = bytes + 24;
    }

    /// Takes note of how large users allow it to be, in bytes. Where that is little, everything happens earlier.
    pub(crate) fn set_limit(&mut self, bytes: u64) {
        self.limit = bytes;
    }

    /// How large users allow it to be, in bytes.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// How large it is, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        u64::from(self.frames) * self.frame
    }

    fn bytes_after(&self, frames: u32) -> u64 {
        u64::from(self.frames.saturating_sub(frames)) * self.frame
    }

    /// Takes note of a commit, after which it has so many frames and these salts.
    pub(crate) fn committed(&mut self, frames: u32, salts: Option<[u8; 8]>) {
        if salts != self.salts || frames < self.frames {
            // It may have as many frames again, and more.
            (self.frames, self.salts) = (0, salts);
            (self.copied, self.tried, self.overdue, self.failed_at) = (0, 0, false, None);
        } else {
            self.overdue = self.is_long();
        }
        self.frames = frames;
    }

    /// Takes note that a connection worked; if there is enough to copy, that is done when nothing follows.
    pub(crate) fn touch(&mut self, now: f64) {
        if self.bytes_after(self.copied) >= IDLE_BYTES {
            self.due = Some(now + QUIET_MS);
        }
    }

    /// When it is to be copied if nothing happens until then.
    pub(crate) fn due(&self) -> f64 {
        self.due.unwrap_or(f64::INFINITY)
    }

    /// Whether it is to be copied at once.
    pub(crate) fn is_overdue(&self) -> bool {
        // Another commit as large must not bring it to where readers have to go.
        self.is_long() && (self.overdue || self.bytes() >= self.limit / 2)
    }

    fn is_long(&self) -> bool {
        self.bytes_after(self.copied.max(self.tried)) >= BUSY_BYTES.min(self.limit / 4)
    }

    /// Takes note of what copying came to; nothing when it failed.
    pub(crate) fn copied(&mut self, result: Option<Checkpoint>) {
        (self.due, self.overdue) = (None, false);
        if let Some(Checkpoint { frames, copied }) = result {
            (self.frames, self.copied) = (frames, copied);
        }
        self.tried = self.frames;
    }

    /// Whether whoever would begin to read now has to wait.
    pub(crate) fn holds_back(&self) -> bool {
        self.hold.is_some()
    }

    /// Until when, at the latest.
    pub(crate) fn held_until(&self) -> f64 {
        self.hold.unwrap_or(f64::INFINITY)
    }

    /// Begins to hold new readers back, if it is large enough for that.
    pub(crate) fn hold_if_large(&mut self, now: f64) {
        let first = HOLD_BYTES.min(self.limit / 2).max(1);
        let at = match self.failed_at {
            None => first,
            // Whoever did not go then will not go now: it has to be worth it.
            Some(bytes) if bytes < self.limit => (bytes * 2).min(self.limit),
            Some(bytes) => bytes + first,
        };
        // What waits to be copied has kept nobody from beginning anew.
        let waits = self.is_long() && !self.is_overdue();
        if self.hold.is_none() && !waits && self.bytes() >= at {
            self.hold = Some(now + HOLD_MS);
        }
    }

    /// Ends that when nobody reads any more, or when it has taken long enough.
    pub(crate) fn end_hold(&mut self, readers: usize, now: f64) -> Option<Hold> {
        let until = self.hold?;
        let end = match readers {
            0 => Hold::Empty,
            _ if now >= until => Hold::InVain,
            _ => return None,
        };
        self.hold = None;
        self.failed_at = Some(self.bytes());
        Some(end)
    }

    /// Whether it is as large as users allow, or larger.
    pub(crate) fn is_over(&self) -> bool {
        self.bytes() >= self.limit
    }

    /// Takes note that a reader was made to go: so holding back the others may help at once.
    pub(crate) fn freed(&mut self) {
        self.failed_at = None;
    }
}

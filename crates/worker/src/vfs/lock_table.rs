//! SQLite's five lock levels on one file, for the connections of one process.
//!
//! Pure logic: a handle brings the level that it holds and takes away the level that it holds next. Whoever holds
//! RESERVED or more is the one writer, so the table needs no names. The rules are those of SQLite's own `os_unix.c`
//! (<https://www.sqlite.org/lockingv3.html>).
#![forbid(unsafe_code)]

use rsqlite_vfs::LockLevel;

/// Who holds what on one file.
#[derive(Debug)]
pub(super) struct LockTable {
    /// Handles at SHARED or above.
    sharing: u32,
    /// The level of the one handle above SHARED; `None` when there is none.
    writer: LockLevel,
}

/// The answer to [`LockTable::lock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What the handle holds now. A refused EXCLUSIVE may leave PENDING, which keeps new readers out.
    pub(super) held: LockLevel,
    /// Whether it got what it asked for.
    pub(super) granted: bool,
}

impl LockTable {
    /// A file that nobody has locked.
    pub(super) fn new() -> LockTable {
        LockTable { sharing: 0, writer: LockLevel::None }
    }

    /// A handle that holds `held` asks for `wanted`.
    pub(super) fn lock(&mut self, held: LockLevel, wanted: LockLevel) -> Outcome {
        let refused = Outcome { held, granted: false };
        let granted = Outcome { held: wanted, granted: true };
        if wanted <= held {
            return Outcome { held, granted: true };
        }
        if wanted == LockLevel::Shared {
            if self.writer >= LockLevel::Pending {
                return refused;
            }
            self.sharing += 1;
            return granted;
        }
        // Above SHARED there is one writer, and SQLite gets there only through SHARED.
        let is_writer = held >= LockLevel::Reserved;
        if held == LockLevel::None || (!is_writer && self.writer != LockLevel::None) {
            return refused;
        }
        if wanted == LockLevel::Exclusive && self.sharing > 1 {
            if !is_writer {
                // From SHARED straight to EXCLUSIVE (a hot journal): PENDING would stay behind without a RESERVED.
                return refused;
            }
            self.writer = LockLevel::Pending;
            return Outcome { held: LockLevel::Pending, granted: false };
        }
        self.writer = wanted;
        granted
    }

    /// A handle that holds `held` goes down to `kept`; the level that it holds now.
    pub(super) fn unlock(&mut self, held: LockLevel, kept: LockLevel) -> LockLevel {
        if kept >= held {
            return held;
        }
        if held >= LockLevel::Reserved {
            self.writer = LockLevel::None;
        }
        if kept == LockLevel::None {
            self.sharing = self.sharing.saturating_sub(1);
            return LockLevel::None;
        }
        // SQLite goes down to SHARED or NONE only.
        LockLevel::Shared
    }

    /// Whether anybody, the asking handle included, holds RESERVED or more.
    pub(super) fn is_reserved(&self) -> bool {
        self.writer >= LockLevel::Reserved
    }
}

//! Locks that are broken on purpose, by one mistake at a time, for tests of the tests: what tries locks has to notice.
//! In a release there are none.
#![forbid(unsafe_code)]

use super::lock_table::{self, Outcome};
use super::shm::{self, ShmHeld};
use crate::mark::Position;
use rsqlite_vfs::ffi::{SQLITE_BUSY, SQLITE_SHM_EXCLUSIVE, SQLITE_SHM_LOCK, SQLITE_SHM_SHARED, SQLITE_SHM_UNLOCK};
use rsqlite_vfs::{LockLevel, VfsResult};
use std::cell::Cell;

/// A mistake in the locks on a file, or in the slots of the memory that the connections of a log share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// SHARED is granted whoever writes or is about to.
    ReadersBesideAWriter,
    /// RESERVED is granted to two.
    TwoWriters,
    /// EXCLUSIVE is granted beside readers.
    ExclusiveBesideReaders,
    /// A refused EXCLUSIVE leaves PENDING, also where it came from SHARED.
    PendingFromShared,
    /// Who writes does so for ever.
    WriterStays,
    /// Who reads does so for ever.
    ReaderStays,
    /// Nobody is ever said to be RESERVED.
    NobodyIsReserved,
    /// An exclusive slot is granted to anybody.
    SlotForAnybody,
    /// An exclusive slot is granted beside those who share it.
    SlotBesideReaders,
    /// A slot is shared with who has it alone.
    SlotSharedWithItsOwner,
    /// An exclusive slot is never given back.
    OwnerStays,
    /// A shared slot is never given back.
    SharerStays,
    /// Whoever unmaps the memory leaves everything as it is.
    UnmapsNothing,
    /// Every region of the memory is the first.
    OneRegion,
}

impl Mistake {
    /// All of them.
    pub const ALL: [Mistake; 14] = [
        Mistake::ReadersBesideAWriter,
        Mistake::TwoWriters,
        Mistake::ExclusiveBesideReaders,
        Mistake::PendingFromShared,
        Mistake::WriterStays,
        Mistake::ReaderStays,
        Mistake::NobodyIsReserved,
        Mistake::SlotForAnybody,
        Mistake::SlotBesideReaders,
        Mistake::SlotSharedWithItsOwner,
        Mistake::OwnerStays,
        Mistake::SharerStays,
        Mistake::UnmapsNothing,
        Mistake::OneRegion,
    ];
}

thread_local!(static MADE: Cell<Option<Mistake>> = const { Cell::new(None) });

/// Breaks the locks of what this thread attaches from now on; nothing lets them be right.
pub fn break_locks(mistake: Option<Mistake>) {
    MADE.set(mistake);
}

/// As [`lock_table::LockTable`], but for the mistake.
pub(super) struct LockTable {
    right: lock_table::LockTable,
    made: Option<Mistake>,
}

impl LockTable {
    pub(super) fn new() -> LockTable {
        LockTable { right: lock_table::LockTable::new(), made: MADE.get() }
    }

    pub(super) fn lock(&mut self, held: LockLevel, wanted: LockLevel) -> Outcome {
        let outcome = self.right.lock(held, wanted);
        let granted = Outcome { held: wanted, granted: true };
        match (self.made, wanted) {
            _ if outcome.granted => outcome,
            (Some(Mistake::ReadersBesideAWriter), LockLevel::Shared)
            | (Some(Mistake::TwoWriters), LockLevel::Reserved)
            | (Some(Mistake::ExclusiveBesideReaders), LockLevel::Exclusive) => granted,
            (Some(Mistake::PendingFromShared), LockLevel::Exclusive) if held == LockLevel::Shared => {
                self.right.lock(LockLevel::Reserved, wanted)
            }
            _ => outcome,
        }
    }

    pub(super) fn unlock(&mut self, held: LockLevel, kept: LockLevel) -> LockLevel {
        match self.made {
            Some(Mistake::WriterStays) => self.right.unlock(held.min(LockLevel::Shared), kept),
            Some(Mistake::ReaderStays) => {
                self.right.unlock(held, kept.max(LockLevel::Shared));
                kept.min(held)
            }
            _ => self.right.unlock(held, kept),
        }
    }

    pub(super) fn is_reserved(&self) -> bool {
        self.right.is_reserved() && self.made != Some(Mistake::NobodyIsReserved)
    }
}

/// As [`shm::Shm`], but for the mistake.
pub(super) struct Shm {
    right: shm::Shm,
    made: Option<Mistake>,
    /// A bit for each slot that somebody has alone.
    owned: u32,
}

impl Default for Shm {
    fn default() -> Shm {
        Shm { right: shm::Shm::default(), made: MADE.get(), owned: 0 }
    }
}

impl Shm {
    pub(super) fn map(&mut self, held: &mut ShmHeld, index: i32, size: i32, extend: bool) -> VfsResult<*mut u8> {
        let region = self.right.map(held, index, size, extend)?;
        let one = self.made == Some(Mistake::OneRegion) && !region.is_null();
        if one { self.right.map(held, 0, size, extend) } else { Ok(region) }
    }

    pub(super) fn lock(&mut self, held: &mut ShmHeld, first: i32, count: i32, flags: i32) -> Result<(), i32> {
        const OWN: i32 = SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE;
        const SHARE: i32 = SQLITE_SHM_LOCK | SQLITE_SHM_SHARED;
        const DISOWN: i32 = SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE;
        const LEAVE: i32 = SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED;
        let slots = (first..first.saturating_add(count).min(32)).fold(0, |slots, slot| slots | 1_u32 << (slot & 31));
        match (self.made, flags) {
            (Some(Mistake::OwnerStays), DISOWN) | (Some(Mistake::SharerStays), LEAVE) => return Ok(()),
            _ => {}
        }
        let done = self.right.lock(held, first, count, flags);
        match (done, flags) {
            (Ok(()), OWN) => self.owned |= slots,
            (Ok(()), DISOWN) => self.owned &= !slots,
            (Err(SQLITE_BUSY), _) => {
                let granted = match self.made {
                    Some(Mistake::SlotForAnybody) => flags == OWN,
                    Some(Mistake::SlotBesideReaders) => flags == OWN && self.owned & slots == 0,
                    Some(Mistake::SlotSharedWithItsOwner) => flags == SHARE,
                    _ => false,
                };
                return if granted { Ok(()) } else { done };
            }
            _ => {}
        }
        done
    }

    pub(super) fn unmap(&mut self, held: &mut ShmHeld) {
        if self.made != Some(Mistake::UnmapsNothing) {
            self.right.unmap(held);
        }
    }

    pub(super) fn log_end(&self) -> Option<Position> {
        self.right.log_end()
    }
}

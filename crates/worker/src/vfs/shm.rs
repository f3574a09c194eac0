//! The shared memory of a database in WAL mode: what `-shm` is on disk, connections of one process share on the heap.
//!
//! SQLite keeps pointers into a region for as long as it has it mapped, so every region is its own allocation, which
//! never moves and is freed when the last connection unmaps. It has to be freed then: a database that goes from WAL to
//! DELETE and back would believe the old page counts.

use super::fault;
use crate::mark::Position;
use rsqlite_vfs::VfsResult;
use rsqlite_vfs::ffi::{
    SQLITE_BUSY, SQLITE_IOERR_SHMLOCK, SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMSIZE, SQLITE_SHM_EXCLUSIVE,
    SQLITE_SHM_LOCK, SQLITE_SHM_NLOCK, SQLITE_SHM_SHARED, SQLITE_SHM_UNLOCK,
};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::{NonNull, null_mut};

const SLOTS: usize = SQLITE_SHM_NLOCK as usize;
/// A region indexes 4,096 frames of the log; so many regions are a log of a terabyte.
const MAX_REGIONS: usize = 1 << 16;

/// The head of the index as SQLite's `wal.c` lays it out: at 12 whether it is in use, at 16 the number of frames up to
/// the last commit, at 32 the salts of the log.
const INDEX_HEAD: usize = 48;

/// Zeroed memory that stays where it is until it is dropped.
struct Region {
    start: NonNull<u8>,
    layout: Layout,
}

impl Region {
    fn new(size: usize) -> VfsResult<Region> {
        let out_of_memory = || fault(SQLITE_IOERR_SHMMAP, "no memory for the index of the log");
        let layout = Layout::from_size_align(size, 16).map_err(|_| out_of_memory())?;
        if size == 0 {
            return Err(fault(SQLITE_IOERR_SHMSIZE, "a region of shared memory without bytes"));
        }
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc_zeroed(layout) };
        Ok(Region { start: NonNull::new(start).ok_or_else(out_of_memory)?, layout })
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: `start` came from `alloc_zeroed` with this very layout and is freed once, here.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}

/// The regions of one database and who holds which of its eight lock slots.
#[derive(Default)]
pub(super) struct Shm {
    regions: Vec<Region>,
    users: u32,
    /// Readers of the slot, or -1 when one handle has it alone.
    slots: [i32; SLOTS],
}

/// What one handle has of a [`Shm`]: whether it is mapped, and a bit per slot.
#[derive(Debug, Default)]
pub(super) struct ShmHeld {
    mapped: bool,
    shared: u8,
    exclusive: u8,
}

impl Shm {
    /// `xShmMap`: the address of a region, null where it does not exist and is not to be made.
    pub(super) fn map(&mut self, held: &mut ShmHeld, index: i32, size: i32, extend: bool) -> VfsResult<*mut u8> {
        let (Ok(index), Ok(size)) = (usize::try_from(index), usize::try_from(size)) else {
            return Err(fault(SQLITE_IOERR_SHMMAP, "a negative region of shared memory"));
        };
        if !held.mapped {
            held.mapped = true;
            self.users += 1;
        }
        if self.regions.first().is_some_and(|region| region.layout.size() != size) {
            return Err(fault(SQLITE_IOERR_SHMSIZE, "regions of shared memory of different sizes"));
        }
        if index >= self.regions.len() {
            if !extend {
                return Ok(null_mut());
            }
            if index >= MAX_REGIONS {
                return Err(fault(SQLITE_IOERR_SHMMAP, "the log is too long for its index"));
            }
            while self.regions.len() <= index {
                self.regions.push(Region::new(size)?);
            }
        }
        Ok(self.regions[index].start.as_ptr())
    }

    /// `xShmLock`: all slots from `first` on, `count` of them, or none.
    pub(super) fn lock(&mut self, held: &mut ShmHeld, first: i32, count: i32, flags: i32) -> Result<(), i32> {
        let (Ok(first), Ok(count)) = (usize::try_from(first), usize::try_from(count)) else {
            return Err(SQLITE_IOERR_SHMLOCK);
        };
        if !held.mapped || count == 0 || first.saturating_add(count) > SLOTS {
            return Err(SQLITE_IOERR_SHMLOCK);
        }
        let range = first..first + count;
        const LOCK_SHARED: i32 = SQLITE_SHM_LOCK | SQLITE_SHM_SHARED;
        const LOCK_EXCLUSIVE: i32 = SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE;
        const UNLOCK_SHARED: i32 = SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED;
        const UNLOCK_EXCLUSIVE: i32 = SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE;
        match flags {
            LOCK_SHARED => {
                if range.clone().any(|slot| self.slots[slot] < 0) {
                    return Err(SQLITE_BUSY);
                }
                for slot in range {
                    if held.shared & bit(slot) == 0 {
                        self.slots[slot] += 1;
                        held.shared |= bit(slot);
                    }
                }
            }
            LOCK_EXCLUSIVE => {
                if range.clone().any(|slot| self.slots[slot] != 0 && held.exclusive & bit(slot) == 0) {
                    return Err(SQLITE_BUSY);
                }
                for slot in range {
                    self.slots[slot] = -1;
                    held.exclusive |= bit(slot);
                }
            }
            UNLOCK_SHARED | UNLOCK_EXCLUSIVE => range.for_each(|slot| self.release(held, slot)),
            _ => return Err(SQLITE_IOERR_SHMLOCK),
        }
        Ok(())
    }

    /// `xShmUnmap`: gives back the locks of the handle, and the regions with the last handle.
    pub(super) fn unmap(&mut self, held: &mut ShmHeld) {
        (0..SLOTS).for_each(|slot| self.release(held, slot));
        if std::mem::take(&mut held.mapped) {
            self.users = self.users.saturating_sub(1);
            if self.users == 0 {
                self.regions.clear();
            }
        }
    }

    /// Where the log ends, by the head of its index; nothing before SQLite has written that.
    pub(super) fn log_end(&self) -> Option<Position> {
        let region = self.regions.first().filter(|region| region.layout.size() >= INDEX_HEAD)?;
        let mut head = [0; INDEX_HEAD];
        // SAFETY: the region is at least as long, and nobody else runs meanwhile.
        unsafe { std::ptr::copy_nonoverlapping(region.start.as_ptr(), head.as_mut_ptr(), INDEX_HEAD) };
        let (frames, salts) = (head.get(16..)?.first_chunk::<4>()?, head.get(32..)?.first_chunk::<8>()?);
        (head[12] != 0).then_some(Position { salts: *salts, frames: u32::from_ne_bytes(*frames) })
    }

    fn release(&mut self, held: &mut ShmHeld, slot: usize) {
        if held.exclusive & bit(slot) != 0 {
            self.slots[slot] = 0;
        } else if held.shared & bit(slot) != 0 {
            self.slots[slot] -= 1;
        }
        held.exclusive &= !bit(slot);
        held.shared &= !bit(slot);
    }
}

fn bit(slot: usize) -> u8 {
    1 << slot
}

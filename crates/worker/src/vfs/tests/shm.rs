//! Shared memory: regions and lock slots, alone and against a naive model.

use super::support::Random;
use crate::vfs::shm::{Shm, ShmHeld};
use rsqlite_vfs::ffi::{
    SQLITE_BUSY, SQLITE_IOERR_SHMLOCK, SQLITE_SHM_EXCLUSIVE, SQLITE_SHM_LOCK, SQLITE_SHM_SHARED, SQLITE_SHM_UNLOCK,
};

const SIZE: i32 = 32 * 1024;
const LOCK_SHARED: i32 = SQLITE_SHM_LOCK | SQLITE_SHM_SHARED;
const LOCK_EXCLUSIVE: i32 = SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE;
const UNLOCK_SHARED: i32 = SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED;
const UNLOCK_EXCLUSIVE: i32 = SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE;

fn mapped(shm: &mut Shm) -> ShmHeld {
    let mut held = ShmHeld::default();
    assert!(!shm.map(&mut held, 0, SIZE, true).unwrap().is_null());
    held
}

#[test]
fn regions_are_shared_zeroed_and_stay_where_they_are() {
    let mut shm = Shm::default();
    let (mut one, mut two) = (ShmHeld::default(), ShmHeld::default());
    assert!(shm.map(&mut one, 0, SIZE, false).unwrap().is_null(), "not asked to make it");
    let first = shm.map(&mut one, 0, SIZE, true).unwrap();
    // SAFETY: the region has `SIZE` bytes and is mapped.
    let bytes = unsafe { std::slice::from_raw_parts(first, SIZE as usize) };
    assert!(bytes.iter().all(|byte| *byte == 0));
    // SAFETY: as above; the slice is not used again.
    unsafe { first.write(7) };
    for index in 1..200 {
        assert!(!shm.map(&mut two, index, SIZE, true).unwrap().is_null());
    }
    assert_eq!(shm.map(&mut two, 0, SIZE, false).unwrap(), first);
    // SAFETY: still mapped.
    assert_eq!(unsafe { first.read() }, 7);
}

#[test]
fn regions_live_until_the_last_unmap_and_start_anew() {
    let mut shm = Shm::default();
    let (mut one, mut two) = (mapped(&mut shm), mapped(&mut shm));
    let region = shm.map(&mut one, 0, SIZE, false).unwrap();
    // SAFETY: the region is mapped.
    unsafe { region.write(7) };
    shm.unmap(&mut one);
    shm.unmap(&mut one);
    assert_eq!(shm.map(&mut two, 0, SIZE, false).unwrap(), region, "still mapped by the other");
    shm.unmap(&mut two);
    assert!(shm.map(&mut one, 0, SIZE, false).unwrap().is_null());
    let region = shm.map(&mut one, 0, SIZE, true).unwrap();
    // SAFETY: the region is mapped.
    assert_eq!(unsafe { region.read() }, 0);
}

#[test]
fn an_exclusive_slot_is_alone() {
    let mut shm = Shm::default();
    let (mut one, mut two) = (mapped(&mut shm), mapped(&mut shm));
    shm.lock(&mut one, 3, 1, LOCK_SHARED).unwrap();
    shm.lock(&mut two, 3, 1, LOCK_SHARED).unwrap();
    assert_eq!(shm.lock(&mut two, 0, 8, LOCK_EXCLUSIVE), Err(SQLITE_BUSY), "its own share is in the way too");
    shm.lock(&mut one, 3, 1, UNLOCK_SHARED).unwrap();
    shm.lock(&mut two, 3, 1, UNLOCK_SHARED).unwrap();
    shm.lock(&mut two, 0, 8, LOCK_EXCLUSIVE).unwrap();
    assert_eq!(shm.lock(&mut one, 5, 1, LOCK_SHARED), Err(SQLITE_BUSY));
    assert_eq!(shm.lock(&mut one, 0, 1, LOCK_EXCLUSIVE), Err(SQLITE_BUSY));
    shm.unmap(&mut two);
    shm.lock(&mut one, 5, 1, LOCK_SHARED).unwrap();
}

#[test]
fn nonsense_is_refused() {
    let mut shm = Shm::default();
    assert_eq!(shm.lock(&mut ShmHeld::default(), 0, 1, LOCK_SHARED), Err(SQLITE_IOERR_SHMLOCK), "not mapped");
    let mut held = mapped(&mut shm);
    let nonsense =
        [(-1, 1, LOCK_SHARED), (0, 0, LOCK_SHARED), (0, 9, LOCK_SHARED), (8, 1, LOCK_SHARED), (i32::MAX, i32::MAX, 6)];
    for (first, count, flags) in nonsense.into_iter().chain([(0, 1, 0), (0, 1, 3), (0, 1, -1)]) {
        assert_eq!(shm.lock(&mut held, first, count, flags), Err(SQLITE_IOERR_SHMLOCK), "{first} {count} {flags}");
    }
    assert!(shm.map(&mut held, -1, SIZE, true).is_err());
    assert!(shm.map(&mut held, 0, -1, true).is_err());
    assert!(shm.map(&mut held, 0, SIZE * 2, true).is_err(), "another size than before");
    assert!(shm.map(&mut held, i32::MAX, SIZE, true).is_err());
    assert!(Shm::default().map(&mut ShmHeld::default(), 0, 0, true).is_err());
}

#[test]
fn slots_do_what_a_naive_model_does() {
    #[derive(Clone, Copy, PartialEq, Debug)]
    enum Slot {
        Free,
        Shared,
        Exclusive,
    }
    let mut random = Random::new("shm slots against their model");
    for _ in 0..200 {
        let mut shm = Shm::default();
        let count = 2 + random.below(4);
        let mut helds: Vec<ShmHeld> = (0..count).map(|_| mapped(&mut shm)).collect();
        let mut model = vec![[Slot::Free; 8]; count];
        for _ in 0..300 {
            let handle = random.below(count);
            let first = random.below(8);
            let length = 1 + random.below(8 - first);
            let range = first..first + length;
            let (first, length) = (first as i32, length as i32);
            // SQLite never asks for a slot that it has in the other way; neither does this.
            let mine = model[handle];
            match random.below(4) {
                0 if range.clone().all(|slot| mine[slot] != Slot::Exclusive) => {
                    let free = model.iter().all(|slots| range.clone().all(|slot| slots[slot] != Slot::Exclusive));
                    let granted = shm.lock(&mut helds[handle], first, length, LOCK_SHARED).is_ok();
                    assert_eq!(granted, free);
                    if granted {
                        range.for_each(|slot| model[handle][slot] = Slot::Shared);
                    }
                }
                1 if range.clone().all(|slot| mine[slot] == Slot::Free) => {
                    let free = model.iter().all(|slots| range.clone().all(|slot| slots[slot] == Slot::Free));
                    let granted = shm.lock(&mut helds[handle], first, length, LOCK_EXCLUSIVE).is_ok();
                    assert_eq!(granted, free);
                    if granted {
                        range.for_each(|slot| model[handle][slot] = Slot::Exclusive);
                    }
                }
                2 => {
                    let how = if random.below(2) == 0 { UNLOCK_SHARED } else { UNLOCK_EXCLUSIVE };
                    shm.lock(&mut helds[handle], first, length, how).unwrap();
                    range.for_each(|slot| model[handle][slot] = Slot::Free);
                }
                3 if random.below(20) == 0 => {
                    shm.unmap(&mut helds[handle]);
                    model[handle] = [Slot::Free; 8];
                    shm.map(&mut helds[handle], 0, SIZE, true).unwrap();
                }
                _ => {}
            }
        }
    }
}

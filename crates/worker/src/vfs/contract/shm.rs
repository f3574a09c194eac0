//! Shared memory: regions and lock slots, between several handles of one file.

use super::Place;
use super::files::open;
use crate::vfs::handle::Handle;
use rsqlite_vfs::ffi::{
    SQLITE_BUSY, SQLITE_IOERR_SHMLOCK, SQLITE_SHM_EXCLUSIVE, SQLITE_SHM_LOCK, SQLITE_SHM_SHARED, SQLITE_SHM_UNLOCK,
};

/// How large SQLite makes a region.
pub const SIZE: i32 = 32 * 1024;
pub const LOCK_SHARED: i32 = SQLITE_SHM_LOCK | SQLITE_SHM_SHARED;
pub const LOCK_EXCLUSIVE: i32 = SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE;
pub const UNLOCK_SHARED: i32 = SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED;
pub const UNLOCK_EXCLUSIVE: i32 = SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE;

fn mapped(place: &Place) -> Handle {
    let mut handle = open(&place.path);
    assert!(!handle.shm_map(0, SIZE, true).unwrap().is_null());
    handle
}

/// The bytes of a region.
fn bytes(handle: &mut Handle, index: i32) -> &mut [u8] {
    let start = handle.shm_map(index, SIZE, true).unwrap();
    assert_eq!(start as usize % 8, 0, "SQLite reads words there");
    // SAFETY: the region has `SIZE` bytes and is mapped for as long as the handle; only one slice of it lives at a time.
    unsafe { std::slice::from_raw_parts_mut(start, SIZE as usize) }
}

pub fn regions_are_shared_and_zeroed_and_never_move(place: &Place) {
    let (mut one, mut two) = (open(&place.path), open(&place.path));
    assert!(one.shm_map(0, SIZE, false).unwrap().is_null(), "not asked to make it");
    let first = bytes(&mut one, 0).as_ptr();
    assert!(bytes(&mut one, 0).iter().all(|byte| *byte == 0));
    bytes(&mut one, 0).fill(7);
    for index in 1..200 {
        assert!(bytes(&mut two, index).iter().all(|byte| *byte == 0), "region {index}");
        bytes(&mut two, index).fill(index as u8);
    }
    assert_eq!(bytes(&mut two, 0).as_ptr(), first);
    assert!(bytes(&mut two, 0).iter().all(|byte| *byte == 7));
    for index in 1..200 {
        assert!(bytes(&mut one, index).iter().all(|byte| *byte == index as u8), "region {index}");
    }
    // A region far ahead makes those before it.
    assert!(bytes(&mut one, 205).iter().chain(&*bytes(&mut two, 202)).all(|byte| *byte == 0));
}

pub fn regions_live_until_the_last_unmap(place: &Place) {
    let (mut one, mut two) = (mapped(place), mapped(place));
    bytes(&mut one, 0)[0] = 7;
    one.shm_unmap();
    one.shm_unmap();
    assert_eq!(bytes(&mut two, 0)[0], 7, "still mapped by the other");
    two.shm_unmap();
    assert!(one.shm_map(0, SIZE, false).unwrap().is_null());
    assert!(bytes(&mut one, 0).iter().all(|byte| *byte == 0), "it starts anew");
}

pub fn slots_do_what_a_naive_model_does(place: &Place) {
    #[derive(Clone, Copy, PartialEq, Debug)]
    enum Slot {
        Free,
        Shared,
        Exclusive,
    }
    let mut random = place.random();
    for _ in 0..60 {
        let count = 2 + random.below(4);
        let mut handles: Vec<Handle> = (0..count).map(|_| mapped(place)).collect();
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
                    let answer = handles[handle].shm_lock(first, length, LOCK_SHARED);
                    assert_eq!(answer, if free { Ok(()) } else { Err(SQLITE_BUSY) });
                    if free {
                        range.for_each(|slot| model[handle][slot] = Slot::Shared);
                    }
                }
                1 if range.clone().all(|slot| mine[slot] == Slot::Free) => {
                    let free = model.iter().all(|slots| range.clone().all(|slot| slots[slot] == Slot::Free));
                    let answer = handles[handle].shm_lock(first, length, LOCK_EXCLUSIVE);
                    assert_eq!(answer, if free { Ok(()) } else { Err(SQLITE_BUSY) });
                    if free {
                        range.for_each(|slot| model[handle][slot] = Slot::Exclusive);
                    }
                }
                2 => {
                    let how = if random.below(2) == 0 { UNLOCK_SHARED } else { UNLOCK_EXCLUSIVE };
                    handles[handle].shm_lock(first, length, how).unwrap();
                    range.for_each(|slot| model[handle][slot] = Slot::Free);
                }
                3 if random.below(20) == 0 => {
                    match random.below(2) {
                        0 => handles[handle].shm_unmap(),
                        _ => handles[handle] = open(&place.path),
                    }
                    model[handle] = [Slot::Free; 8];
                    assert!(!handles[handle].shm_map(0, SIZE, true).unwrap().is_null());
                }
                _ => {}
            }
        }
    }
}

pub fn what_cannot_be_is_refused(place: &Place) {
    assert_eq!(open(&place.path).shm_lock(0, 1, LOCK_SHARED), Err(SQLITE_IOERR_SHMLOCK), "not mapped");
    let mut handle = mapped(place);
    let nonsense =
        [(-1, 1, LOCK_SHARED), (0, 0, LOCK_SHARED), (0, 9, LOCK_SHARED), (8, 1, LOCK_SHARED), (i32::MAX, i32::MAX, 6)];
    for (first, count, flags) in nonsense.into_iter().chain([(0, 1, 0), (0, 1, 3), (0, 1, -1)]) {
        assert_eq!(handle.shm_lock(first, count, flags), Err(SQLITE_IOERR_SHMLOCK), "{first} {count} {flags}");
    }
    assert!(handle.shm_map(-1, SIZE, true).is_err());
    assert!(handle.shm_map(0, -1, true).is_err());
    assert!(handle.shm_map(0, SIZE * 2, true).is_err(), "another size than before");
    assert!(handle.shm_map(i32::MAX, SIZE, true).is_err());
    assert!(open(&place.other).shm_map(0, 0, true).is_err(), "no bytes");
}

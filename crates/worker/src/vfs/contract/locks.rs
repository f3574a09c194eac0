//! SQLite's five lock levels, between several handles of one file.

use super::files::open;
use super::{Place, shm};
use crate::vfs::handle::Handle;
use crate::vfs::lock_table::Outcome;
use rsqlite_vfs::LockLevel::{self, Exclusive, None, Pending, Reserved, Shared};
use rsqlite_vfs::{VfsErrorCode, VfsFile};

/// Whether the lock was granted; it must not fail in any other way.
fn lock(handle: &mut Handle, level: LockLevel) -> bool {
    match handle.lock(level) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.code(), VfsErrorCode::Busy);
            false
        }
    }
}

pub fn many_read_and_one_writes(place: &Place) {
    let [mut one, mut two, mut three] = [(); 3].map(|()| open(&place.path));
    assert!(lock(&mut one, Shared) && lock(&mut two, Shared) && lock(&mut three, Shared));
    assert!(lock(&mut one, Reserved) && !lock(&mut two, Reserved));
    assert!(three.check_reserved_lock().unwrap());
    two.unlock(None).unwrap();
    assert!(lock(&mut two, Shared), "RESERVED lets readers in");
    one.unlock(Shared).unwrap();
    assert!(!three.check_reserved_lock().unwrap());
    assert!(lock(&mut two, Reserved));
    one.unlock(None).unwrap();
    three.unlock(None).unwrap();
    assert!(lock(&mut two, Exclusive) && !lock(&mut one, Shared));
    two.unlock(None).unwrap();
    assert!(lock(&mut one, Shared));
}

pub fn a_writer_that_waits_keeps_new_readers_out(place: &Place) {
    let [mut writer, mut reader, mut late] = [(); 3].map(|()| open(&place.path));
    assert!(lock(&mut writer, Shared) && lock(&mut reader, Shared) && lock(&mut writer, Reserved));
    assert!(!lock(&mut writer, Exclusive) && !lock(&mut late, Shared), "PENDING");
    assert_eq!(writer.level(), Pending);
    reader.unlock(None).unwrap();
    assert!(lock(&mut writer, Exclusive));
    writer.unlock(None).unwrap();
    // Without RESERVED, as for a hot journal, a refusal leaves nothing behind.
    assert!(lock(&mut reader, Shared) && lock(&mut late, Shared));
    assert!(!lock(&mut late, Exclusive));
    assert_eq!(late.level(), Shared);
    assert!(lock(&mut writer, Shared) && lock(&mut writer, Reserved));
}

/// What the levels mean, looked up among all handles at every step.
pub fn model(levels: &[LockLevel], handle: usize, wanted: LockLevel) -> Outcome {
    let held = levels[handle];
    let others = || levels.iter().enumerate().filter(|(other, _)| *other != handle).map(|(_, level)| *level);
    let yes = Outcome { held: wanted, granted: true };
    let no = Outcome { held, granted: false };
    match wanted {
        _ if wanted <= held => Outcome { held, granted: true },
        None => yes,
        Shared => {
            if others().all(|level| level < Pending) {
                yes
            } else {
                no
            }
        }
        _ if held == None => no,
        _ if others().any(|level| level >= Reserved) => no,
        Reserved | Pending => yes,
        Exclusive if others().all(|level| level == None) => yes,
        Exclusive if held >= Reserved => Outcome { held: Pending, granted: false },
        Exclusive => no,
    }
}

pub fn handles_do_what_a_naive_model_of_locks_does(place: &Place) {
    let mut random = place.random();
    for _ in 0..40 {
        let mut handles: Vec<Handle> = (0..2 + random.below(5)).map(|_| open(&place.path)).collect();
        let mut levels = vec![None; handles.len()];
        for step in 0..300 {
            let which = random.below(handles.len());
            let level = [Shared, Reserved, Pending, Exclusive][random.below(4)];
            match random.below(8) {
                0..=4 => {
                    let expected = model(&levels, which, level);
                    let granted = lock(&mut handles[which], level);
                    let seen = Outcome { held: handles[which].level(), granted };
                    assert_eq!(seen, expected, "step {step}: {which} wants {level:?} among {levels:?}");
                    levels[which] = seen.held;
                }
                5..=6 => {
                    let kept = [None, Shared][random.below(2)];
                    handles[which].unlock(kept).unwrap();
                    levels[which] = levels[which].min(kept);
                    assert_eq!(handles[which].level(), levels[which], "step {step}");
                }
                _ => {
                    handles[which] = open(&place.path);
                    levels[which] = None;
                }
            }
            let reserved = levels.iter().any(|level| *level >= Reserved);
            assert_eq!(handles[which].check_reserved_lock().unwrap(), reserved, "step {step}: {levels:?}");
        }
    }
}

/// SQLite unlocks and unmaps before it closes; whatever happens, nothing may stay behind.
pub fn a_dropped_handle_gives_everything_back(place: &Place) {
    let (mut one, mut two) = (open(&place.path), open(&place.path));
    assert!(lock(&mut one, Shared) && lock(&mut one, Exclusive));
    assert!(!one.shm_map(0, shm::SIZE, true).unwrap().is_null());
    one.shm_lock(0, 8, shm::LOCK_EXCLUSIVE).unwrap();
    assert!(!lock(&mut two, Shared));
    drop(one);
    assert!(lock(&mut two, Shared) && lock(&mut two, Exclusive));
    assert!(two.shm_map(0, shm::SIZE, false).unwrap().is_null(), "the last user is gone, and the region with it");
    two.shm_lock(0, 8, shm::LOCK_EXCLUSIVE).unwrap();
}

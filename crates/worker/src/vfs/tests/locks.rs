//! The lock table, alone and against a naive model.

use crate::vfs::contract::locks::model;
use crate::vfs::lock_table::{LockTable, Outcome};
use crate::vfs::simulated::Random;
use rsqlite_vfs::LockLevel::{self, Exclusive, None, Pending, Reserved, Shared};

/// Levels of several handles over one table.
struct Handles(LockTable, Vec<LockLevel>);

impl Handles {
    fn new(count: usize) -> Handles {
        Handles(LockTable::new(), vec![None; count])
    }

    fn lock(&mut self, handle: usize, wanted: LockLevel) -> bool {
        let Outcome { held, granted } = self.0.lock(self.1[handle], wanted);
        self.1[handle] = held;
        granted
    }

    fn unlock(&mut self, handle: usize, kept: LockLevel) {
        self.1[handle] = self.0.unlock(self.1[handle], kept);
    }
}

#[test]
fn many_share_and_one_reserves() {
    let mut handles = Handles::new(3);
    assert!((0..3).all(|handle| handles.lock(handle, Shared)));
    assert!(!handles.0.is_reserved());
    assert!(handles.lock(0, Reserved));
    assert!(handles.0.is_reserved());
    assert!(!handles.lock(1, Reserved));
    handles.unlock(0, Shared);
    assert!(handles.lock(1, Reserved));
}

#[test]
fn exclusive_is_alone() {
    let mut handles = Handles::new(2);
    assert!(handles.lock(0, Shared) && handles.lock(0, Reserved) && handles.lock(0, Exclusive));
    assert!(!handles.lock(1, Shared));
    handles.unlock(0, None);
    assert!(handles.lock(1, Shared));
}

#[test]
fn a_waiting_writer_keeps_new_readers_out() {
    let mut handles = Handles::new(3);
    assert!(handles.lock(0, Shared) && handles.lock(1, Shared) && handles.lock(0, Reserved));
    assert!(!handles.lock(0, Exclusive));
    assert_eq!(handles.1[0], Pending);
    assert!(!handles.lock(2, Shared));
    handles.unlock(1, None);
    assert!(handles.lock(0, Exclusive));
}

#[test]
fn a_refused_exclusive_leaves_pending_only_when_it_came_from_reserved() {
    let mut handles = Handles::new(3);
    assert!(handles.lock(0, Shared) && handles.lock(1, Shared));
    assert!(!handles.lock(0, Exclusive));
    assert_eq!(handles.1[0], Shared);
    assert!(handles.lock(2, Shared), "no PENDING stayed behind");
    assert!(handles.lock(1, Reserved), "no RESERVED either");
}

#[test]
fn whoever_writes_has_read_first() {
    let mut handles = Handles::new(1);
    assert!([Reserved, Pending, Exclusive].into_iter().all(|level| !handles.lock(0, level)));
    assert_eq!(handles.1[0], None);
}

#[test]
fn the_table_does_what_a_naive_model_does() {
    let mut random = Random::new("lock table against its model");
    for _ in 0..200 {
        let mut handles = Handles::new(2 + random.below(5));
        for step in 0..400 {
            let handle = random.below(handles.1.len());
            let level = [None, Shared, Reserved, Pending, Exclusive][random.below(5)];
            let before = handles.1.clone();
            if random.below(3) > 0 {
                let expected = model(&before, handle, level);
                let granted = handles.lock(handle, level);
                let seen = Outcome { held: handles.1[handle], granted };
                assert_eq!(seen, expected, "step {step}: {handle} wants {level:?} among {before:?}");
            } else {
                let kept = if random.below(2) == 0 { None } else { Shared };
                handles.unlock(handle, kept);
                assert_eq!(handles.1[handle], before[handle].min(kept), "step {step}: unlock among {before:?}");
            }
            let levels = &handles.1;
            assert_eq!(handles.0.is_reserved(), levels.iter().any(|level| *level >= Reserved));
            assert!(levels.iter().filter(|level| **level >= Reserved).count() <= 1, "two writers: {levels:?}");
            let exclusive = levels.contains(&Exclusive);
            assert!(!exclusive || levels.iter().filter(|level| **level != None).count() == 1, "shared: {levels:?}");
        }
    }
}

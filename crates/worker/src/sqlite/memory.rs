//! What SQLite's C copies memory with.
//!
//! The C compiler knows no bulk memory instructions here, so that each `memcpy` of SQLite calls a function; that of
//! Rust's `compiler_builtins`, which would be taken, copies words in a loop. These take the engine's own copying where it
//! pays, and short ways before it: most of what SQLite copies are records of some tens of bytes. Defined under the names
//! of C, they go before those of `compiler_builtins`, which are weak.
//!
//! Neither calls the other: a compiler knows what C promises of these names, whoever defines them.

use std::ptr;

/// From here on the engine's instruction is faster than a loop. It is a call out of wasm in some engines.
const BULK: usize = 96;

#[cfg(target_arch = "wasm32")]
mod names_of_c {
    /// Copies between places that do not overlap.
    ///
    /// # Safety
    /// As C has it: both are valid for `bytes`, and do not overlap.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { super::copy_apart(to, from, bytes) };
        to
    }

    /// Copies between places that may overlap.
    ///
    /// # Safety
    /// As C has it: both are valid for `bytes`.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { super::copy_any(to, from, bytes) };
        to
    }
}

/// Copies between places that do not overlap, or are the same: so C compilers copy what is assigned to itself.
///
/// # Safety
/// Both are valid for `bytes`, and do not overlap unless they are one.
#[inline(always)]
unsafe fn copy_apart(to: *mut u8, from: *const u8, bytes: usize) {
    // SAFETY: the caller's promise; every access lies within `bytes` of the two.
    unsafe {
        if bytes >= BULK {
            // The same instruction as for places that do not overlap, and right for a place onto itself.
            ptr::copy(from, to, bytes);
        } else if bytes >= 8 {
            let last = bytes - 8;
            let mut at = 0;
            while at < last {
                word(to, from, at);
                at += 8;
            }
            // What is left of less than a word is copied with what lies before it.
            word(to, from, last);
        } else {
            copy_few(to, from, bytes);
        }
    }
}

/// Copies between places that may overlap.
///
/// # Safety
/// Both are valid for `bytes`.
#[inline(always)]
unsafe fn copy_any(to: *mut u8, from: *const u8, bytes: usize) {
    // SAFETY: the caller's promise; what is read is read whole before anything is written.
    unsafe {
        if bytes > 16 {
            ptr::copy(from, to, bytes);
        } else if bytes >= 8 {
            let (first, last) =
                (from.cast::<u64>().read_unaligned(), from.add(bytes - 8).cast::<u64>().read_unaligned());
            to.cast::<u64>().write_unaligned(first);
            to.add(bytes - 8).cast::<u64>().write_unaligned(last);
        } else {
            copy_few(to, from, bytes);
        }
    }
}

/// Copies less than eight bytes between places that may overlap.
///
/// # Safety
/// Both are valid for `bytes`, which are less than eight.
#[inline(always)]
unsafe fn copy_few(to: *mut u8, from: *const u8, bytes: usize) {
    // SAFETY: the caller's promise; all is read before anything is written.
    unsafe {
        if bytes >= 4 {
            let (first, last) =
                (from.cast::<u32>().read_unaligned(), from.add(bytes - 4).cast::<u32>().read_unaligned());
            to.cast::<u32>().write_unaligned(first);
            to.add(bytes - 4).cast::<u32>().write_unaligned(last);
        } else if bytes > 0 {
            let (middle, last) = (bytes >> 1, bytes - 1);
            let (a, b, c) = (*from, *from.add(middle), *from.add(last));
            *to = a;
            *to.add(middle) = b;
            *to.add(last) = c;
        }
    }
}

/// Copies eight bytes.
///
/// # Safety
/// Both are valid for eight bytes at `at`.
#[inline(always)]
unsafe fn word(to: *mut u8, from: *const u8, at: usize) {
    // SAFETY: the caller's promise.
    unsafe { to.add(at).cast::<u64>().write_unaligned(from.add(at).cast::<u64>().read_unaligned()) }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::{BULK, copy_any, copy_apart};
    use crate::vfs::simulated::Random;

    fn bytes(random: &mut Random, count: usize) -> Vec<u8> {
        (0..count).map(|_| random.number() as u8).collect()
    }

    /// Copies within `memory`, and compares all of it with what the copying of slices makes of it.
    fn check(memory: &[u8], from: usize, to: usize, count: usize) {
        let mut expected = memory.to_vec();
        expected.copy_within(from..from + count, to);
        let mut moved = memory.to_vec();
        assert!(from.max(to) + count <= moved.len());
        let place = moved.as_mut_ptr();
        // SAFETY: both places lie in the memory, as asserted.
        unsafe { copy_any(place.add(to), place.add(from).cast_const(), count) };
        assert!(moved == expected, "{count} bytes from {from} to {to} of {memory:?}");
        if from == to || from.abs_diff(to) >= count {
            let mut copied = memory.to_vec();
            let place = copied.as_mut_ptr();
            // SAFETY: as above, and they do not overlap, or are the same.
            unsafe { copy_apart(place.add(to), place.add(from).cast_const(), count) };
            assert!(copied == expected, "{count} bytes from {from} to {to} of {memory:?}, apart");
        }
    }

    #[test]
    fn few_bytes_are_copied_between_any_two_places() {
        let mut random = Random::new("few_bytes_are_copied_between_any_two_places");
        let memory = bytes(&mut random, 48);
        for count in 0..=20 {
            for from in 0..=memory.len() - count {
                (0..=memory.len() - count).for_each(|to| check(&memory, from, to, count));
            }
        }
    }

    #[test]
    fn any_number_of_bytes_is_copied_to_where_it_belongs() {
        let mut random = Random::new("any_number_of_bytes_is_copied_to_where_it_belongs");
        for _ in 0..5_000 {
            let count = random.below(3 * BULK);
            let room = count + 1 + random.below(2 * count + 8);
            let memory = bytes(&mut random, room);
            let (from, to) = (random.below(room - count + 1), random.below(room - count + 1));
            check(&memory, from, to, count);
            check(&memory, from, from, count);
        }
        // On both sides of every bound.
        for count in [7, 8, 9, 16, 17, BULK - 1, BULK, BULK + 1] {
            let memory = bytes(&mut random, 3 * count);
            [0, 1, count / 2, count, 2 * count].into_iter().for_each(|to| {
                check(&memory, 0, to, count);
                check(&memory, to, 0, count);
            });
        }
    }
}

//! What SQLite's C copies, fills and compares memory with.
//!
//! The C compiler knows no bulk memory instructions here, so that each `memcpy` of SQLite calls a function; that of
//! Rust's `compiler_builtins`, which would be taken, copies words in a loop. These take the engine's own copying where it
//! pays, and short ways before it: most of what SQLite copies are records of some tens of bytes. Defined under the names
//! of C, they go before those of `compiler_builtins`, which are weak.

use std::ptr;

/// From here on the engine's instruction is faster than a loop. It is a call out of wasm in some engines.
const BULK: usize = 96;

/// Copies between places that do not overlap.
///
/// # Safety
/// As C has it: both are valid for `bytes`, and do not overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8 {
    // SAFETY: the caller's promise; every access lies within `bytes` of the two.
    unsafe {
        if bytes >= BULK {
            ptr::copy_nonoverlapping(from, to, bytes);
        } else if bytes >= 8 {
            let last = bytes - 8;
            let mut at = 0;
            while at < last {
                word(to, from, at);
                at += 8;
            }
            // What is left of less than a word is copied with what lies before it.
            word(to, from, last);
        } else if bytes >= 4 {
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
    to
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

/// Copies between places that may overlap.
///
/// # Safety
/// As C has it: both are valid for `bytes`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8 {
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
            return memcpy(to, from, bytes);
        }
    }
    to
}

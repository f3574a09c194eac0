//! The SQL function by which tests break the worker. Those that SQLite lacks are in [`super::regexp`]: a release has nothing
//! of this file but the way to call it.

#[cfg(feature = "faults")]
pub(super) use faults::{panic_if_asked, register};
#[cfg(not(feature = "faults"))]
pub(super) use none::{panic_if_asked, register};

#[cfg(not(feature = "faults"))]
mod none {
    use crate::sqlite::Failure;
    use crate::sqlite::connection::Inner;

    pub(in crate::sqlite) fn register(_: &Inner) -> Result<(), Failure> {
        Ok(())
    }

    pub(in crate::sqlite) fn panic_if_asked(_: &Inner) {}
}

/// `aludel_fault(what)`, by which tests break the worker: `'panic'` or `'trap'`; or have statements pause as often as they
/// can: `'slices'`, on this connection and on those that are opened later.
#[cfg(feature = "faults")]
mod faults {
    use crate::sqlite::connection::Inner;
    use crate::sqlite::watch::Watch;
    use crate::sqlite::{Failure, ffi};
    use std::ffi::{CStr, c_int};
    use std::ptr;

    pub(in crate::sqlite) fn register(inner: &Inner) -> Result<(), Failure> {
        let watch = ptr::from_ref(inner.watch()).cast_mut().cast();
        let (name, flags) = (c"aludel_fault".as_ptr(), ffi::SQLITE_UTF8 | ffi::SQLITE_DIRECTONLY);
        // SAFETY: the connection is live, the name NUL-terminated, and `watch` lives as long as the connection.
        let code = unsafe {
            ffi::sqlite3_create_function_v2(inner.raw(), name, 1, flags, watch, Some(fault), None, None, None)
        };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(inner.failure(code)) }
    }

    #[allow(clippy::panic, reason = "to panic is what a test asked for")]
    pub(in crate::sqlite) fn panic_if_asked(inner: &Inner) {
        if inner.watch().panic.take() {
            panic!("aludel_fault('panic') was called");
        }
    }

    unsafe extern "C" fn fault(context: *mut ffi::sqlite3_context, _: c_int, values: *mut *mut ffi::sqlite3_value) {
        // SAFETY: SQLite calls with one argument, as registered; a text that it returns is NUL-terminated.
        let what = unsafe {
            let text = ffi::sqlite3_value_text(*values);
            if text.is_null() { c"" } else { CStr::from_ptr(text.cast()) }
        };
        match what.to_bytes() {
            b"trap" => std::process::abort(),
            // No panic may unwind through SQLite: the step that runs this panics when it is back in Rust.
            b"panic" => {
                // SAFETY: this is the pointer given in `register`.
                unsafe { (*ffi::sqlite3_user_data(context).cast::<Watch>()).panic.set(true) };
                // SAFETY: the context is live during the call.
                unsafe { ffi::sqlite3_result_error(context, c"panic".as_ptr(), -1) };
            }
            b"slices" => {
                crate::stepping::often::start();
                // SAFETY: this is the pointer given in `register`, and the connection is the one that it was registered for.
                unsafe {
                    let watch = &*ffi::sqlite3_user_data(context).cast::<Watch>();
                    watch.look_every(ffi::sqlite3_context_db_handle(context), crate::stepping::often::STEPS);
                }
                // SAFETY: the context is live during the call.
                unsafe { ffi::sqlite3_result_int(context, 1) };
            }
            // SAFETY: the context is live during the call.
            _ => unsafe { ffi::sqlite3_result_error(context, c"'panic', 'trap' or 'slices'".as_ptr(), -1) },
        }
    }
}

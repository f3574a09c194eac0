//! `regexp(pattern, text)`, which SQLite's operator REGEXP calls, and `regexp_replace(text, pattern, replacement)`.
//!
//! Patterns are those of the crate regex-lite: no look-around, and a time that grows with the text only, so that a pattern in a
//! foreign file cannot hold the worker up for ever.

use super::connection::Inner;
use super::{Failure, ffi};
use regex_lite::Regex;
use std::ffi::{c_int, c_void};
use std::ptr;

type Call = unsafe extern "C" fn(*mut ffi::sqlite3_context, c_int, *mut *mut ffi::sqlite3_value);

pub(super) fn register(inner: &Inner) -> Result<(), Failure> {
    let functions: [(_, _, Call); 2] = [(c"regexp", 2, regexp), (c"regexp_replace", 3, regexp_replace)];
    for (name, arguments, call) in functions {
        let flags = ffi::SQLITE_UTF8 | ffi::SQLITE_DETERMINISTIC | ffi::SQLITE_INNOCUOUS;
        let (raw, none) = (inner.raw(), ptr::null_mut());
        // SAFETY: the connection is live, the name NUL-terminated, and the functions take as many arguments as is said.
        let code = unsafe {
            ffi::sqlite3_create_function_v2(raw, name.as_ptr(), arguments, flags, none, Some(call), None, None, None)
        };
        if code != ffi::SQLITE_OK {
            return Err(inner.failure(code));
        }
    }
    Ok(())
}

/// An argument as text; none if it is NULL.
///
/// # Safety
///
/// `values` are the arguments of a running call, more than `at`.
unsafe fn text<'a>(values: *mut *mut ffi::sqlite3_value, at: usize) -> Option<std::borrow::Cow<'a, str>> {
    // SAFETY: there is such an argument; the text is asked for before its length, and stays while the call runs.
    unsafe {
        let value = *values.add(at);
        let start = ffi::sqlite3_value_text(value);
        let length = usize::try_from(ffi::sqlite3_value_bytes(value)).unwrap_or(0);
        if start.is_null() {
            return None;
        }
        Some(String::from_utf8_lossy(std::slice::from_raw_parts(start.cast(), length)))
    }
}

/// Runs `work` with the pattern, which is compiled once for a statement in which it is a constant.
///
/// # Safety
///
/// `context` and `values` are those of a running call, whose argument `at` is the pattern.
unsafe fn with_pattern(
    context: *mut ffi::sqlite3_context,
    values: *mut *mut ffi::sqlite3_value,
    at: usize,
    work: impl FnOnce(&Regex),
) {
    let number = at as c_int;
    // SAFETY: what is kept under this number was put there below, and stays while the call runs.
    if let Some(known) = unsafe { ffi::sqlite3_get_auxdata(context, number).cast::<Regex>().as_ref() } {
        return work(known);
    }
    // SAFETY: the caller says so.
    let Some(pattern) = (unsafe { text(values, at) }) else { return };
    match Regex::new(&pattern) {
        Ok(regex) => {
            work(&regex);
            let kept = Box::into_raw(Box::new(regex)).cast();
            // SAFETY: the box is given away; SQLite calls `forget` with it once, be it at once.
            unsafe { ffi::sqlite3_set_auxdata(context, number, kept, Some(forget)) };
        }
        Err(error) => {
            let message = format!("regexp: {error}");
            let length = c_int::try_from(message.len()).unwrap_or(0);
            // SAFETY: the message is so long, and SQLite copies it.
            unsafe { ffi::sqlite3_result_error(context, message.as_ptr().cast(), length) };
        }
    }
}

unsafe extern "C" fn forget(kept: *mut c_void) {
    // SAFETY: this is a box that `with_pattern` gave away, and this is the only call with it.
    drop(unsafe { Box::from_raw(kept.cast::<Regex>()) });
}

unsafe extern "C" fn regexp(context: *mut ffi::sqlite3_context, _: c_int, values: *mut *mut ffi::sqlite3_value) {
    // SAFETY: SQLite calls with two arguments, as registered. What gives no result is NULL.
    unsafe {
        let Some(value) = text(values, 1) else { return };
        with_pattern(context, values, 0, |regex| ffi::sqlite3_result_int(context, regex.is_match(&value).into()));
    }
}

unsafe extern "C" fn regexp_replace(
    context: *mut ffi::sqlite3_context,
    _: c_int,
    values: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite calls with three arguments, as registered. What gives no result is NULL.
    unsafe {
        let (Some(value), Some(replacement)) = (text(values, 0), text(values, 2)) else { return };
        with_pattern(context, values, 1, |regex| {
            let replaced = regex.replace_all(&value, &*replacement);
            match c_int::try_from(replaced.len()) {
                Ok(length) => {
                    ffi::sqlite3_result_text(context, replaced.as_ptr().cast(), length, ffi::SQLITE_TRANSIENT());
                }
                Err(_) => ffi::sqlite3_result_error_toobig(context),
            }
        });
    }
}

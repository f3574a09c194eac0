//! Functions and collations of SQL that are not SQLite's, but of whoever uses a connection.

use super::watch::Watch;
use super::{Connection, Failure, ffi};
use aludel_protocol::Value;
use std::cmp::Ordering;
use std::ffi::{CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a function of SQL does with its arguments; an error is the message that the statement fails with.
pub type Scalar = Box<dyn Fn(&[Value]) -> Result<Value, String>>;
/// How a collation compares two texts; an error is the message that the statement fails with, which does not count.
pub type Collation = Box<dyn Fn(&str, &str) -> Result<Ordering, String>>;

/// A collation, and where it says that it has failed, since SQLite knows of no collation that does.
struct Collating {
    compare: Collation,
    watch: *const Watch,
}

/// What may be done with a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FunctionOptions {
    /// Whether it gives the same for the same, so that indexes may have it.
    pub deterministic: bool,
    /// Whether it does no harm, whoever calls it: then what the schema holds (indexes, views, triggers) may call it, too.
    pub innocuous: bool,
}

impl FunctionOptions {
    /// As SQLite takes them.
    pub(super) fn flags(self) -> c_int {
        let deterministic = if self.deterministic { ffi::SQLITE_DETERMINISTIC } else { 0 };
        ffi::SQLITE_UTF8 | deterministic | if self.innocuous { ffi::SQLITE_INNOCUOUS } else { ffi::SQLITE_DIRECTONLY }
    }
}

impl Connection {
    /// Makes a function of SQL, for any number of arguments, in the place of one of that name.
    pub fn create_function(&self, name: &str, options: FunctionOptions, call: Scalar) -> Result<(), Failure> {
        let Ok(name) = CString::new(name) else { return Err(self.misuse()) };
        let flags = options.flags();
        let data = Box::into_raw(Box::new(call)).cast::<c_void>();
        // SAFETY: the connection is live and the name NUL-terminated; SQLite hands `data` to `scalar` until it hands it to
        // `drop_scalar`, once, also when this fails.
        let code = unsafe {
            let (raw, drop) = (self.raw(), Some(drop_scalar as unsafe extern "C" fn(*mut c_void)));
            ffi::sqlite3_create_function_v2(raw, name.as_ptr(), -1, flags, data, Some(scalar), None, None, drop)
        };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(self.inner.failure(code)) }
    }

    /// Makes a collation, in the place of one of that name.
    pub fn create_collation(&self, name: &str, compare: Collation) -> Result<(), Failure> {
        let Ok(name) = CString::new(name) else { return Err(self.misuse()) };
        let data = Box::into_raw(Box::new(Collating { compare, watch: self.inner.watch() })).cast::<c_void>();
        // SAFETY: the connection is live and the name NUL-terminated; SQLite hands `data` to `collate` until it hands it to
        // `drop_collation`.
        let code = unsafe {
            let (raw, drop) = (self.raw(), Some(drop_collation as unsafe extern "C" fn(*mut c_void)));
            ffi::sqlite3_create_collation_v2(raw, name.as_ptr(), ffi::SQLITE_UTF8, data, Some(collate), drop)
        };
        if code == ffi::SQLITE_OK {
            return Ok(());
        }
        // SAFETY: unlike a function, a collation that could not be made is still the caller's.
        unsafe { drop_collation(data) };
        Err(self.inner.failure(code))
    }

    fn misuse(&self) -> Failure {
        self.inner.failure(ffi::SQLITE_MISUSE)
    }
}

unsafe extern "C" fn drop_scalar(data: *mut c_void) {
    // SAFETY: it is what `create_function` gave away, and nobody has it any more.
    drop(unsafe { Box::from_raw(data.cast::<Scalar>()) });
}

unsafe extern "C" fn drop_collation(data: *mut c_void) {
    // SAFETY: it is what `create_collation` gave away, and nobody has it any more.
    drop(unsafe { Box::from_raw(data.cast::<Collating>()) });
}

unsafe extern "C" fn scalar(context: *mut ffi::sqlite3_context, count: c_int, values: *mut *mut ffi::sqlite3_value) {
    // SAFETY: SQLite gives as many arguments as it says, and `user_data` is the function of `create_function`.
    let (arguments, call) = unsafe { (arguments(count, values), &*ffi::sqlite3_user_data(context).cast::<Scalar>()) };
    // No panic may unwind through SQLite.
    let outcome = catch_unwind(AssertUnwindSafe(|| call(&arguments)));
    // SAFETY: the context is live during the call.
    unsafe {
        match outcome.unwrap_or_else(|_| Err("the function panicked".to_owned())) {
            Ok(value) => give(context, &value),
            Err(message) => fail(context, &message),
        }
    }
}

unsafe extern "C" fn collate(
    data: *mut c_void,
    one_length: c_int,
    one: *const c_void,
    other_length: c_int,
    other: *const c_void,
) -> c_int {
    // SAFETY: SQLite gives texts of these lengths, and `data` is the collation of `create_collation`.
    let (one, other, Collating { compare, watch }) =
        unsafe { (text(one.cast(), one_length), text(other.cast(), other_length), &*data.cast::<Collating>()) };
    // SAFETY: it is the connection's, which compares nothing when it is closed.
    let watch = unsafe { &**watch };
    // Nothing counts any more, and what there still is to compare is to be over soon.
    if watch.has_failed() {
        return 0;
    }
    // As above.
    let outcome = catch_unwind(AssertUnwindSafe(|| compare(&one, &other)));
    match outcome.unwrap_or_else(|_| Err("the collation panicked".to_owned())) {
        Ok(order) => order as c_int,
        Err(message) => {
            watch.fail(message);
            0
        }
    }
}

/// The arguments of a call.
///
/// # Safety
///
/// They are those of a running call, which has so many.
pub(super) unsafe fn arguments(count: c_int, values: *mut *mut ffi::sqlite3_value) -> Vec<Value> {
    // SAFETY: as the caller says.
    (0..usize::try_from(count).unwrap_or(0)).map(|at| unsafe { argument(*values.add(at)) }).collect()
}

/// Has the statement fail.
///
/// # Safety
///
/// `context` is that of a running call.
pub(super) unsafe fn fail(context: *mut ffi::sqlite3_context, message: &str) {
    let length = c_int::try_from(message.len()).unwrap_or(0);
    // SAFETY: the message is so long, and SQLite copies it.
    unsafe { ffi::sqlite3_result_error(context, message.as_ptr().cast(), length) };
}

/// Reads an argument.
///
/// # Safety
///
/// `value` is an argument of a running call.
unsafe fn argument(value: *mut ffi::sqlite3_value) -> Value {
    // SAFETY: the value is live; a text or blob is asked for before its length, and copied before anything else is asked.
    unsafe {
        match ffi::sqlite3_value_type(value) {
            ffi::SQLITE_INTEGER => Value::Integer(ffi::sqlite3_value_int64(value)),
            ffi::SQLITE_FLOAT => Value::Real(ffi::sqlite3_value_double(value)),
            ffi::SQLITE_TEXT => {
                let start = ffi::sqlite3_value_text(value);
                Value::Text(text(start.cast(), ffi::sqlite3_value_bytes(value)).into_owned())
            }
            ffi::SQLITE_BLOB => {
                let start = ffi::sqlite3_value_blob(value);
                Value::Blob(bytes(start.cast(), ffi::sqlite3_value_bytes(value)).to_vec())
            }
            _ => Value::Null,
        }
    }
}

/// Gives a result.
///
/// # Safety
///
/// `context` is that of a running call.
pub(super) unsafe fn give(context: *mut ffi::sqlite3_context, value: &Value) {
    let utf8 = ffi::SQLITE_UTF8 as u8;
    // SAFETY: the context is live; texts and blobs are as long as is said, and SQLite copies them.
    unsafe {
        match value {
            Value::Null => ffi::sqlite3_result_null(context),
            Value::Integer(integer) => ffi::sqlite3_result_int64(context, *integer),
            Value::Real(real) => ffi::sqlite3_result_double(context, *real),
            Value::Text(text) => {
                let (start, length) = (text.as_ptr().cast::<c_char>(), text.len() as u64);
                ffi::sqlite3_result_text64(context, start, length, ffi::SQLITE_TRANSIENT(), utf8);
            }
            Value::Blob(blob) => {
                let (start, length) = (blob.as_ptr().cast(), blob.len() as u64);
                ffi::sqlite3_result_blob64(context, start, length, ffi::SQLITE_TRANSIENT());
            }
        }
    }
}

/// A text of SQLite's; what is no UTF-8 in it is replaced.
///
/// # Safety
///
/// As [`bytes`].
unsafe fn text<'a>(start: *const u8, length: c_int) -> std::borrow::Cow<'a, str> {
    // SAFETY: as the caller promises.
    String::from_utf8_lossy(unsafe { bytes(start, length) })
}

/// Bytes of SQLite's.
///
/// # Safety
///
/// `start` is null, or so many bytes stand there as long as the result is used.
unsafe fn bytes<'a>(start: *const u8, length: c_int) -> &'a [u8] {
    match usize::try_from(length) {
        // SAFETY: as the caller promises.
        Ok(length) if length > 0 && !start.is_null() => unsafe { std::slice::from_raw_parts(start, length) },
        _ => &[],
    }
}

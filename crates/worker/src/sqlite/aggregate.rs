//! Aggregates and window functions of SQL that are not SQLite's, but of whoever uses a connection.

use super::user::{FunctionOptions, arguments, fail, give};
use super::watch::Watch;
use super::{Connection, Failure, ffi};
use aludel_protocol::Value;
use std::ffi::{CString, c_int, c_void};
use std::mem::size_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// What an aggregate keeps of one group of rows. An error is the message that the statement fails with.
pub trait Aggregate {
    /// Takes a row up.
    fn step(&mut self, arguments: &[Value]) -> Result<(), String>;
    /// Gives what the group came to. It is called at most once, and nothing after it.
    fn finalize(&mut self) -> Result<Value, String>;
    /// Takes the oldest row out again: of window functions only.
    fn inverse(&mut self, arguments: &[Value]) -> Result<(), String>;
    /// Gives what the rows that it has come to, which may be called again with other rows: of window functions only.
    fn value(&mut self) -> Result<Value, String>;
}

/// Begins a group.
pub type NewAggregate = Box<dyn Fn() -> Result<Box<dyn Aggregate>, String>>;

/// What SQLite has for an aggregate of a connection.
struct Kind {
    begin: NewAggregate,
    /// Tells whether a statement is being given up.
    watch: *const Watch,
}

/// What SQLite has for a group.
struct Group {
    aggregate: Box<dyn Aggregate>,
    /// Whether it has failed, and is asked for nothing any more.
    failed: bool,
}

impl Connection {
    /// Makes an aggregate, for any number of arguments, in the place of a function of that name. Only where `windows` is true it
    /// may be called with OVER.
    pub fn create_aggregate(
        &self,
        name: &str,
        options: FunctionOptions,
        windows: bool,
        begin: NewAggregate,
    ) -> Result<(), Failure> {
        let Ok(name) = CString::new(name) else { return Err(self.inner.failure(ffi::SQLITE_MISUSE)) };
        let data = Box::into_raw(Box::new(Kind { begin, watch: self.inner.watch() })).cast::<c_void>();
        let (value, inverse): (Option<unsafe extern "C" fn(_)>, Option<unsafe extern "C" fn(_, _, _)>) =
            if windows { (Some(value), Some(inverse)) } else { (None, None) };
        let (raw, flags) = (self.raw(), options.flags());
        // SAFETY: the connection is live and the name NUL-terminated; SQLite hands `data` to the four until it hands it to
        // `drop_kind`, once, also when this fails.
        let code = unsafe {
            ffi::sqlite3_create_window_function(
                raw,
                name.as_ptr(),
                -1,
                flags,
                data,
                Some(step),
                Some(finalize),
                value,
                inverse,
                Some(drop_kind),
            )
        };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(self.inner.failure(code)) }
    }
}

unsafe extern "C" fn drop_kind(data: *mut c_void) {
    // SAFETY: it is what `create_aggregate` gave away, and nobody has it any more.
    drop(unsafe { Box::from_raw(data.cast::<Kind>()) });
}

/// The aggregate that a call is one of.
///
/// # Safety
///
/// `context` is that of a running call of an aggregate of `create_aggregate`.
unsafe fn kind<'a>(context: *mut ffi::sqlite3_context) -> &'a Kind {
    // SAFETY: as the caller says; SQLite keeps a function while a statement has it.
    unsafe { &*ffi::sqlite3_user_data(context).cast::<Kind>() }
}

/// Where a call has its group, null while that has had no row. `begins` makes room for it; none if there is none.
///
/// # Safety
///
/// As [`kind`].
unsafe fn place(context: *mut ffi::sqlite3_context, begins: bool) -> *mut *mut Group {
    let bytes = if begins { size_of::<*mut Group>() as c_int } else { 0 };
    // SAFETY: as the caller says. SQLite makes the room once for a group, aligned for anything and filled with zeros.
    unsafe { ffi::sqlite3_aggregate_context(context, bytes).cast() }
}

/// Does what a call asks; no panic may unwind through SQLite.
fn safely<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("the aggregate panicked".to_owned()))
}

impl Kind {
    fn group(&self) -> Result<Box<Group>, String> {
        safely(|| (self.begin)()).map(|aggregate| Box::new(Group { aggregate, failed: false }))
    }
}

impl Group {
    /// Has the aggregate do something, unless it has failed; what it fails with, it stays failed with.
    fn ask<T>(&mut self, work: impl FnOnce(&mut dyn Aggregate) -> Result<T, String>) -> Result<T, String> {
        if self.failed {
            return Err("the aggregate has failed".to_owned());
        }
        let outcome = safely(|| work(&mut *self.aggregate));
        self.failed = outcome.is_err();
        outcome
    }
}

unsafe extern "C" fn step(context: *mut ffi::sqlite3_context, count: c_int, values: *mut *mut ffi::sqlite3_value) {
    // SAFETY: SQLite calls so for a row of a group.
    unsafe { change(context, count, values, |aggregate, arguments| aggregate.step(arguments)) };
}

unsafe extern "C" fn inverse(context: *mut ffi::sqlite3_context, count: c_int, values: *mut *mut ffi::sqlite3_value) {
    // SAFETY: SQLite calls so for a row that leaves a window.
    unsafe { change(context, count, values, |aggregate, arguments| aggregate.inverse(arguments)) };
}

/// Has a row taken up or out.
///
/// # Safety
///
/// As [`kind`], and SQLite gave so many values.
unsafe fn change(
    context: *mut ffi::sqlite3_context,
    count: c_int,
    values: *mut *mut ffi::sqlite3_value,
    work: impl FnOnce(&mut dyn Aggregate, &[Value]) -> Result<(), String>,
) {
    // SAFETY: as the caller says. What stands in the place was put there here, and is a group until `finalize` takes it.
    unsafe {
        let place = place(context, true);
        if place.is_null() {
            return ffi::sqlite3_result_error_nomem(context);
        }
        if (*place).is_null() {
            match kind(context).group() {
                Ok(group) => *place = Box::into_raw(group),
                Err(message) => return fail(context, &message),
            }
        }
        let arguments = arguments(count, values);
        if let Err(message) = (**place).ask(|aggregate| work(aggregate, &arguments)) {
            fail(context, &message);
        }
    }
}

unsafe extern "C" fn value(context: *mut ffi::sqlite3_context) {
    // SAFETY: SQLite calls so for a window; a group is where `change` has put it.
    let outcome = unsafe {
        let place = place(context, false);
        match if place.is_null() { None } else { (*place).as_mut() } {
            Some(group) => group.ask(|aggregate| aggregate.value()),
            // A window without rows, before there was any.
            None => kind(context).group().and_then(|mut group| group.ask(|aggregate| aggregate.value())),
        }
    };
    // SAFETY: the context is that of this call.
    unsafe { answer(context, outcome) };
}

/// SQLite calls it for each group once, be it that nobody wants to know any more.
unsafe extern "C" fn finalize(context: *mut ffi::sqlite3_context) {
    // SAFETY: a group is where `change` has put it, and nobody asks for it again.
    let (group, kind) = unsafe {
        let place = place(context, false);
        let group = if place.is_null() { ptr::null_mut() } else { std::mem::replace(&mut *place, ptr::null_mut()) };
        (if group.is_null() { None } else { Some(Box::from_raw(group)) }, kind(context))
    };
    // SAFETY: the watch is the connection's, which outlives its statements.
    let given_up = unsafe { &*kind.watch }.gives_up() || group.as_ref().is_some_and(|group| group.failed);
    let finish = |mut group: Box<Group>| {
        let outcome = group.ask(|aggregate| aggregate.finalize());
        // It may hold what panics when it is dropped.
        safely(|| {
            drop(group);
            outcome
        })
    };
    if given_up {
        let _ = safely(|| {
            drop(group);
            Ok(())
        });
        return;
    }
    // Without a row it is what an aggregate is that has had none.
    let outcome = group.map_or_else(|| kind.group(), Ok).and_then(finish);
    // SAFETY: the context is that of this call.
    unsafe { answer(context, outcome) };
}

/// Gives a result or fails.
///
/// # Safety
///
/// `context` is that of a running call.
unsafe fn answer(context: *mut ffi::sqlite3_context, outcome: Result<Value, String>) {
    // SAFETY: as the caller says.
    unsafe {
        match outcome {
            Ok(value) => give(context, &value),
            Err(message) => fail(context, &message),
        }
    }
}

//! Who is asked before a transaction that has written is committed.

use super::connection::Inner;
use super::watch::Watch;
use super::{Connection, ffi};
use std::ffi::{c_int, c_void};

/// Says whether the commit may be done; if not, it becomes a rollback.
pub type BeforeCommit = Box<dyn Fn() -> bool>;

/// What SQLite calls back. It has to stay where it is.
pub(super) struct Asked(Option<BeforeCommit>, *const Watch);

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asked")
    }
}

impl Connection {
    /// Has `ask` asked before each commit, however it comes about: by COMMIT, RELEASE, or the end of a statement. It must
    /// not use the connection.
    pub fn before_commit(&self, ask: BeforeCommit) {
        self.inner.ask_before_commit(Some(ask));
    }
}

impl Inner {
    /// Has commits refused while the statement that runs has failed, and `ask` asked before others.
    pub(super) fn ask_before_commit(&self, ask: Option<BeforeCommit>) {
        let asked = Box::new(Asked(ask, self.watch()));
        let place: *const Asked = &*asked;
        // SAFETY: the connection is live. The box is kept until it is closed; one that was there before is dropped after
        // SQLite has forgotten it.
        unsafe { ffi::sqlite3_commit_hook(self.raw(), Some(commit), place.cast_mut().cast()) };
        drop(self.asked.replace(Some(asked)));
    }
}

/// SQLite's commit hook: anything but 0 turns the commit into a rollback.
unsafe extern "C" fn commit(asked: *mut c_void) -> c_int {
    // SAFETY: this is the pointer given in `before_commit`, and the connection keeps it for as long as it is open.
    let Asked(ask, watch) = unsafe { &*asked.cast::<Asked>() };
    // SAFETY: the watch is the connection's as well.
    let refused = unsafe { &**watch }.refuses_commits();
    (refused || ask.as_ref().is_some_and(|ask| !ask())).into()
}

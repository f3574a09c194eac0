//! What SQLite calls back: while a statement is prepared, while it runs, and when a transaction has ended.

use super::ffi;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

/// How many steps SQLite's virtual machine takes between two looks at the clock: some ten microseconds' worth.
const STEPS_PER_LOOK: c_int = 2_000;

/// What may be interrupted, and what is asked whether to do so.
type Stop = (Watched, *const dyn Fn() -> bool);

/// What SQLite does while the progress handler is asked.
#[derive(Clone, Copy)]
pub(super) enum Watched {
    /// It prepares a statement.
    Preparing,
    /// It steps this one.
    Stepping(*mut ffi::sqlite3_stmt),
    /// It steps this one, which begins or ends a transaction or a savepoint: it may pause, but goes on to its end.
    Transacting(*mut ffi::sqlite3_stmt),
}

/// What SQLite's callbacks reach.
#[derive(Default)]
pub(super) struct Watch {
    stop: Cell<Option<Stop>>,
    /// What the statement that is being prepared does.
    learning: RefCell<Option<Learned>>,
    /// Frames in the log after the last commit.
    commit: Cell<Option<u32>>,
    /// The same for attached databases, by their schemas.
    attached_commits: RefCell<Vec<(String, u32)>>,
    rollback: Cell<bool>,
    /// What a collation has failed with in the statement that runs.
    failed: RefCell<Option<String>>,
    /// Whether a statement is given up, of which SQLite still tells its aggregates to come to their end.
    gives_up: Cell<bool>,
    /// Whether what is committed is rolled back instead.
    refuses_commits: Cell<bool>,
    /// The file that may be attached, because it is ready: its name in SQL, and its path.
    attachable: RefCell<Option<(String, String)>>,
    /// Set by a test's function that wants a panic, which must not start inside SQLite's frames.
    #[cfg(feature = "faults")]
    pub(super) panic: Cell<bool>,
}

/// Tables of the main database that a statement reads and writes, by what SQLite's authorizer is asked when the statement
/// is prepared. Triggers and foreign keys are part of the statement and so are their tables; no row is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Tables and views that it reads, SQLite's own among them.
    pub reads: Vec<String>,
    /// What it reads no column of and names without a database: a table of any, or what WITH made.
    pub unplaced: Vec<String>,
    /// A table of another database that it reads.
    pub elsewhere: Option<String>,
    /// Whether it is a PRAGMA.
    pub pragma: bool,
    /// Tables that it may write, as the schema spells them.
    pub writes: Vec<String>,
    /// Whether it creates, alters or drops something.
    pub schema: bool,
}

/// What the authorizer was asked about.
#[derive(Default)]
pub(super) struct Learned {
    pub(super) tables: Tables,
    /// The table that the statement creates, and which is not there yet.
    pub(super) made: Option<String>,
    /// Whether it attaches a database, or detaches one.
    pub(super) attaches: bool,
    /// Whether it begins or ends a transaction or a savepoint.
    pub(super) transacts: bool,
    /// The file that it attaches. Only a literal tells it.
    pub(super) file: Option<String>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("watching", &self.stop.get().is_some()).finish()
    }
}

impl Watch {
    /// Has itself called back by a connection.
    ///
    /// # Safety
    ///
    /// `raw` is a live connection, and this stays where it is for as long as that is open.
    pub(super) unsafe fn install(&self, raw: *mut ffi::sqlite3) {
        let watch = ptr::from_ref(self).cast_mut().cast();
        // SAFETY: as the caller says; the callbacks take this very pointer.
        unsafe {
            ffi::sqlite3_progress_handler(raw, STEPS_PER_LOOK, Some(look), watch);
            ffi::sqlite3_set_authorizer(raw, Some(authorize), watch);
            // This takes the place of SQLite's own hook, which would copy the log into the database during commits.
            ffi::sqlite3_wal_hook(raw, Some(committed), watch);
            ffi::sqlite3_rollback_hook(raw, Some(rolled_back), watch);
        }
    }

    /// Has itself called back after another number of steps.
    ///
    /// # Safety
    ///
    /// As for [`Watch::install`].
    #[cfg(feature = "faults")]
    pub(super) unsafe fn look_every(&self, raw: *mut ffi::sqlite3, steps: c_int) {
        let watch = ptr::from_ref(self).cast_mut().cast();
        // SAFETY: as the caller says; the callback takes this very pointer.
        unsafe { ffi::sqlite3_progress_handler(raw, steps, Some(look), watch) };
    }

    /// Runs `work`, which steps a statement or prepares one, while the progress handler asks `stop` now and then whether to
    /// interrupt it.
    ///
    /// # Safety
    ///
    /// The statement, if there is one, is live, and stays so during `work`.
    pub(super) unsafe fn stopped_by<T>(
        &self,
        what: Watched,
        stop: Option<&dyn Fn() -> bool>,
        work: impl FnOnce() -> T,
    ) -> T {
        struct Unwatch<'a>(&'a Watch);
        impl Drop for Unwatch<'_> {
            fn drop(&mut self) {
                self.0.stop.set(None);
                self.0.gives_up.set(false);
            }
        }
        // SAFETY: only the lifetime changes. The pointer is taken back before `stop` ends, whichever way `work` ends.
        let stop = stop.map(|stop| unsafe { std::mem::transmute::<&dyn Fn() -> bool, *const dyn Fn() -> bool>(stop) });
        self.stop.set(stop.map(|stop| (what, stop)));
        let _unwatch = Unwatch(self);
        work()
    }

    /// What the statement that `prepare` prepares reads and writes.
    pub(super) fn learn<T>(&self, prepare: impl FnOnce() -> T) -> (T, Learned) {
        self.learning.replace(Some(Learned::default()));
        let prepared = prepare();
        (prepared, self.learning.take().unwrap_or_default())
    }

    /// Lets one file be attached by a name, or none.
    pub(super) fn set_attachable(&self, file: Option<(String, String)>) {
        self.attachable.replace(file);
    }

    /// Runs `work`, which may open the file that may be attached by the name that it has in SQL.
    pub(super) fn with_attachable<T>(&self, work: impl FnOnce() -> T) -> T {
        let file = self.attachable.borrow().clone();
        match file {
            Some((name, path)) => crate::vfs::with_alias(&name, &path, work),
            None => work(),
        }
    }

    /// Whether a database may be attached. One in memory may, which VACUUM does, too: it has no name.
    fn attach(&self, name: Option<&CStr>) -> c_int {
        let name = name.and_then(|name| name.to_str().ok());
        if let Some(learned) = &mut *self.learning.borrow_mut() {
            (learned.attaches, learned.file) = (true, name.map(str::to_owned));
        }
        let is = |name: &str| self.attachable.borrow().as_ref().is_some_and(|(known, _)| known == name);
        let may = name.is_some_and(|name| ["", ":memory:"].contains(&name) || is(name));
        if may { ffi::SQLITE_OK } else { ffi::SQLITE_DENY }
    }

    pub(super) fn take_commit(&self) -> Option<u32> {
        self.commit.take()
    }

    pub(super) fn take_attached_commits(&self) -> Vec<(String, u32)> {
        self.attached_commits.take()
    }

    /// The statement that runs has failed, whatever SQLite makes of it: nothing of it may be committed.
    pub(super) fn fail(&self, message: String) {
        self.failed.borrow_mut().get_or_insert(message);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.borrow().is_some()
    }

    pub(super) fn take_failed(&self) -> Option<String> {
        self.failed.take()
    }

    /// Runs `work`, which resets or ends a statement: what its aggregates come to, nobody wants to know.
    pub(super) fn giving_up<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = self.gives_up.replace(true);
        let done = work();
        self.gives_up.set(before);
        done
    }

    /// Runs `work`, in which nothing is committed: SQLite rolls back instead.
    pub(super) fn refusing_commits<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = self.refuses_commits.replace(true);
        let done = work();
        self.refuses_commits.set(before);
        done
    }

    /// Whether a commit is to be a rollback.
    pub(super) fn refuses_commits(&self) -> bool {
        self.refuses_commits.get() || self.has_failed()
    }

    /// Whether what aggregates come to is for nobody.
    pub(super) fn gives_up(&self) -> bool {
        self.gives_up.get()
    }

    pub(super) fn take_rollback(&self) -> bool {
        self.rollback.take()
    }
}

impl Learned {
    fn read(&mut self, table: &CStr, database: &CStr) {
        let Ok(name) = table.to_str() else { return };
        let names = match database.to_bytes() {
            b"main" => &mut self.tables.reads,
            b"" => &mut self.tables.unplaced,
            _ => {
                self.tables.elsewhere = Some(format!("{}.{name}", database.to_string_lossy()));
                return;
            }
        };
        if names.last().is_none_or(|last| last != name) && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }

    fn note(&mut self, action: c_int, first: &CStr, second: &CStr) {
        let add = |names: &mut Vec<String>, name: &CStr| {
            // Names of tables are UTF-8; what is not could not be told anyway.
            if let Ok(name) = name.to_str()
                && !["sqlite_master", "sqlite_temp_master", ""].contains(&name)
                && names.last().is_none_or(|last| last != name)
                && !names.iter().any(|known| known == name)
            {
                names.push(name.to_owned());
            }
        };
        let tables = &mut self.tables;
        match action {
            ffi::SQLITE_INSERT | ffi::SQLITE_UPDATE | ffi::SQLITE_DELETE => add(&mut tables.writes, first),
            ffi::SQLITE_CREATE_TABLE | ffi::SQLITE_CREATE_VTABLE => {
                tables.schema = true;
                self.made = first.to_str().ok().map(str::to_owned);
                add(&mut tables.writes, first);
            }
            ffi::SQLITE_DROP_TABLE | ffi::SQLITE_DROP_VTABLE => {
                tables.schema = true;
                add(&mut tables.writes, first);
            }
            ffi::SQLITE_ALTER_TABLE => {
                tables.schema = true;
                add(&mut tables.writes, second);
            }
            ffi::SQLITE_CREATE_INDEX
            | ffi::SQLITE_CREATE_TRIGGER
            | ffi::SQLITE_CREATE_VIEW
            | ffi::SQLITE_DROP_INDEX
            | ffi::SQLITE_DROP_TRIGGER
            | ffi::SQLITE_DROP_VIEW => tables.schema = true,
            _ => {}
        }
    }
}

/// SQLite's progress handler: anything but 0 interrupts the statement. SQLite asks once more when a statement is at its end
/// already and has committed (the end of `sqlite3VdbeExec`), and would answer `SQLITE_INTERRUPT` for what has happened.
unsafe extern "C" fn look(watch: *mut c_void) -> c_int {
    // SAFETY: this is the pointer given in `install`, and SQLite calls only while the connection is open.
    let watch = unsafe { &*watch.cast::<Watch>() };
    let Some((what, stop)) = watch.stop.get() else { return 0 };
    // SAFETY: the statement is live and the closure is kept, both by `stopped_by`, for as long as they stand there.
    let stops = unsafe {
        match what {
            Watched::Preparing => (*stop)(),
            Watched::Stepping(raw) => ffi::sqlite3_stmt_busy(raw) != 0 && (watch.has_failed() || (*stop)()),
            Watched::Transacting(raw) => {
                if ffi::sqlite3_stmt_busy(raw) != 0 {
                    (*stop)();
                }
                false
            }
        }
    };
    if stops {
        watch.gives_up.set(true);
    }
    stops.into()
}

/// SQLite's authorizer: asked about everything that a statement would do, when it is prepared.
unsafe extern "C" fn authorize(
    watch: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    database: *const c_char,
    _within: *const c_char,
) -> c_int {
    let text = |text: *const c_char| {
        // SAFETY: SQLite gives texts that end with a zero and live through the call, or null.
        if text.is_null() { c"" } else { unsafe { CStr::from_ptr(text) } }
    };
    let (first, second, no_first) = (text(first), text(second), first.is_null());
    // SAFETY: this is the pointer given in `install`, and SQLite calls only while the connection is open.
    let watch = unsafe { &*watch.cast::<Watch>() };
    if action == ffi::SQLITE_ATTACH {
        return watch.attach(if no_first { None } else { Some(first) });
    }
    if [ffi::SQLITE_TRANSACTION, ffi::SQLITE_SAVEPOINT].contains(&action)
        && let Some(learned) = &mut *watch.learning.borrow_mut()
    {
        learned.transacts = true;
    }
    if action == ffi::SQLITE_DETACH
        && let Some(learned) = &mut *watch.learning.borrow_mut()
    {
        learned.attaches = true;
    }
    if action == ffi::SQLITE_READ
        && let Some(learned) = &mut *watch.learning.borrow_mut()
    {
        learned.read(first, text(database));
        return ffi::SQLITE_OK;
    }
    if action == ffi::SQLITE_PRAGMA {
        if let Some(learned) = &mut *watch.learning.borrow_mut() {
            learned.tables.pragma = true;
        }
        // Setting it would put SQLite's own hook in the place of the worker's, which sees to checkpoints.
        let sets = first.to_bytes().eq_ignore_ascii_case(b"wal_autocheckpoint") && !second.is_empty();
        return if sets { ffi::SQLITE_IGNORE } else { ffi::SQLITE_OK };
    }
    // An ALTER TABLE names its database first, and nowhere else.
    let database = if action == ffi::SQLITE_ALTER_TABLE { first } else { text(database) };
    if database == c"main"
        && let Some(learned) = &mut *watch.learning.borrow_mut()
    {
        learned.note(action, first, second);
    }
    ffi::SQLITE_OK
}

/// SQLite's hook for commits in WAL mode. It comes when the commit is done.
unsafe extern "C" fn committed(
    watch: *mut c_void,
    _connection: *mut ffi::sqlite3,
    database: *const c_char,
    frames: c_int,
) -> c_int {
    // SAFETY: SQLite names the database, and the name ends with a zero.
    let database = unsafe { CStr::from_ptr(database) };
    // SAFETY: this is the pointer given in `install`, and SQLite calls only while the connection is open.
    let watch = unsafe { &*watch.cast::<Watch>() };
    let frames = u32::try_from(frames).ok();
    if database == c"main" {
        watch.commit.set(frames);
    } else if let (Ok(schema), Some(frames)) = (database.to_str(), frames) {
        watch.attached_commits.borrow_mut().push((schema.to_owned(), frames));
    }
    ffi::SQLITE_OK
}

/// SQLite's hook for transactions that are rolled back.
unsafe extern "C" fn rolled_back(watch: *mut c_void) {
    // SAFETY: this is the pointer given in `install`, and SQLite calls only while the connection is open.
    unsafe { &*watch.cast::<Watch>() }.rollback.set(true);
}

//! Imports: the bytes of a SQLite file, checked, and then put in the place of a database.
//!
//! The bytes go into a scratch file first. What is there is foreign until it is checked: it is opened to be read only, with
//! all of SQLite's precautions, and none of its triggers, views and CHECK constraints is ever run. A healthy one is copied
//! over the database page by page, in slices, in one transaction of the import's connection: others read their
//! snapshots meanwhile, writers wait, and whatever goes wrong before the last page, the database is what it was.
#![forbid(unsafe_code)]

mod file;
mod scratches;

pub(crate) use scratches::Scratches;

use crate::Environment;
use crate::connection::ConnectionKey;
use crate::database::{Database, harden};
use crate::execution::Progress;
use crate::job::reply;
use crate::scheduler::Slice;
use crate::sqlite::{self, Backup, Copied, Failure, Prepared, TransactionState, ffi};
use crate::vfs::{Scratch, VFS_NAME, scratch_names};
use aludel_protocol::{
    Error, ErrorKind, Header, ImportPhase, ImportStep, Reply, Result, SortedSet, StorageReason, ValueRef,
};
use std::ops::Range;
use std::rc::Rc;

/// How many pages are copied between two looks at the clock.
const PAGES_PER_LOOK: i32 = 8;
/// How many bytes are copied between two reports.
const REPORT_BYTES: u64 = 1 << 20;

/// A step of an import, with its bytes.
#[derive(Debug)]
pub(crate) enum Step {
    Begin { total: u64 },
    Chunk { frame: Rc<Vec<u8>>, bytes: Range<usize> },
    Finish,
    Abort,
}

impl Step {
    /// Takes over a step that was decoded from `frame`.
    pub(crate) fn new(step: ImportStep<'_>, frame: &Rc<Vec<u8>>) -> Step {
        match step {
            ImportStep::Begin(total) => Step::Begin { total },
            // They are the end of their frame, and stay there.
            ImportStep::Chunk(bytes) => {
                Step::Chunk { frame: Rc::clone(frame), bytes: frame.len().saturating_sub(bytes.len())..frame.len() }
            }
            ImportStep::Finish => Step::Finish,
            ImportStep::Abort => Step::Abort,
        }
    }
}

/// An import that is under way.
#[derive(Debug)]
pub(crate) struct Import {
    stage: Stage,
    /// How many bytes there are so far.
    received: u64,
    /// How many of them were reported as copied.
    reported: u64,
    /// The tables of both databases.
    tables: SortedSet<String>,
    // Dropped after the connections that use them, the second before the first.
    pages: Option<Scratch>,
    scratch: Option<Scratch>,
}

#[derive(Debug)]
enum Stage {
    Receiving,
    /// The bytes are a database by their header, with pages of this size.
    Checking {
        page_size: u32,
    },
    /// It is healthy. Its pages have another size than the database's, which stay as they are.
    Converting {
        source: sqlite::Connection,
        page_size: u32,
    },
    Copying {
        backup: Backup,
    },
    /// It is done, or has failed.
    Over,
}

/// What a step works with.
pub(crate) struct Context<'a> {
    pub(crate) key: ConnectionKey,
    pub(crate) db: &'a sqlite::Connection,
    pub(crate) database: &'a mut Database,
    pub(crate) env: &'a mut dyn Environment,
    pub(crate) header: &'a Header,
    pub(crate) slice: &'a mut Slice,
    /// Whether others wait for the write lock and come first.
    pub(crate) lock_is_promised: bool,
}

/// Goes on with a step. One that fails ends the import.
pub(crate) fn run(step: &mut Step, import: &mut Option<Import>, cx: &mut Context<'_>) -> Progress {
    let progress = match step {
        Step::Begin { total } => begin(*total, import, cx),
        Step::Abort => {
            *import = None;
            Ok(Progress::Done)
        }
        Step::Chunk { frame, bytes } => under_way(import, cx)
            .and_then(|import| import.take(frame.get(bytes.clone()).unwrap_or_default()))
            .map(|()| Progress::Done),
        Step::Finish => under_way(import, cx).and_then(|import| import.finish(cx)),
    };
    let progress = progress.unwrap_or_else(Progress::Failed);
    if matches!((&*step, &progress), (Step::Finish, Progress::Done)) {
        *import = None;
    }
    progress
}

fn begin(total: u64, import: &mut Option<Import>, cx: &mut Context<'_>) -> Result<Progress> {
    if cx.db.in_transaction() {
        return Err(in_transaction());
    }
    cx.database.scratches.claim(cx.key)?;
    if import.as_ref().is_some_and(|import| import.scratch.is_some()) {
        return Err(Error::new(ErrorKind::InvalidRequest, "an import is under way on this connection already"));
    }
    let import = import.get_or_insert_with(Import::new);
    let [name, _] = scratch_names(cx.database.name());
    let Some(scratch) = cx.database.scratches.ask(cx.database.storage, &name, cx.env)? else {
        return Ok(Progress::Yielded);
    };
    // Whether there is room shows now rather than after a long way.
    scratch.truncate(total)?;
    scratch.truncate(0)?;
    import.scratch = Some(scratch);
    Ok(Progress::Done)
}

fn under_way<'a>(import: &'a mut Option<Import>, cx: &Context<'_>) -> Result<&'a mut Import> {
    match import {
        None => Err(Error::new(ErrorKind::InvalidRequest, "no import is under way on this connection")),
        Some(_) if cx.db.in_transaction() => Err(in_transaction()),
        Some(import) => Ok(import),
    }
}

fn in_transaction() -> Error {
    Error::new(ErrorKind::InvalidRequest, "an import needs a connection that is in no transaction")
}

impl Import {
    fn new() -> Import {
        Import {
            stage: Stage::Receiving,
            received: 0,
            reported: 0,
            tables: SortedSet::new(),
            pages: None,
            scratch: None,
        }
    }

    fn scratch(&self) -> Result<&Scratch> {
        let early = || Error::new(ErrorKind::InvalidRequest, "the import has not begun yet");
        self.scratch.as_ref().ok_or_else(early)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.scratch()?.write(bytes, self.received)?;
        self.received += bytes.len() as u64;
        Ok(())
    }

    /// Works for a slice, or a stage that cannot be cut up.
    fn finish(&mut self, cx: &mut Context<'_>) -> Result<Progress> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Receiving => {
                let page_size = file::check_header(self.scratch()?, self.received)?;
                self.report(ImportPhase::Check, 0, self.received, cx);
                self.stage = Stage::Checking { page_size };
            }
            Stage::Checking { page_size } => {
                let source = open(self.scratch()?.name())?;
                check(&source)?;
                check_encoding(&source, cx.db)?;
                self.tables = tables(&source).map_err(into_error)?;
                self.report(ImportPhase::Check, self.received, self.received, cx);
                let wanted = own_page_size(cx.db)?;
                self.stage = if wanted == page_size {
                    Stage::Copying { backup: Backup::new(cx.db, source).map_err(into_error)? }
                } else {
                    Stage::Converting { source, page_size: wanted }
                };
            }
            Stage::Converting { source, page_size } => {
                let [_, name] = scratch_names(cx.database.name());
                let Some(pages) = cx.database.scratches.ask(cx.database.storage, &name, cx.env)? else {
                    self.stage = Stage::Converting { source, page_size };
                    return Ok(Progress::Yielded);
                };
                let name = self.pages.insert(pages).name().to_owned();
                convert(&source, page_size, &name)?;
                drop(source);
                self.stage = Stage::Copying { backup: Backup::new(cx.db, open(&name)?).map_err(into_error)? };
            }
            Stage::Copying { backup } => return self.copy(backup, cx),
            Stage::Over => return Err(Error::new(ErrorKind::InvalidRequest, "the import is over")),
        }
        Ok(Progress::Yielded)
    }

    fn copy(&mut self, mut backup: Backup, cx: &mut Context<'_>) -> Result<Progress> {
        if cx.db.transaction_state() != TransactionState::Write {
            if cx.lock_is_promised {
                self.stage = Stage::Copying { backup };
                return Ok(Progress::Busy);
            }
            // Nobody can change them between here and the first page, which takes the lock.
            let old = cx.database.look().and_then(|db| tables(&db)).map_err(into_error)?;
            self.tables.extend(old.into_items());
        }
        let marks = cx.database.marks.clone();
        let progress = loop {
            // The first step takes the lock and finds out how many there are. The one that copies the last of them commits, and
            // asks nobody before.
            let (all, left) = backup.pages();
            let pages = if all == 0 { 0 } else { PAGES_PER_LOOK };
            if let Some(marks) = marks.as_ref().filter(|_| all > 0 && left <= PAGES_PER_LOOK as u64) {
                marks.mark_unasked()?;
            }
            match backup.step(pages) {
                Ok(Copied::All) => {
                    if let Some(marks) = &marks {
                        // Before the log is cut off, which tells of it.
                        marks.done_unasked();
                    }
                    drop(backup);
                    self.report(ImportPhase::Copy, self.received, self.received, cx);
                    self.replaced(cx);
                    return Ok(Progress::Done);
                }
                Ok(Copied::Some) => self.report_copied(&backup, cx),
                Err(failure) if failure.is_busy() => break Progress::Busy,
                Err(failure) => return Err(into_error(failure)),
            }
            if cx.slice.is_over(|| cx.env.now()) {
                break Progress::Yielded;
            }
        };
        self.stage = Stage::Copying { backup };
        Ok(progress)
    }

    /// What is to be done when the new database is in its place. Nothing of that can take it back.
    fn replaced(&mut self, cx: &mut Context<'_>) {
        cx.database.replaced(cx.key, std::mem::take(&mut self.tables), cx.env.now());
        // The log has the whole database in it. While somebody reads an older snapshot it stays as it is.
        let _ = cx.db.query("PRAGMA wal_checkpoint(TRUNCATE)");
        cx.database.checkpoint(false);
    }

    fn report_copied(&mut self, backup: &Backup, cx: &mut Context<'_>) {
        let (all, left) = backup.pages();
        let done = u128::from(self.received) * u128::from(all.saturating_sub(left)) / u128::from(all.max(1));
        let done = u64::try_from(done).unwrap_or(self.received);
        if done >= self.reported + REPORT_BYTES {
            self.reported = done;
            self.report(ImportPhase::Copy, done, self.received, cx);
        }
    }

    fn report(&self, phase: ImportPhase, done: u64, total: u64, cx: &mut Context<'_>) {
        reply(cx.env, cx.header, &Reply::Progress { phase, done, total });
    }
}

/// Opens foreign bytes.
fn open(name: &str) -> Result<sqlite::Connection> {
    let opened = sqlite::Connection::open_to_read(name, VFS_NAME).and_then(|db| {
        harden(&db)?;
        db.configure(ffi::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        db.configure(ffi::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
        db.query("PRAGMA ignore_check_constraints = ON")?;
        Ok(db)
    });
    opened.map_err(|failure| failure.into_error(None))
}

/// Looks whether foreign bytes are a database that is whole. SQLite does that in one go.
fn check(source: &sqlite::Connection) -> Result<()> {
    match source.quick_check().map_err(into_error)? {
        None => Ok(()),
        Some(said) => {
            let problem = said.rsplit("***\n").next().unwrap_or_default().trim();
            Err(Error::storage(StorageReason::Corrupt, format!("the imported file is damaged: {problem}")))
        }
    }
}

/// The names of the tables of a database.
fn tables(db: &sqlite::Connection) -> Result<SortedSet<String>, Failure> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let mut names = SortedSet::new();
    if let Prepared::One(mut statement) = db.prepare(sql)? {
        while statement.step(None)? == sqlite::Step::Row {
            // A name that is no text could not be told.
            if let Ok(ValueRef::Text(name)) = statement.cell(0) {
                names.insert(name.to_owned());
            }
        }
    }
    Ok(names)
}

/// Connections keep the encoding of the first schema that they saw, and SQLite converts no file from one to another.
fn check_encoding(source: &sqlite::Connection, own: &sqlite::Connection) -> Result<()> {
    let encoding = |db: &sqlite::Connection| db.query("PRAGMA encoding").map_err(into_error);
    let (theirs, ours) = (encoding(source)?.unwrap_or_default(), encoding(own)?.unwrap_or_default());
    if theirs == ours {
        return Ok(());
    }
    let message =
        format!("the imported file stores its text as {theirs}, and the database in whose place it comes as {ours}");
    Err(Error::new(ErrorKind::NotSupported, message))
}

/// Writes the rows of a database into another, in pages of that size.
fn convert(source: &sqlite::Connection, page_size: u32, name: &str) -> Result<()> {
    source.set_attachable(Some((name, name)));
    source.query(&format!("PRAGMA page_size = {page_size}")).map_err(into_error)?;
    let into = format!("VACUUM INTO '{}'", name.replace('\'', "''"));
    source.query(&into).map(|_| ()).map_err(into_error)
}

fn own_page_size(db: &sqlite::Connection) -> Result<u32> {
    let size = db.query("PRAGMA page_size").map_err(into_error)?;
    size.and_then(|size| size.parse().ok()).ok_or_else(|| Error::new(ErrorKind::Internal, "there is no page size"))
}

/// What SQLite found wrong with foreign bytes, or with the storage. What it does not know is no damage, but cannot be
/// checked either: a module of virtual tables, say, or a collation.
fn into_error(failure: Failure) -> Error {
    let failure = failure.or_of_storage();
    if failure.code() & 0xff != ffi::SQLITE_ERROR {
        return failure.into_error(None);
    }
    let cause = failure.into_error(None);
    let message = format!("the imported file needs something that this SQLite lacks: {}", cause.message());
    Error::new(ErrorKind::NotSupported, message).with_cause(cause)
}

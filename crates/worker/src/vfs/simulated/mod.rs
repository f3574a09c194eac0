//! A disk in memory, for tests: it remembers what is done to its files, fails when it is told to, and shows itself as a
//! crash would leave it. In a release there is none.
#![forbid(unsafe_code)]

mod crash;
mod file;
mod random;
mod reorder;

pub use random::Random;

use file::{SimulatedFile, SimulatedScratch};
use reorder::Reordered;

use super::memory::MemoryFile;
use super::node::RawFile;
use super::page_joiner::database;
use super::read_ahead::ReadAhead;
use super::scratch::{in_the_way, publish_scratch, scratch_names};
use super::watched_log::log;
use super::{Attachment, MARK, MarkFile, check_path, names, publish, storage_error};
use aludel_protocol::{Error, Result, StorageReason};
use rsqlite_vfs::{VfsError, VfsErrorCode, VfsResult};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What is done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the calls of a file, by their names")]
pub enum Call {
    Read,
    Write,
    Truncate,
    Sync,
    Size,
}

impl Call {
    /// All of them.
    pub const ALL: [Call; 5] = [Call::Read, Call::Write, Call::Truncate, Call::Sync, Call::Size];
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// It does nothing.
    Io,
    /// It does nothing, for there is no space left. Calls that need none fail as [`Failing::Io`] does.
    Full,
    /// It does nothing, and says so with an error that SQLite expects of no write.
    Refused,
    /// It does the first half of what it was to do. Reading does not fail then: it says how little it read.
    Half,
    /// It does nothing and says that it did: a storage that is broken, which a test has to find out. Only writing and
    /// making durable can.
    Unsaid,
}

/// Which calls fail.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The kind of call; nothing for all kinds.
    pub call: Option<Call>,
    /// How many of them succeed before.
    pub after: u64,
    /// How many fail then.
    pub count: u64,
    /// How these fail.
    pub failing: Failing,
}

/// What changed a file, or made its changes last.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "fields that say what they are")]
pub enum Op {
    Write { file: Rc<str>, offset: u64, bytes: Vec<u8> },
    Truncate { file: Rc<str>, size: u64 },
    Sync { file: Rc<str> },
    Remove { file: Rc<str> },
}

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Default)]
pub struct SimulatedDisk {
    state: Rc<RefCell<State>>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<Rc<str>, MemoryFile>,
    /// The files as they were when the log began.
    before: BTreeMap<Rc<str>, MemoryFile>,
    log: Option<Vec<Op>>,
    plan: Option<Plan>,
    /// How many calls the plan has seen.
    seen: u64,
    failed: u64,
    /// How many bytes its files may have together.
    quota: Option<u64>,
    /// What the order in which writes reach it comes from, if that is any order.
    order: Option<Random>,
}

impl std::fmt::Debug for SimulatedDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimulatedDisk").field("files", &self.names()).finish()
    }
}

impl SimulatedDisk {
    /// An empty disk.
    pub fn new() -> SimulatedDisk {
        SimulatedDisk::default()
    }

    /// Makes a database on it known to SQLite as `path`, until [`super::detach`]. As on OPFS, what an import left behind
    /// is removed.
    pub fn attach(&self, path: &str, create: bool) -> Result<()> {
        check_path(path)?;
        if !create && !self.names().iter().any(|name| name == path) {
            return Err(Error::storage(StorageReason::CannotOpen, format!("{path} does not exist")));
        }
        for scratch in scratch_names(path) {
            if self.exists(&scratch) && !self.exists(&format!("{scratch}-wal")) {
                self.remove(&scratch);
            }
        }
        let [main, wal, journal] = names(path).map(|name| {
            let file = self.cached(&name);
            let present = self.size(&name) > 0;
            (file, present)
        });
        let (log, watch) = log(wal.0).map_err(|error| storage_error(&error))?;
        let (mark, fresh) = (self.cached(&format!("{path}{MARK}")), self.size(path) == 0);
        let marks = Some(MarkFile { file: mark, watch, fresh, always: true });
        publish(Attachment { path, main: (database(main.0), true), wal: (log, wal.1), journal, marks, guard: None })
    }

    /// Makes a scratch file on it known to SQLite. It is gone when it is detached.
    pub fn attach_scratch(&self, name: &str) -> Result<()> {
        check_path(name)?;
        if self.exists(&format!("{name}-wal")) {
            return Err(in_the_way(name));
        }
        self.remove(name);
        publish_scratch(name, Box::new(ReadAhead::new(Box::new(SimulatedScratch::new(self, name)))))
    }

    fn exists(&self, name: &str) -> bool {
        self.state.borrow().files.contains_key(name)
    }

    fn remove(&self, name: &str) {
        // To forget a file cannot fail.
        let _ = self.state.borrow_mut().apply(Op::Remove { file: name.into() });
    }

    pub(super) fn file(&self, name: &str) -> Box<dyn RawFile> {
        let name: Rc<str> = name.into();
        self.state.borrow_mut().files.entry(Rc::clone(&name)).or_default();
        Box::new(SimulatedFile::new(self.clone(), name))
    }

    /// The same file, behind the cache that there may be.
    fn cached(&self, name: &str) -> Box<dyn RawFile> {
        let file = self.file(name);
        let order = self.state.borrow_mut().order.as_mut().map(Random::number);
        match order {
            Some(seed) => Box::new(Reordered::new(file, Random::with_seed(seed))),
            None => file,
        }
    }

    /// From now on files are attached behind a cache, which writes back what waits in it at any time and in any order, but
    /// all of it when they are made durable. Who reads sees through it. What this disk remembers, and what a crash leaves,
    /// is then what has got past the cache: [`SimulatedDisk::killed_after`] is the death of the whole machine.
    pub fn reorder(&self, seed: u64) {
        self.state.borrow_mut().order = Some(Random::with_seed(seed));
    }

    /// Another disk with the same files.
    pub fn copy(&self) -> SimulatedDisk {
        let disk = SimulatedDisk::new();
        disk.state.borrow_mut().files = self.state.borrow().files.clone();
        disk
    }

    /// Its files, empty ones as well.
    pub fn names(&self) -> Vec<String> {
        self.state.borrow().files.keys().map(|name| name.to_string()).collect()
    }

    /// How long a file is; 0 when there is none.
    pub fn size(&self, name: &str) -> u64 {
        self.state.borrow_mut().size(name)
    }

    /// Gives the files of a database another name.
    pub fn rename(&self, from: &str, to: &str) {
        let mut state = self.state.borrow_mut();
        let all = |path| names(path).into_iter().chain([format!("{path}{MARK}")]);
        for (from, to) in all(from).zip(all(to)) {
            if let Some(file) = state.files.remove(from.as_str()) {
                state.files.insert(to.into(), file);
            }
        }
    }

    /// Puts bytes at the start of a file, as somebody else would.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        // A file in memory takes them.
        let _ = self.state.borrow_mut().apply(Op::Write { file: name.into(), offset: 0, bytes: bytes.to_vec() });
    }

    /// The bytes of a file; none when it does not exist.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(self.size(name)).unwrap_or(0)];
        if let Some(file) = self.state.borrow_mut().files.get_mut(name) {
            // A file in memory does not fail.
            let _ = file.read(&mut bytes, 0);
        }
        bytes
    }

    /// Lets calls fail as planned, beginning with the next; nothing lets all succeed.
    pub fn plan(&self, plan: Option<Plan>) {
        let mut state = self.state.borrow_mut();
        (state.plan, state.seen, state.failed) = (plan, 0, 0);
    }

    /// How many calls of the planned kind there were since the plan was made, and how many of them failed.
    pub fn seen(&self) -> (u64, u64) {
        let state = self.state.borrow();
        (state.seen, state.failed)
    }

    /// Limits how many bytes its files may have together. As in browsers, only growing can fail.
    pub fn set_quota(&self, bytes: Option<u64>) {
        self.state.borrow_mut().quota = bytes;
    }

    /// How many bytes its files have together.
    pub fn used(&self) -> u64 {
        self.state.borrow_mut().used()
    }

    /// Begins to remember what is done, from the files as they are now.
    pub fn remember(&self) {
        let mut state = self.state.borrow_mut();
        state.before = state.files.clone();
        state.log = Some(Vec::new());
    }

    /// How much was done since [`SimulatedDisk::remember`].
    pub fn ops(&self) -> usize {
        self.state.borrow().log.as_ref().map_or(0, Vec::len)
    }

    /// Shows each thing that was done since [`SimulatedDisk::remember`].
    pub fn log(&self) -> Vec<Op> {
        self.state.borrow().log.clone().unwrap_or_default()
    }
}

impl State {
    /// Decides about a call; nothing lets it succeed.
    fn decide(&mut self, call: Call) -> Option<Failing> {
        let plan = self.plan.filter(|plan| plan.call.is_none_or(|kind| kind == call))?;
        self.seen += 1;
        if self.seen <= plan.after || self.failed >= plan.count {
            return None;
        }
        self.failed += 1;
        Some(plan.failing)
    }

    fn size(&mut self, name: &str) -> u64 {
        // A file in memory does not fail.
        self.files.get_mut(name).map_or(0, |file| file.size().unwrap_or(0))
    }

    fn used(&mut self) -> u64 {
        self.files.values_mut().map(|file| file.size().unwrap_or(0)).sum()
    }

    fn check_growth(&mut self, name: &str, to: u64) -> VfsResult<()> {
        let Some(quota) = self.quota else { return Ok(()) };
        let has = self.size(name);
        if to > has && self.used() - has + to > quota {
            return Err(VfsError::new(VfsErrorCode::Full, "the quota of the simulated disk is used up".into()));
        }
        Ok(())
    }

    fn apply(&mut self, op: Op) -> VfsResult<()> {
        apply(&mut self.files, &op)?;
        if let Some(log) = &mut self.log {
            log.push(op);
        }
        Ok(())
    }
}

/// Does it to files.
fn apply(files: &mut BTreeMap<Rc<str>, MemoryFile>, op: &Op) -> VfsResult<()> {
    match op {
        Op::Write { file, offset, bytes } => files.entry(Rc::clone(file)).or_default().write(bytes, *offset),
        Op::Truncate { file, size } => files.entry(Rc::clone(file)).or_default().truncate(*size),
        Op::Sync { .. } => Ok(()),
        Op::Remove { file } => {
            files.remove(file);
            Ok(())
        }
    }
}

//! A database: its files, its connections, and who may write.
#![forbid(unsafe_code)]

use crate::blocked::Suspect;
use crate::changes::Changes;
use crate::connection::ConnectionKey;
use crate::import::Scratches;
use crate::log::{KEPT_BYTES, Log};
use crate::mark::{Marks, Start};
use crate::scheduler::WriteLock;
use crate::sqlite::{self, Failure, ffi};
use crate::writers::Writers;
use crate::{Environment, Preparation, disk, health, vfs};
use aludel_protocol::{
    Commit, Durability, Error, ErrorKind, OpenOptions, Party, Result, SortedSet, Storage, StorageReason,
};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

/// SQLite's own default, said so that both builds have it.
const EXPRESSION_DEPTH: i32 = 1_000;
const LENGTH: i32 = 1_000_000_000;

/// A database that has connections, or whose files are being made ready for one.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) storage: Storage,
    pub(crate) path: String,
    pub(crate) lock: WriteLock<ConnectionKey, u64>,
    pub(crate) writers: Writers,
    pub(crate) log: Log,
    /// Who holds the write lock, while others wait for it.
    pub(crate) locks: Option<Suspect<ConnectionKey>>,
    /// Who has a snapshot that keeps the log from beginning anew, and since when the log should.
    pub(crate) lingers: Option<(Suspect<ConnectionKey>, f64)>,
    /// Who imports into it.
    pub(crate) scratches: Scratches,
    /// How many connections are open or opening.
    pub(crate) connections: usize,
    /// What SQLite calls it.
    name: String,
    files: Files,
    /// What tells of its commits after this host; where it has files, and clients that could ask.
    pub(crate) marks: Option<Rc<Marks>>,
    /// Whether the first connection has found it in order.
    seen: bool,
    /// In which epoch this worker was its host before.
    earlier_epoch: Option<u32>,
    /// How many commits have changed something.
    commits: u64,
    /// Those of them that nobody was told of yet.
    untold: Vec<Commit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Files {
    Absent,
    Preparing,
    Ready,
}

impl Database {
    pub(crate) fn new(storage: Storage, path: &str, earlier_epoch: Option<u32>) -> Database {
        // Each engine in memory has a database of its own, whatever it calls it, and the VFS knows all by name.
        static MEMORIES: AtomicU64 = AtomicU64::new(1);
        let name = match storage {
            Storage::Memory => format!("memory-{}", MEMORIES.fetch_add(1, Ordering::Relaxed)),
            Storage::Opfs | Storage::Disk => path.to_owned(),
        };
        let path = path.to_owned();
        Database {
            storage,
            path,
            name,
            lock: WriteLock::new(),
            writers: Writers::default(),
            log: Log::new(),
            locks: None,
            lingers: None,
            scratches: Scratches::default(),
            connections: 0,
            files: Files::Absent,
            marks: None,
            seen: false,
            earlier_epoch,
            commits: 0,
            untold: Vec::new(),
        }
    }

    /// Counts its hosts; known as soon as its files are ready.
    pub(crate) fn epoch(&self) -> Option<u32> {
        self.is_ready().then(|| self.marks.as_ref().map_or(1, |marks| marks.epoch()))
    }

    /// What SQLite calls it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether its files can be opened now.
    pub(crate) fn is_ready(&self) -> bool {
        self.files == Files::Ready
    }

    /// Makes its files ready, or has the environment do so. `marks` says whether somebody may ask for fates later.
    pub(crate) fn prepare(&mut self, env: &mut dyn Environment, create: bool, marks: bool) -> Result<()> {
        if self.files != Files::Absent {
            return Ok(());
        }
        // SQLite takes these names for something else; a URI among them only where it was built to.
        let special = ["", ":memory:"].contains(&self.path.as_str()) || self.path.starts_with("file:");
        if self.storage != Storage::Memory && special {
            let message = format!("{:?} cannot be the path of a database file", self.path);
            return Err(Error::storage(StorageReason::CannotOpen, message));
        }
        vfs::register()?;
        match self.storage {
            Storage::Memory => vfs::attach_memory(&self.name),
            Storage::Disk => disk::attach(&self.name, create)?,
            Storage::Opfs => match env.prepare_files(&self.path, create) {
                Preparation::Ready(result) => result?,
                Preparation::Later => {
                    self.files = Files::Preparing;
                    return Ok(());
                }
            },
        }
        self.prepared(env, marks)
    }

    /// Takes over as the host, now that its files are ready.
    pub(crate) fn prepared(&mut self, env: &mut dyn Environment, marks: bool) -> Result<()> {
        self.files = Files::Ready;
        if let Some(file) = vfs::take_marks(&self.name).filter(|file| file.always || marks) {
            let start = Start { now: env.wall_clock(), fresh: file.fresh, epoch: self.earlier_epoch };
            match Marks::host(&self.name, file, start) {
                Ok(marks) => self.marks = Some(marks),
                Err(error) => {
                    self.release(env);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Takes note that its files cannot be had.
    pub(crate) fn not_prepared(&mut self) {
        self.files = Files::Absent;
    }

    /// Gives up its files, if it has no connections left that need them.
    pub(crate) fn release(&mut self, env: &mut dyn Environment) {
        if let Some(marks) = self.marks.take() {
            // Where nobody has looked, it is as it was.
            marks.close(self.seen || !marks.was_unclean());
        }
        self.let_go(env);
    }

    /// Gives up its files as the death of its worker would, whoever needs them.
    pub(crate) fn crash(&mut self, env: &mut dyn Environment) {
        if let Some(marks) = self.marks.take() {
            marks.crash();
        }
        self.let_go(env);
    }

    fn let_go(&mut self, env: &mut dyn Environment) {
        let was = std::mem::replace(&mut self.files, Files::Absent);
        match self.storage {
            _ if was != Files::Ready => {}
            Storage::Opfs => env.release_files(&self.path),
            Storage::Memory | Storage::Disk => vfs::detach(&self.name),
        }
    }

    /// In how many milliseconds the names of its files can be taken as safe from a power cut.
    pub(crate) fn settles_in(&self, env: &dyn Environment) -> u32 {
        // Elsewhere a name is made durable with the file.
        let marks = self.marks.as_ref().filter(|_| self.storage == Storage::Opfs);
        marks.map_or(0, |marks| marks.settles_in(env.wall_clock()))
    }

    /// Whether it can end now: one in memory lives as long as its worker, and files on their way are waited for.
    pub(crate) fn is_over(&self) -> bool {
        self.connections == 0
            && match self.files {
                Files::Absent => true,
                Files::Preparing => false,
                Files::Ready => self.storage != Storage::Memory,
            }
    }

    /// Opens a connection, with all of its settings; says which journal mode SQLite reports.
    pub(crate) fn connect(&mut self, options: &OpenOptions) -> Result<(sqlite::Connection, String)> {
        // Whether the file may be made was decided when its files were; by now it is there, if only empty.
        let connected = sqlite::Connection::open(&self.name, vfs::VFS_NAME, true)
            .and_then(|connection| configure(&connection, options).map(|mode| (connection, mode)));
        let (connection, mode) = connected.map_err(|failure| self.explain(failure))?;
        if mode != "wal" {
            let message = format!("the database cannot be used in WAL mode: SQLite answers with journal mode {mode:?}");
            return Err(Error::new(ErrorKind::NotSupported, message));
        }
        if let Some(marks) = &self.marks {
            if !self.seen {
                // SQLite knows nothing of the log before the first read.
                connection.query("PRAGMA schema_version").map_err(|failure| self.explain(failure))?;
                marks.see();
                if marks.was_unclean() {
                    health::check(&connection, &self.path)?;
                }
                self.seen = true;
            }
            marks.watch(&connection);
        }
        Ok((connection, mode))
    }

    /// Why the first connection cannot be opened.
    fn explain(&self, failure: Failure) -> Error {
        let error = failure.into_error(None);
        let is_no_wonder = !self.seen && self.marks.as_ref().is_some_and(|marks| marks.was_unclean());
        if is_no_wonder { health::explain(error, &self.path) } else { error }
    }

    /// Copies the log into the database as far as readers allow; `restart` also makes the next writer begin it anew. It
    /// flushes first one and then the other, whatever connections have set, so that no commit that survived a power cut
    /// before it is lost in one.
    pub(crate) fn checkpoint(&mut self, restart: bool) {
        // A connection of its own: any other may be in a transaction, or do without flushing.
        let copied = self.look().and_then(|connection| {
            // SQLite knows nothing of the log before the first read.
            connection.query("PRAGMA user_version")?;
            let page_size = connection.query("PRAGMA page_size")?;
            Ok((connection.checkpoint(restart)?, page_size))
        });
        // What fails here is tried again after more commits; a storage that fails for good fails those, too.
        if let Ok((_, Some(bytes))) = &copied
            && let Ok(bytes) = bytes.parse()
        {
            self.log.set_page_size(bytes);
        }
        self.log.copied(copied.ok().map(|(copied, _)| copied));
    }

    /// What tells its log from what that was before it began anew.
    pub(crate) fn log_salts(&self) -> Option<[u8; 8]> {
        vfs::log_index(&self.name).map(|end| end.salts)
    }

    /// How large the file of its log is, in bytes.
    pub(crate) fn log_file_bytes(&self) -> u64 {
        vfs::log_bytes(&self.name)
    }

    /// Takes note of what a connection has committed.
    pub(crate) fn take_commits(&mut self, by: ConnectionKey, changes: &mut Changes, now: f64) {
        if let Some(frames) = changes.take_frames() {
            self.writers.committed(by, now);
            self.log.committed(frames, self.log_salts());
        }
        for changed in changes.take() {
            self.commits += 1;
            self.untold.push(changed.into_commit(self.commits, Party { client: by.client, connection: by.id }));
        }
    }

    /// Takes note that a connection has put another database in the place of this one, which changed these tables.
    pub(crate) fn replaced(&mut self, by: ConnectionKey, tables: SortedSet<String>, now: f64) {
        self.writers.committed(by, now);
        self.commits += 1;
        let by = Party { client: by.client, connection: by.id };
        let tables = tables.into_items().collect();
        self.untold.push(Commit { number: self.commits, by, schema: true, tables });
    }

    /// Opens a connection of the worker's own, for a while.
    pub(crate) fn look(&self) -> Result<sqlite::Connection, Failure> {
        sqlite::Connection::open(&self.name, vfs::VFS_NAME, true)
    }

    /// The commits that nobody was told of yet.
    pub(crate) fn take_untold(&mut self) -> Vec<Commit> {
        std::mem::take(&mut self.untold)
    }

    /// Those who hold others up, as far as anything is known of them.
    pub(crate) fn suspects(&mut self) -> impl Iterator<Item = &mut Suspect<ConnectionKey>> {
        self.locks.iter_mut().chain(self.lingers.iter_mut().map(|(suspect, _)| suspect))
    }
}

/// The precautions that hold for every connection, whatever is in its database.
pub(crate) fn harden(connection: &sqlite::Connection) -> Result<(), Failure> {
    connection.configure(ffi::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.configure(ffi::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // As SQLITE_DQS=0, for builds of SQLite by other people's options.
    connection.configure(ffi::SQLITE_DBCONFIG_DQS_DML, false)?;
    connection.configure(ffi::SQLITE_DBCONFIG_DQS_DDL, false)?;
    connection.limit(ffi::SQLITE_LIMIT_LENGTH, LENGTH);
    connection.limit(ffi::SQLITE_LIMIT_EXPR_DEPTH, EXPRESSION_DEPTH);
    connection.query("PRAGMA cell_size_check = ON").map(|_| ())
}

fn configure(connection: &sqlite::Connection, options: &OpenOptions) -> Result<String, Failure> {
    harden(connection)?;
    let run = |sql: &str| connection.query(sql);
    run("PRAGMA page_size = 4096")?;
    if options.cache_bytes > 0 {
        run(&format!("PRAGMA cache_size = -{}", (options.cache_bytes / 1024).max(1)))?;
    }
    let mode = run("PRAGMA journal_mode = wal")?.unwrap_or_default();
    run(match options.durability {
        Durability::Normal => "PRAGMA synchronous = NORMAL",
        Durability::Full => "PRAGMA synchronous = FULL",
    })?;
    run(&format!("PRAGMA foreign_keys = {}", if options.foreign_keys { "ON" } else { "OFF" }))?;
    let kept = if options.log_limit == 0 { KEPT_BYTES } else { KEPT_BYTES.min(options.log_limit) };
    run(&format!("PRAGMA journal_size_limit = {kept}"))?;
    Ok(mode)
}

//! What a database under snapshot isolation may answer: commits one after the other, each transaction on the commit that it
//! first read, and one writer at a time, on the latest commit.
//!
//! Replies are judged in the order in which the worker posts them, which is the order in which it did the work. Where that
//! leaves more than one possibility (a read that takes several slices may have begun before or after a commit in between),
//! all of them are kept until an answer rules some out.

mod judge;
mod queue;

use super::Ask;
use aludel_protocol::{BeginMode, Error};
use std::collections::BTreeMap;
use std::rc::Rc;

const BUSY: i32 = 5;
const BUSY_SNAPSHOT: i32 = 517;

/// The rows of the table: key and value.
pub type State = BTreeMap<i64, i64>;

/// A connection: its client, and its number.
pub type Key = (u64, u32);

/// What the database was after a commit.
#[derive(Debug)]
struct Version {
    state: Rc<State>,
    by: Key,
    /// Whether there is a commit behind it: one whose changes were all taken back by savepoints may write nothing.
    certain: bool,
}

/// Which commit a transaction or stream reads.
#[derive(Clone, Debug)]
enum Snapshot {
    /// It has not read yet; had it, then this version or a later one.
    Unset(Option<usize>),
    /// One of these.
    Among(Vec<usize>),
}

#[derive(Debug)]
enum Tx {
    None,
    Open {
        snapshot: Snapshot,
        /// What it sees, if it holds the write lock.
        own: Option<Rc<State>>,
        saves: Vec<(String, Option<Rc<State>>)>,
        changed: bool,
        /// Whether a SAVEPOINT began it, the release of which commits.
        by_savepoint: bool,
    },
    /// The worker ended it, and refuses what is not its end.
    Ended,
}

#[derive(Debug)]
struct Stream {
    /// The oldest version that it may read.
    oldest: usize,
    /// What it reads, once it has shown rows: versions, or what its own transaction had written.
    seen: Option<(Vec<usize>, Option<Rc<State>>)>,
    /// What it has shown, or if it writes, what it still has to show.
    rows: Vec<(i64, i64)>,
    /// How many rows it has shown, if it writes.
    shown: i64,
    /// Whether what its own connection wrote meanwhile may show in it.
    blurred: bool,
    /// Whether something was sent that ends streams, or may break them.
    may_end: bool,
}

/// A connection as the model sees it.
#[derive(Debug)]
pub struct Connection {
    tx: Tx,
    streams: BTreeMap<u64, Stream>,
    lock_timeout: f64,
    idle_timeout: f64,
    log_limited: bool,
    last_active: f64,
    /// Whether it was idle for so long, since its transaction began, that the worker may have ended that.
    was_idle: bool,
    /// Whether it may have been SQLite that ended the transaction, and the worker refuses nothing.
    by_sqlite: bool,
    /// Whether anything of its transaction failed that may have got the write lock before.
    has_failed: bool,
}

/// A request, and how the world was when it was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    pub key: Key,
    pub ask: Ask,
    pub deadline: f64,
    pub cancelled: bool,
    /// That it waits for the write lock, since everything had come to rest and it was not answered: the last that was asked by then.
    pub waits: Option<u64>,
    /// Whether it may be given up.
    pub breakable: bool,
    /// The oldest that it may read.
    version: usize,
    /// Whether a stream was open on its connection.
    shares: bool,
    at: f64,
}

/// A reply.
#[derive(Clone, Debug)]
pub enum Got {
    Rows { rows: Vec<(i64, i64)>, more: bool, changes: i64, open: bool },
    Done(bool),
    Opened,
    Error(Error, bool),
}

/// The model.
#[derive(Debug)]
pub struct Model {
    versions: Vec<Version>,
    connections: BTreeMap<Key, Connection>,
    pub now: f64,
    /// Who has just got the write lock.
    pub got_lock: Option<Key>,
    /// Whether statements are interrupted in their midst.
    pauses: bool,
}

type Judged<T = ()> = Result<T, String>;

fn wrong<T>(what: impl Into<String>) -> Judged<T> {
    Err(what.into())
}

impl Connection {
    fn is_open(&self) -> bool {
        matches!(self.tx, Tx::Open { .. })
    }

    fn holds_lock(&self) -> bool {
        matches!(&self.tx, Tx::Open { own: Some(_), .. })
    }

    /// It does something.
    fn act(&mut self, now: f64) {
        self.was_idle = self.may_be_idle(now);
        self.last_active = now;
    }

    fn may_be_idle(&self, now: f64) -> bool {
        // The worker counts from when it was done, a turn before this hears of it.
        self.is_open() && (self.was_idle || now - self.last_active >= self.idle_timeout - 30.0)
    }

    /// The versions that its streams may keep open: SQLite has one snapshot per connection.
    fn streamed(&self) -> impl Iterator<Item = usize> {
        let versions = |stream: &Stream| match &stream.seen {
            Some((versions, _)) => versions.clone(),
            None => vec![stream.oldest],
        };
        self.streams.values().flat_map(versions)
    }
}

impl Model {
    pub fn new(state: State, pauses: bool) -> Model {
        let first = Version { state: Rc::new(state), by: (0, 0), certain: true };
        Model { versions: vec![first], connections: BTreeMap::new(), now: 0.0, got_lock: None, pauses }
    }

    /// The rows after the last commit.
    pub fn latest_state(&self) -> &State {
        &self.versions[self.latest()].state
    }

    /// The rows after each commit, beginning with those before the first.
    #[allow(dead_code, reason = "histories in a browser have no disk whose power fails")]
    pub fn states(&self) -> impl Iterator<Item = &State> {
        self.versions.iter().map(|version| &*version.state)
    }

    /// Who made the commits, and whether each is certain to be one.
    pub fn commits(&self) -> impl Iterator<Item = (Key, bool)> {
        self.versions.iter().skip(1).map(|version| (version.by, version.certain))
    }

    /// How many commits there were.
    pub fn commit_count(&self) -> usize {
        self.latest()
    }

    fn latest(&self) -> usize {
        self.versions.len() - 1
    }

    /// Whether a version may be what is there now.
    fn is_current(&self, version: usize) -> bool {
        self.versions[version + 1..].iter().all(|later| !later.certain)
    }

    pub fn open(&mut self, key: Key, lock_timeout: f64, idle_timeout: f64, log_limited: bool) {
        let last_active = self.now;
        let streams = BTreeMap::new();
        let connection = Connection {
            tx: Tx::None,
            streams,
            lock_timeout,
            idle_timeout,
            log_limited,
            last_active,
            was_idle: false,
            by_sqlite: false,
            has_failed: false,
        };
        self.connections.insert(key, connection);
    }

    pub fn in_transaction(&self, key: Key) -> bool {
        self.connections.get(&key).is_some_and(|connection| !matches!(connection.tx, Tx::None))
    }

    /// Whether the worker has ended the transaction of a connection by itself.
    pub fn was_ended(&self, key: Key) -> bool {
        self.connections.get(&key).is_some_and(|connection| matches!(connection.tx, Tx::Ended))
    }

    /// Whether a stream has shown rows.
    pub fn has_shown(&self, key: Key, id: u64) -> bool {
        let stream = self.connections.get(&key).and_then(|connection| connection.streams.get(&id));
        stream.is_some_and(|stream| stream.seen.is_some())
    }

    /// Drops everything of a client that has gone.
    pub fn drop_client(&mut self, client: u64) {
        self.connections.retain(|key, _| key.0 != client);
    }

    /// Takes note of a request on its way.
    pub fn send(&mut self, id: u64, key: Key, ask: Ask, deadline: f64, breakable: bool) -> Sent {
        let (mut version, mut shares) = (self.latest(), false);
        if let Some(connection) = self.connections.get_mut(&key) {
            // A stream of the same connection may share its snapshot.
            version = connection.streamed().min().unwrap_or(version);
            shares = !connection.streams.is_empty();
            connection.act(self.now);
            // A write that is interrupted takes its transaction along.
            if ask.ends_streams() || (self.pauses && matches!(ask, Ask::Write { .. })) || ask.returns() {
                connection.streams.values_mut().for_each(|stream| stream.may_end = true);
            }
            if ask.is_stream() {
                let may_end = self.pauses;
                let stream = Stream { oldest: version, seen: None, rows: vec![], shown: 0, blurred: false, may_end };
                connection.streams.insert(id, stream);
            }
        }
        Sent { key, ask, deadline, cancelled: false, waits: None, breakable, version, shares, at: self.now }
    }

    /// Takes note that somebody said something else to a connection.
    pub fn touch(&mut self, key: Key) {
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.act(self.now);
        }
    }

    /// Takes note that a stream was closed: nothing more comes of it.
    pub fn forget_stream(&mut self, key: Key, id: u64) {
        if let Some(connection) = self.connections.get_mut(&key) {
            let stream = connection.streams.remove(&id);
            // It may have read before.
            if let (Some(stream), Tx::Open { snapshot: Snapshot::Unset(lo), .. }) = (stream, &mut connection.tx) {
                *lo = Some(lo.map_or(stream.oldest, |lo| lo.min(stream.oldest)));
            }
        }
    }

    /// Somebody else than `key` holds the write lock, so `key` cannot have got it.
    fn check_alone(&mut self, key: Key) -> Judged {
        let now = self.now;
        for (other, connection) in self.connections.iter_mut().filter(|(other, _)| **other != key) {
            if connection.holds_lock() {
                if !connection.may_be_idle(now) {
                    return wrong(format!("two writers: {other:?} had not ended"));
                }
                connection.tx = Tx::Ended;
            }
        }
        Ok(())
    }

    /// Gives a connection the write lock; it has a transaction. What it sees is what is there now.
    fn take_lock(&mut self, key: Key) -> Judged<Rc<State>> {
        let latest = self.latest();
        let state = Rc::clone(&self.versions[latest].state);
        if let Tx::Open { own: Some(own), .. } = &self.connections[&key].tx {
            return Ok(Rc::clone(own));
        }
        self.check_alone(key)?;
        // Something that failed may have got it for this transaction before.
        self.got_lock = Some(key).filter(|key| !self.connections[key].has_failed);
        let Tx::Open { snapshot, .. } = &self.connections[&key].tx else { return Ok(state) };
        if let Snapshot::Among(versions) = snapshot
            && !versions.iter().any(|version| self.is_current(*version))
        {
            return wrong(format!("it writes on version {versions:?}, which is not {latest}, the latest"));
        }
        if let Some(Connection { tx: Tx::Open { own, snapshot, .. }, .. }) = self.connections.get_mut(&key) {
            *own = Some(Rc::clone(&state));
            *snapshot = Snapshot::Among(vec![latest]);
        }
        Ok(state)
    }

    fn begin(&mut self, sent: &Sent, mode: BeginMode, writes: bool, by_savepoint: bool) -> Judged {
        let key = sent.key;
        let Some(connection) = self.connections.get_mut(&key) else { return Ok(()) };
        if connection.is_open() {
            return Ok(());
        }
        // The snapshot may be that of a stream which is open.
        let lo = connection.streamed().min().map(|version| version.min(sent.version));
        let snapshot = Snapshot::Unset(lo);
        connection.tx = Tx::Open { snapshot, own: None, saves: vec![], changed: false, by_savepoint };
        connection.has_failed = false;
        let locks = match mode {
            BeginMode::Immediate | BeginMode::Exclusive => true,
            BeginMode::Auto => writes,
            BeginMode::None | BeginMode::Deferred | BeginMode::Own => false,
        };
        if locks { self.take_lock(key).map(drop) } else { Ok(()) }
    }

    fn commit(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(&key) else { return };
        if let Tx::Open { own: Some(own), changed: true, .. } = std::mem::replace(&mut connection.tx, Tx::None) {
            let certain = own != self.versions[self.latest()].state;
            self.versions.push(Version { state: own, by: key, certain });
        }
    }
}

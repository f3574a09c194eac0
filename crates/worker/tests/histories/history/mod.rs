//! Random histories of several connections of several clients, judged by a model of snapshot isolation.
//!
//! Everything random comes from a seed, so that a history can be had again. It runs wherever a service runs: natively on memory
//! and on the disk, and in a worker of a browser.

mod ask;
mod model;
mod say;

use ask::{Ask, Change};

use aludel_protocol::{
    Batch, BatchWriter, BeginMode, Delivery, Durability, Execute, Header, Notice, OpenOptions, PROTOCOL_VERSION,
    RepeatClass, Reply, Request, Storage, Value, ValueRef, Writer,
};
use aludel_worker::{Environment, Service, Turn};
pub use model::State;
use model::{Got, Key, Model, Sent};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many things are said in a history.
const STEPS: usize = 90;
/// The connection that stands beside: it makes the table, and looks at it in the end.
pub const KEEPER: Key = (1_000, 1);
const COLUMNS: &str = "k, v";

/// Where a service runs: what it posted can be taken, and its clock is moved by the history.
pub trait Stage: Environment {
    /// The clock that [`Environment::now`] reads, and how much further it goes with each look.
    fn clock(&self) -> &Rc<Cell<f64>>;

    /// How much further the clock goes with each look.
    fn set_tick(&mut self, ms: f64);

    /// How durable commits are to be.
    fn durability(&self) -> Durability {
        Durability::Normal
    }

    /// How much has been done to the disk; it is noted with each commit.
    fn done_to_disk(&self) -> usize {
        0
    }

    /// Whether statements pause while others run.
    const PAUSES: bool = false;

    /// One turn of the service.
    fn turn(service: &mut Service<Self>) -> Turn
    where
        Self: Sized,
    {
        service.turn()
    }

    /// The frames posted since this was last asked, with to whom.
    fn take_posted(&mut self) -> Vec<(u64, Vec<u8>)>;
}

/// SplitMix64.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

/// What a history came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    pub requests: usize,
    pub commits: usize,
    pub errors: usize,
    pub waits: usize,
}

impl Outcome {
    /// Counts another history in.
    pub fn add(&mut self, other: &Outcome) {
        self.requests += other.requests;
        self.commits += other.commits;
        self.errors += other.errors;
        self.waits += other.waits;
    }
}

/// A history on its way. The keeper's connection has to be open.
pub struct History<'a, E: Stage> {
    service: &'a mut Service<E>,
    random: Random,
    storage: Storage,
    path: String,
    model: Model,
    sent: BTreeMap<u64, Sent>,
    /// Connections to choose from.
    keys: Vec<Key>,
    /// Those that were asked to open and not to close since.
    opened: Vec<Key>,
    last: u64,
    value: i64,
    told: Vec<Key>,
    /// How many commits there were, each time that something had been done to the disk: how much, and how many.
    pub commits_at: Vec<(usize, usize)>,
    number: u64,
    /// A client that has left, and some of which still pauses.
    leaving: Option<u64>,
    lock_timeout: u32,
    idle_timeout: u32,
    log_limit: u64,
    /// What was said and answered, for those who have to find out.
    pub log: Vec<String>,
    pub outcome: Outcome,
}

type Judged<T = ()> = Result<T, String>;

/// What a database of histories is opened with.
pub fn options(storage: Storage, path: &str, durability: Durability) -> OpenOptions {
    OpenOptions {
        storage,
        path: path.into(),
        durability,
        cache_bytes: 1 << 20,
        statement_cache: 10,
        ..OpenOptions::default()
    }
}

/// Says hello and opens the keeper's connection; to be done once per service. Whether it is open, [`is_open`] tells.
pub fn open_keeper<E: Stage>(service: &mut Service<E>, storage: Storage, path: &str) {
    let header = |request| Header { client: KEEPER.0, ..Header::new(0, request, KEEPER.1, RepeatClass::Safe) };
    service.receive(Request::Hello { protocol: PROTOCOL_VERSION, version: "test" }.encode(&header(1)));
    let durability = service.environment_mut().durability();
    service.receive(Request::Open(options(storage, path, durability)).encode(&header(2)));
    service.receive(Request::Watch { changes: true }.encode(&header(3)));
}

/// Whether the keeper's connection is open by now.
pub fn is_open<E: Stage>(service: &mut Service<E>) -> bool {
    settle(service);
    let posted = service.environment_mut().take_posted();
    posted.iter().any(|(_, frame)| matches!(Reply::decode(frame), Ok((_, Reply::Opened { .. }))))
}

fn settle<E: Stage>(service: &mut Service<E>) -> Turn {
    loop {
        match E::turn(service) {
            Turn::Again => {}
            other => return other,
        }
    }
}

impl<'a, E: Stage> History<'a, E> {
    /// A history that begins with a few rows.
    pub fn new(service: &'a mut Service<E>, storage: Storage, path: &str, seed: u64) -> History<'a, E> {
        let mut random = Random(seed);
        let clients = 1 + random.below(3) as u64;
        let connections = 4 + random.below(5) as u64;
        let keys = (0..connections).map(|n| (1 + n % clients, 1 + (n / clients) as u32)).collect();
        let tick = random.of(&[0.001, 0.02, 0.3, 1.0]);
        service.environment_mut().set_tick(tick);
        let mut this = History {
            service,
            storage,
            path: path.to_owned(),
            model: Model::new((1..=8).map(|key| (key, 0)).collect(), E::PAUSES),
            sent: BTreeMap::new(),
            keys,
            opened: vec![],
            last: 10,
            value: 0,
            told: vec![],
            commits_at: vec![],
            number: 0,
            leaving: None,
            lock_timeout: random.of(&[200, 1_000]),
            idle_timeout: random.of(&[0, 0, 200, 600]),
            log_limit: random.of(&[0, 0, 9_000, 30_000]),
            log: vec![format!("{clients} clients, {connections} connections, a look takes {tick} ms")],
            outcome: Outcome::default(),
            random,
        };
        for client in 1..=clients {
            this.hello(client);
        }
        this
    }

    /// Plays it to its end.
    pub fn play(&mut self) -> Judged {
        self.keep("CREATE TABLE IF NOT EXISTS t (k INTEGER PRIMARY KEY, v INTEGER NOT NULL, filling BLOB DEFAULT (zeroblob(900))) WITHOUT ROWID")?;
        self.keep("DELETE FROM t")?;
        self.keep("INSERT INTO t (k, v) VALUES (1,0),(2,0),(3,0),(4,0),(5,0),(6,0),(7,0),(8,0)")?;
        self.told.clear();
        self.note_commits();
        for _ in 0..STEPS {
            self.step()?;
            for _ in 0..self.random.of(&[0, 0, 1, 1, 2, 5]) {
                self.turn()?;
            }
            let ms = self.random.of(&[0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 20, 20, 60, 150, 300, 700]);
            self.advance(f64::from(ms));
        }
        self.finish()?;
        self.check()
    }

    fn header(&self, key: Key, request: u64) -> Header {
        Header { client: key.0, ..Header::new(0, request, key.1, RepeatClass::Safe) }
    }

    fn hello(&mut self, client: u64) {
        let hello = Request::Hello { protocol: PROTOCOL_VERSION, version: "test" };
        self.service.receive(hello.encode(&self.header((client, 0), 1)));
    }

    fn now(&mut self) -> f64 {
        self.service.environment_mut().clock().get()
    }

    fn advance(&mut self, ms: f64) {
        let clock = self.service.environment_mut().clock();
        clock.set(clock.get() + ms);
    }

    fn turn(&mut self) -> Judged<Turn> {
        let turn = E::turn(self.service);
        self.listen()?;
        self.note_commits();
        if turn != Turn::Again {
            self.model.rest(self.last, &mut self.sent)?;
        }
        Ok(turn)
    }

    fn note_commits(&mut self) {
        let now = (self.service.environment_mut().done_to_disk(), self.model.commit_count());
        if self.commits_at.last() != Some(&now) {
            self.commits_at.push(now);
        }
    }

    /// What the table held after each commit, beginning with what it held before the first.
    #[allow(dead_code, reason = "histories in a browser have no disk whose power fails")]
    pub fn states(&self) -> impl Iterator<Item = &State> {
        self.model.states()
    }

    /// Judges what was answered.
    fn listen(&mut self) -> Judged {
        let now = self.now();
        self.model.now = now;
        for (client, frame) in self.service.environment_mut().take_posted() {
            let (header, reply) = Reply::decode(&frame).map_err(|error| error.to_string())?;
            if header.client != client {
                return Err(format!("a reply to {} went to {client}", header.client));
            }
            let got = match reply {
                Reply::Hello { .. } => continue,
                Reply::Notice(notice) => {
                    self.hear(&header, notice)?;
                    continue;
                }
                Reply::Opened { .. } => Got::Opened,
                Reply::Done { in_transaction } => Got::Done(in_transaction),
                Reply::Error { error, in_transaction } => Got::Error(error, in_transaction),
                Reply::Rows(rows) => Got::Rows {
                    rows: pairs(&rows.batch),
                    more: rows.more,
                    changes: rows.changes,
                    open: rows.in_transaction,
                },
                other => return Err(format!("nobody asked for {other:?}")),
            };
            self.log.push(format!("    {}: {got:?} at {now:.0}", header.request));
            let key = (header.client, header.connection);
            let more = matches!(got, Got::Rows { more: true, .. });
            let Some(sent) = self.sent.get(&header.request).cloned() else {
                return Err(format!("{} is answered, and was not asked or was answered before", header.request));
            };
            if sent.key != key {
                return Err(format!("{} is answered by connection {key:?}", header.request));
            }
            if !more {
                self.sent.remove(&header.request);
            }
            if let Got::Error(..) = got {
                self.outcome.errors += 1;
            }
            // A stream that has shown rows stands beside the line.
            let aside = |id: u64| self.model.has_shown(key, id);
            let in_line = |id: u64| id != header.request && !aside(id);
            let overtakes = self
                .sent
                .iter()
                .any(|(id, other)| other.key == key && in_line(*id) && (*id < header.request || aside(header.request)));
            let judged = self.model.reply(header.request, &sent, &got, overtakes);
            judged.map_err(|what| format!("request {}: {what}", header.request))?;
            if let Some(key) = self.model.got_lock.take() {
                self.model.check_order(header.request, key, &self.sent)?;
            }
        }
        Ok(())
    }

    fn hear(&mut self, header: &Header, notice: Notice) -> Judged {
        match notice {
            Notice::Changed(commits) => {
                for commit in commits {
                    if self.number != 0 && commit.number != self.number + 1 {
                        return Err(format!("commit {} is told after {}", commit.number, self.number));
                    }
                    self.number = commit.number;
                    self.told.push((commit.by.client, commit.by.connection));
                    if commit.tables != ["t"] {
                        return Err(format!("a commit of {:?}", commit.tables));
                    }
                }
            }
            // Who has left says nothing any more.
            Notice::Holding if self.leaving == Some(header.client) => {}
            Notice::Holding => {
                let site = Request::Site { text: "here" }.encode(header);
                self.service.receive(site);
            }
            Notice::Blocked(_) => self.outcome.waits += 1,
        }
        Ok(())
    }

    /// Everything comes to its end.
    fn finish(&mut self) -> Judged {
        for _ in 0..600 {
            let streams: Vec<(u64, Key)> =
                self.sent.iter().filter(|(_, sent)| sent.ask.is_stream()).map(|(id, sent)| (*id, sent.key)).collect();
            for (stream, key) in streams {
                self.model.touch(key);
                self.service.receive(Request::Credit { stream, credits: 20 }.encode(&self.header(key, 0)));
            }
            match self.turn()? {
                _ if self.sent.is_empty() => return Ok(()),
                Turn::WaitUntil(time) => {
                    let now = self.now();
                    self.advance((time - now).max(0.0));
                }
                _ => {}
            }
        }
        Err(format!("never answered: {:?}", self.sent))
    }

    /// The database is what the model says, and everybody was told of what was committed.
    fn check(&mut self) -> Judged {
        for key in std::mem::take(&mut self.opened) {
            self.ask(key, Ask::Close)?;
        }
        self.finish()?;
        let rows = self.keep(&format!("SELECT {COLUMNS} FROM t ORDER BY k"))?;
        let rows: Vec<(i64, i64)> =
            rows.chunks(2).filter_map(|row| Some((integer(&row[0])?, integer(&row[1])?))).collect();
        let expected: Vec<(i64, i64)> = self.model.latest_state().iter().map(|(key, value)| (*key, *value)).collect();
        if rows != expected {
            return Err(format!("in the end there is {rows:?}, where {expected:?} should be"));
        }
        let sound = self.keep("PRAGMA integrity_check")?;
        if sound != [Value::Text("ok".into())] {
            return Err(format!("{sound:?}"));
        }
        // Nobody is left who reads, so all of the log can be merged.
        let merged = self.keep("PRAGMA wal_checkpoint(TRUNCATE)")?;
        if merged.first() != Some(&Value::Integer(0)) {
            return Err(format!("all are closed, and the log cannot be merged: {merged:?}"));
        }
        let mut told = self.told.iter();
        for (by, certain) in self.model.commits() {
            // What was certain was told, in its place; what was not may have been.
            let rest = told.as_slice();
            if certain {
                if told.next() != Some(&by) {
                    return Err(format!("a commit of {by:?} was not told: {rest:?}"));
                }
            } else if rest.first() == Some(&by) {
                told.next();
            }
        }
        if told.next().is_some() {
            return Err("more commits were told than were made".into());
        }
        self.outcome.commits = self.model.commit_count();
        Ok(())
    }

    /// Runs a statement on the keeper's connection.
    fn keep(&mut self, sql: &str) -> Judged<Vec<Value>> {
        self.last += 1;
        let header = self.header(KEEPER, self.last);
        self.service.receive(execute(&header, sql, BeginMode::None, Delivery::Buffered, 0, &[]));
        settle(self.service);
        let mut cells = None;
        for (_, frame) in self.service.environment_mut().take_posted() {
            match Reply::decode(&frame).map_err(|error| error.to_string())? {
                (other, Reply::Rows(rows)) if other.request == header.request => {
                    cells = Some(rows.batch.cells().map(|cell| cell.to_owned()).collect());
                }
                (other, Reply::Notice(notice)) => {
                    if let Notice::Changed(commits) = &notice {
                        self.number = commits.last().map_or(self.number, |commit| commit.number);
                    }
                    let _ = other;
                }
                (_, Reply::Hello { .. }) => {}
                (_, other) => return Err(format!("{sql}: {other:?}")),
            }
        }
        cells.ok_or_else(|| format!("{sql}: no answer"))
    }
}

fn integer(value: &Value) -> Option<i64> {
    if let Value::Integer(integer) = value { Some(*integer) } else { None }
}

fn pairs(batch: &Batch<'_>) -> Vec<(i64, i64)> {
    let cells: Vec<i64> =
        batch.cells().map(|cell| if let ValueRef::Integer(integer) = cell { integer } else { i64::MIN }).collect();
    cells.chunks(2).filter_map(|row| row.first_chunk().map(|[key, value]| (*key, *value))).collect()
}

fn execute(
    header: &Header,
    sql: &str,
    begin: BeginMode,
    delivery: Delivery,
    deadline: u32,
    sets: &[Vec<i64>],
) -> Vec<u8> {
    let many = begin == BeginMode::Own || sets.len() > 1;
    let execute =
        Execute { begin, delivery, many, deadline, first_batch_bytes: 0, batch_bytes: 0, sql, parameters: None };
    let mut batch = BatchWriter::new(sets.first().map_or(0, Vec::len) as u32);
    sets.iter().flatten().for_each(|value| batch.push(ValueRef::Integer(*value)));
    let mut out = Writer::new();
    out.raw(&execute.encode_head(header, !sets.is_empty()));
    if !sets.is_empty() {
        batch.encode_rows(&mut out, sets.len() as u32);
    }
    out.finish()
}

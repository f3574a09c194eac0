//! A service on a simulated disk, clients who remember what they asked and what they heard, and the truth.

use crate::vfs::simulated::{Random, SimulatedDisk};
use crate::{Environment, Preparation, Service, Turn, vfs};
use aludel_protocol::{
    BatchWriter, BeginMode, Delivery, Durability, Error, Execute, Fate, Header, OpenOptions, PROTOCOL_VERSION,
    RepeatClass, Reply, Request, Storage, TransactionOp, Value, Writer,
};
use std::collections::{BTreeMap, BTreeSet};

pub const PATH: &str = "/marked.db";

/// What the service sees.
pub struct Desk {
    disk: SimulatedDisk,
    clock: std::cell::Cell<f64>,
    posted: Vec<Vec<u8>>,
}

impl Environment for Desk {
    fn now(&self) -> f64 {
        self.clock.set(self.clock.get() + 0.01);
        self.clock.get()
    }

    fn wall_clock(&self) -> u64 {
        1_000_000
    }

    fn post(&mut self, _client: u64, parts: &[&[u8]]) {
        self.posted.push(parts.concat());
    }

    fn prepare_files(&mut self, path: &str, create: bool) -> Preparation {
        Preparation::Ready(self.disk.attach(path, create))
    }

    fn release_files(&mut self, path: &str) {
        vfs::detach(path);
    }
}

/// The last frame that answered a request.
#[derive(Clone, Debug)]
pub enum Answer {
    Opened { epoch: u32, settles_in: u32 },
    Rows(Vec<Vec<Value>>),
    Done,
    Fates(Vec<Fate>),
    Error(Error),
}

/// A request that may be in doubt.
#[derive(Clone, Debug)]
pub struct Asked {
    pub client: u64,
    pub request: u64,
    /// What it leaves in the table when it is committed.
    pub tag: i64,
    /// Whether it returns rows.
    pub returns: bool,
    /// The request before, without which it leaves nothing.
    pub needs: Option<u64>,
    /// How much had been done on the disk when it was asked, and when its answer had come.
    pub at: usize,
    pub answered_at: Option<usize>,
    pub succeeded: bool,
}

/// Clients, a host and a disk.
pub struct World {
    pub disk: SimulatedDisk,
    pub service: Service<Desk>,
    pub random: Random,
    pub durability: Durability,
    pub request: u64,
    pub tag: i64,
    pub answers: BTreeMap<u64, Answer>,
    pub asked: Vec<Asked>,
    greeted: BTreeSet<u64>,
}

pub fn options(durability: Durability) -> OpenOptions {
    OpenOptions {
        storage: Storage::Opfs,
        path: PATH.into(),
        durability,
        // So few pages that some are written before the commit.
        cache_bytes: 16 << 10,
        statement_cache: 5,
        ..OpenOptions::default()
    }
}

impl World {
    /// Nobody is there yet. Requests count from `first` on.
    pub fn new(disk: &SimulatedDisk, random: Random, first: u64) -> World {
        let desk = Desk { disk: disk.clone(), clock: std::cell::Cell::new(0.0), posted: vec![] };
        World {
            disk: disk.clone(),
            service: Service::new(desk),
            random,
            durability: Durability::Normal,
            request: first,
            tag: first as i64,
            answers: BTreeMap::new(),
            asked: vec![],
            greeted: BTreeSet::new(),
        }
    }

    pub fn header(&mut self, client: u64, connection: u32, class: RepeatClass) -> Header {
        self.request += 1;
        Header { client, ..Header::new(0, self.request, connection, class) }
    }

    pub fn send(&mut self, client: u64, connection: u32, class: RepeatClass, request: Request<'_>) -> u64 {
        if self.greeted.insert(client) {
            let hello = Request::Hello { protocol: PROTOCOL_VERSION, version: "test" };
            let header = self.header(client, 0, RepeatClass::Safe);
            self.service.receive(hello.encode(&header));
        }
        let header = self.header(client, connection, class);
        self.service.receive(request.encode(&header));
        header.request
    }

    /// Opens a connection, or says why not.
    pub fn open(&mut self, client: u64, connection: u32) -> Result<(u32, u32), Error> {
        let options = options(self.durability);
        let id = self.send(client, connection, RepeatClass::Safe, Request::Open(options));
        self.settle();
        match self.answer(id) {
            Answer::Opened { epoch, settles_in } => Ok((epoch, settles_in)),
            Answer::Error(error) => Err(error),
            other => panic!("{other:?}"),
        }
    }

    /// Sends a statement; `class` says whether it may be in doubt.
    pub fn execute(
        &mut self,
        (client, connection): (u64, u32),
        (sql, begin, delivery): (&str, BeginMode, Delivery),
        class: RepeatClass,
        sets: &[Vec<Value>],
    ) -> u64 {
        let execute = Execute {
            begin,
            delivery,
            many: sets.len() > 1,
            deadline: 0,
            first_batch_bytes: 0,
            batch_bytes: 0,
            sql,
            parameters: None,
        };
        let header = self.header(client, connection, class);
        let mut batch = BatchWriter::new(sets.first().map_or(0, Vec::len) as u32);
        sets.iter().flatten().for_each(|value| batch.push(value.as_ref()));
        let mut out = Writer::new();
        out.raw(&execute.encode_head(&header, !sets.is_empty()));
        if !sets.is_empty() {
            batch.encode_rows(&mut out, sets.len() as u32);
        }
        self.service.receive(out.finish());
        header.request
    }

    /// Runs a statement of nobody's concern, and gives its rows.
    pub fn query(&mut self, who: (u64, u32), sql: &str) -> Result<Vec<Vec<Value>>, Error> {
        let id = self.execute(who, (sql, BeginMode::None, Delivery::Buffered), RepeatClass::Safe, &[]);
        self.settle();
        match self.answer(id) {
            Answer::Rows(rows) => Ok(rows),
            Answer::Error(error) => Err(error),
            other => panic!("{other:?}"),
        }
    }

    /// Asks what became of requests.
    pub fn fates(&mut self, client: u64, connection: u32, requests: Vec<u64>) -> Vec<Fate> {
        let id = self.send(client, connection, RepeatClass::Safe, Request::Fates(requests));
        self.settle();
        match self.answer(id) {
            Answer::Fates(fates) => fates,
            other => panic!("{other:?}"),
        }
    }

    pub fn answer(&mut self, request: u64) -> Answer {
        self.answers.remove(&request).unwrap_or_else(|| panic!("{request} was not answered"))
    }

    /// Works until there is nothing to do now; then lets some time go by, so that logs are seen to.
    pub fn settle(&mut self) {
        for _ in 0..10_000 {
            let turn = self.service.turn();
            self.hear();
            match turn {
                Turn::Again | Turn::Step | Turn::Resume(_) => {}
                Turn::Idle => return,
                Turn::WaitUntil(time) if self.random.below(2) == 0 => {
                    let clock = &self.service.environment_mut().clock;
                    clock.set(clock.get().max(time));
                }
                Turn::WaitUntil(_) => return,
            }
        }
        panic!("it never came to rest");
    }

    fn hear(&mut self) {
        let done = self.disk.ops();
        for frame in std::mem::take(&mut self.service.environment_mut().posted) {
            let (header, reply) = Reply::decode(&frame).unwrap();
            let answer = match reply {
                Reply::Hello { .. } | Reply::Notice(_) => continue,
                Reply::Opened { settles_in, .. } => Answer::Opened { epoch: header.epoch, settles_in },
                Reply::Done { .. } => Answer::Done,
                Reply::Fates(fates) => Answer::Fates(fates),
                Reply::Error { error, .. } => Answer::Error(error),
                Reply::Rows(rows) => {
                    let width = rows.batch.columns().max(1) as usize;
                    let cells: Vec<Value> = rows.batch.cells().map(|cell| cell.to_owned()).collect();
                    Answer::Rows(cells.chunks(width).map(<[Value]>::to_vec).collect())
                }
                other => panic!("{other:?}"),
            };
            if matches!(answer, Answer::Error(_)) {
                // What comes behind is about nothing.
                self.asked.retain(|asked| asked.needs != Some(header.request));
            }
            let asked = self.asked.iter_mut().find(|asked| asked.request == header.request);
            if let Some(asked) = asked {
                asked.answered_at = Some(done);
                asked.succeeded = !matches!(answer, Answer::Error(_));
            }
            self.answers.insert(header.request, answer);
        }
    }

    fn ask(&mut self, client: u64, request: u64, tag: i64, returns: bool) {
        let at = self.disk.ops();
        let asked = Asked { client, request, tag, returns, needs: None, at, answered_at: None, succeeded: false };
        self.asked.push(asked);
    }

    fn next_tag(&mut self) -> i64 {
        self.tag += 1;
        self.tag
    }

    /// Sends something that changes the table `t(tag, part, pad)`, on a connection that has nothing to do: in one of the
    /// ways in which a request comes to be committed.
    pub fn work(&mut self, client: u64, connection: u32) {
        let (who, tag) = ((client, connection), self.next_tag());
        let class = RepeatClass::InDoubt;
        let insert = "INSERT INTO t(tag, part, pad) VALUES(?, ?, zeroblob(?))";
        let pad = self.random.pick(&[10, 900, 5_000]).unwrap();
        let set = |part: i64| vec![Value::Integer(tag), Value::Integer(part), Value::Integer(pad)];
        let mode = self.random.pick(&[BeginMode::None, BeginMode::Own]).unwrap();
        match self.random.below(9) {
            0..=2 => {
                let id = self.execute(who, (insert, mode, Delivery::Buffered), class, &[set(0)]);
                self.ask(client, id, tag, false);
            }
            3 => {
                let sets: Vec<_> = (0..2 + self.random.below(12) as i64).map(set).collect();
                let id = self.execute(who, (insert, BeginMode::Own, Delivery::Buffered), class, &sets);
                self.ask(client, id, tag, false);
            }
            4 => {
                let sql = format!("{insert} RETURNING tag");
                let stream = Delivery::Stream { credits: 5, max_rows: 0 };
                let delivery = self.random.pick(&[Delivery::Buffered, stream]).unwrap();
                let id = self.execute(who, (&sql, mode, delivery), class, &[set(0)]);
                self.ask(client, id, tag, true);
            }
            // A transaction, with a savepoint that is given up, and pages that are written before the commit.
            5 | 6 => {
                let within = RepeatClass::Transaction;
                let sets: Vec<_> = (0..2 + self.random.below(12) as i64).map(set).collect();
                let first = self.execute(who, (insert, BeginMode::Immediate, Delivery::Buffered), within, &sets);
                let names = ["SAVEPOINT s", "UPDATE t SET part = part + 1 WHERE tag % 3 = 1", "ROLLBACK TO s"];
                if self.random.below(2) == 0 {
                    for sql in names {
                        self.execute(who, (sql, BeginMode::None, Delivery::Buffered), within, &[]);
                    }
                }
                let ends = self.random.below(4) > 0;
                let op = if ends { TransactionOp::Commit } else { TransactionOp::Rollback };
                let class = if ends { class } else { within };
                let id = self.send(client, connection, class, Request::Transaction { op, deadline: 0 });
                if ends {
                    self.ask(client, id, tag, false);
                    self.asked
                        .iter_mut()
                        .filter(|asked| asked.request == id)
                        .for_each(|asked| asked.needs = Some(first));
                }
            }
            // One that fails: the tag of another is taken.
            7 => {
                let sql = format!("INSERT INTO u(tag) VALUES({tag}), (1)");
                let id = self.execute(who, (&sql, mode, Delivery::Buffered), class, &[]);
                self.ask(client, id, tag, false);
            }
            // The schema as well.
            _ => {
                let sql = format!("CREATE TABLE x{tag} AS SELECT {tag} AS tag");
                let id = self.execute(who, (&sql, mode, Delivery::Buffered), class, &[]);
                self.ask(client, id, tag, false);
            }
        }
    }

    /// Something that leaves no mark, and changes the log.
    pub fn disturb(&mut self, client: u64, connection: u32) {
        let tag = self.next_tag();
        let sql = match self.random.below(5) {
            0 => format!("INSERT INTO t(tag, part, pad) VALUES({tag}, 0, zeroblob(3000))"),
            _ => {
                let mode = self.random.pick(&["PASSIVE", "FULL", "RESTART", "TRUNCATE"]).unwrap();
                format!("PRAGMA wal_checkpoint({mode})")
            }
        };
        self.execute((client, connection), (&sql, BeginMode::None, Delivery::Buffered), RepeatClass::Safe, &[]);
    }

    /// The tags that are there.
    pub fn tags(&mut self, who: (u64, u32)) -> BTreeSet<i64> {
        let number = |rows: Vec<Vec<Value>>| -> Vec<i64> {
            let number = |value: &Value| match value {
                Value::Integer(number) => *number,
                Value::Text(name) => name[1..].parse().unwrap(),
                other => panic!("{other:?}"),
            };
            rows.iter().map(|row| number(&row[0])).collect()
        };
        if self.query(who, "SELECT 1 FROM sqlite_schema WHERE name = 'u'").unwrap().is_empty() {
            return BTreeSet::new();
        }
        let rows = self.query(who, "SELECT tag FROM t UNION SELECT tag FROM u").unwrap();
        let tables = self.query(who, "SELECT name FROM sqlite_schema WHERE name LIKE 'x%'").unwrap();
        number(rows).into_iter().chain(number(tables)).collect()
    }
}

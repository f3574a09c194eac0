//! Random conversations with the worker: several connections open, work, stream, cancel and close in any order, with
//! garbage in between. Whatever is said, the service does not panic, answers what must be answered exactly once, never
//! sends more frames than a stream has credits, and leaves a sound database.
#![cfg(not(target_arch = "wasm32"))]
// `clippy.toml` allows these in test functions only; here, the functions beside them are tests as well.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use aludel_protocol::{
    BatchWriter, BeginMode, Delivery, Durability, ErrorKind, Execute, Header, OpenOptions, PROTOCOL_VERSION,
    RepeatClass, Reply, Request, Storage, TransactionOp, Value, Writer,
};
use aludel_worker::{Environment, Service, Turn};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

const CONVERSATIONS: u64 = 100;
const STEPS: usize = 120;

const STATEMENTS: &[&str] = &[
    "SELECT 1",
    "SELECT ?, ?",
    "SELECT id, word FROM t ORDER BY id",
    "SELECT id, word FROM t",
    "INSERT INTO t (word) VALUES ('one') RETURNING id",
    "INSERT INTO t (word) VALUES (?), (?)",
    "INSERT INTO t (id, word) VALUES (1, 'taken')",
    "UPDATE t SET word = word || 'x' WHERE id % 7 = 3",
    "DELETE FROM t WHERE id % 5 = 2",
    "INSERT INTO t (word) SELECT word || '.' FROM t LIMIT 200",
    "CREATE TABLE IF NOT EXISTS u (a, b)",
    "DROP TABLE IF EXISTS u",
    "INSERT INTO u VALUES (?, ?)",
    "SELECT count(*) FROM u",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "PRAGMA wal_checkpoint",
    "SELECT * FROM nowhere",
    "SELEC",
    "",
    "SELECT 1; SELECT 2",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
];

struct Memory {
    clock: Rc<Cell<f64>>,
    posted: Vec<Vec<u8>>,
}

impl Environment for Memory {
    fn now(&self) -> f64 {
        self.clock.set(self.clock.get() + 0.01);
        self.clock.get()
    }

    fn post(&mut self, _client: u64, parts: &[&[u8]]) {
        self.posted.push(parts.concat());
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// A request that was asked, and what became of it.
#[derive(Debug)]
struct Asked {
    what: String,
    connection: u32,
    /// Frames that may still come; `None` for what is no stream.
    credits: Option<u64>,
    /// Whether its answer has come whole, or none may come any more.
    done: bool,
    frames: usize,
    /// Whether the worker had been shut down.
    gone: bool,
}

struct Conversation {
    service: Service<Memory>,
    clock: Rc<Cell<f64>>,
    random: Random,
    asked: BTreeMap<u64, Asked>,
    garbage: Vec<(u64, u32)>,
    last: u64,
    log: Vec<String>,
    /// The cells that came last.
    cells: Vec<Value>,
}

impl Conversation {
    fn new(seed: u64) -> Conversation {
        let clock = Rc::new(Cell::new(0.0));
        let service = Service::new(Memory { clock: Rc::clone(&clock), posted: vec![] });
        let random = Random(seed);
        let mut this = Conversation {
            service,
            clock,
            random,
            asked: BTreeMap::new(),
            garbage: vec![],
            last: 0,
            log: vec![],
            cells: vec![],
        };
        this.ask(0, "hello".into(), None, |header| {
            Request::Hello { protocol: PROTOCOL_VERSION, version: "test" }.encode(header)
        });
        this.open(1);
        for sql in
            ["CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT)", "INSERT INTO t (word) VALUES ('a'), ('b'), ('c')"]
        {
            this.execute(1, sql, BeginMode::None, Delivery::Buffered, 0, 0);
        }
        this
    }

    /// Sends a request that must be answered once.
    fn ask(&mut self, connection: u32, what: String, credits: Option<u64>, frame: impl FnOnce(&Header) -> Vec<u8>) {
        self.last += 1;
        self.log.push(format!("{} on {connection}: {what}", self.last));
        let frame = frame(&Header::new(1, self.last, connection, RepeatClass::Safe));
        self.asked.insert(self.last, Asked { what, connection, credits, done: false, frames: 0, gone: false });
        self.service.receive(frame);
        self.listen();
    }

    /// Sends a frame that is answered by nothing of its own.
    fn tell(&mut self, connection: u32, request: &Request<'_>) {
        self.log.push(format!("on {connection}: {request:?}"));
        self.service.receive(request.encode(&Header::new(1, 0, connection, RepeatClass::Safe)));
        self.listen();
    }

    fn open(&mut self, connection: u32) {
        let options = OpenOptions {
            storage: Storage::Memory,
            path: "conversation".into(),
            create: true,
            durability: Durability::Normal,
            foreign_keys: true,
            cache_bytes: 1 << 20,
            statement_cache: 3,
            lock_timeout: 200,
            ..OpenOptions::default()
        };
        self.ask(connection, "open".into(), None, |header| Request::Open(options).encode(header));
    }

    fn execute(
        &mut self,
        connection: u32,
        sql: &str,
        begin: BeginMode,
        delivery: Delivery,
        deadline: u32,
        sets: usize,
    ) {
        let credits = match delivery {
            Delivery::Buffered => None,
            Delivery::Stream { credits, .. } => Some(credits.into()),
        };
        let columns = sql.matches('?').count();
        let mut batch = BatchWriter::new(columns as u32);
        for i in 0..sets * columns {
            let value = if i % 3 == 0 { Value::Integer(i as i64) } else { format!("wört {i}").into() };
            batch.push(value.as_ref());
        }
        let what = format!("{begin:?} {delivery:?} within {deadline} x {sets}: {sql}");
        self.ask(connection, what, credits, |header| {
            let many = sets != 1;
            let execute = Execute {
                begin,
                delivery,
                many,
                deadline,
                first_batch_bytes: 200,
                batch_bytes: 1000,
                sql,
                parameters: None,
            };
            let mut out = Writer::new();
            out.raw(&execute.encode_head(header, many || columns > 0));
            if many || columns > 0 {
                batch.encode_rows(&mut out, sets as u32);
            }
            out.finish()
        });
    }

    /// Reads what was posted, and checks that it may be.
    fn listen(&mut self) {
        for frame in std::mem::take(&mut self.service.environment_mut().posted) {
            let (header, reply) = Reply::decode(&frame).unwrap_or_else(|error| panic!("{error}: {frame:02x?}"));
            let Some(asked) = self.asked.get_mut(&header.request) else { continue };
            assert_eq!(header.connection, asked.connection, "{asked:?}");
            assert!(!asked.done, "{reply:?} after the end of {asked:?}");
            asked.frames += 1;
            let more = match &reply {
                Reply::Rows(rows) => {
                    assert_eq!(rows.columns.is_some(), asked.frames == 1, "{asked:?}");
                    if let Some(credits) = &mut asked.credits {
                        // The end of a statement that has no rows left to send may come without a credit.
                        assert!(*credits > 0 || rows.batch.rows() == 0, "a frame without a credit: {asked:?}");
                        *credits = credits.saturating_sub(1);
                    }
                    self.cells.extend(rows.batch.cells().map(aludel_protocol::ValueRef::to_owned));
                    rows.more
                }
                Reply::Fatal { message } => panic!("{message}"),
                Reply::Error { error, .. } => {
                    asked.gone = error.kind() == ErrorKind::WorkerGone;
                    false
                }
                _ => false,
            };
            asked.done = !more;
        }
    }

    fn turn(&mut self) -> Turn {
        let turn = self.service.turn();
        self.listen();
        turn
    }

    fn any_request(&mut self) -> u64 {
        1 + self.random.next() % (self.last + 1)
    }

    fn step(&mut self) {
        let connection = 1 + self.random.below(4) as u32;
        let name = self.random.of(&["sp", "sa_savepoint_1", "", "a\"b"]).to_owned();
        let mode = self.random.of(&[BeginMode::None, BeginMode::Deferred, BeginMode::Immediate, BeginMode::Exclusive]);
        let deadline = self.random.of(&[0, 0, 20, 300]);
        match self.random.below(24) {
            0 | 1 => self.open(connection),
            2 => self.ask(connection, "close".into(), None, |header| Request::Close.encode(header)),
            3 => self.ask(connection, "reset".into(), None, |header| Request::Reset.encode(header)),
            4 => {
                let stream = self.any_request();
                let credits = self.random.below(3) as u32;
                let asked = self.asked.get_mut(&stream).filter(|asked| asked.connection == connection);
                if let Some(known) = asked.and_then(|asked| asked.credits.as_mut()) {
                    *known += u64::from(credits);
                }
                self.tell(connection, &Request::Credit { stream, credits });
            }
            5 => {
                let request = self.any_request();
                self.tell(connection, &Request::Cancel { request });
            }
            6 => {
                let stream = self.any_request();
                if let Some(asked) = self.asked.get_mut(&stream)
                    && asked.connection == connection
                    && asked.credits.is_some()
                    && asked.frames > 0
                {
                    asked.done = true;
                    self.tell(connection, &Request::CloseStream { stream });
                }
            }
            7..=9 => {
                let op = match self.random.below(6) {
                    0 => TransactionOp::Begin(BeginMode::Immediate),
                    1 => TransactionOp::Commit,
                    2 => TransactionOp::Rollback,
                    3 => TransactionOp::Savepoint(name, mode),
                    4 => TransactionOp::Release(name),
                    _ => TransactionOp::RollbackTo(name),
                };
                let what = format!("{op:?}");
                self.ask(connection, what, None, |header| Request::Transaction { op, deadline }.encode(header));
            }
            10 => self.babble(connection),
            11 => self.clock.set(self.clock.get() + 100.0),
            12..=15 => {
                self.turn();
            }
            _ => {
                let sql = self.random.of(STATEMENTS);
                let begin = self.random.of(&[BeginMode::None, BeginMode::Auto, BeginMode::Auto, BeginMode::Own, mode]);
                let delivery = match self.random.below(2) {
                    0 => Delivery::Buffered,
                    _ => {
                        Delivery::Stream { credits: self.random.below(3) as u32, max_rows: self.random.of(&[0, 1, 10]) }
                    }
                };
                let sets = self.random.of(&[1, 1, 1, 0, 3]);
                // A statement that never brings a row can be stopped by its deadline only.
                let deadline = if sql.contains("count(*) FROM n") { deadline.max(20) } else { deadline };
                self.execute(connection, sql, begin, delivery, deadline, sets);
            }
        }
    }

    /// Sends a sound frame with a few bytes of its body, or its kind, changed.
    fn babble(&mut self, connection: u32) {
        self.last += 1;
        let header = Header::new(1, self.last, connection, RepeatClass::Safe);
        self.garbage.push((self.last, connection));
        let execute = Execute {
            begin: BeginMode::Auto,
            delivery: Delivery::Buffered,
            many: false,
            deadline: 0,
            first_batch_bytes: 10,
            batch_bytes: 10,
            sql: "SELECT word FROM t WHERE id = 1",
            parameters: None,
        };
        let mut frame = execute.encode_head(&header, self.random.below(2) == 0);
        for _ in 0..1 + self.random.below(4) {
            // The rest of the header stays, so that no other request is answered by mistake.
            let at = if self.random.below(8) == 0 { 2 } else { 32 + self.random.below(frame.len() - 32) };
            frame[at] = self.random.next() as u8;
        }
        if self.random.below(3) == 0 {
            frame.truncate(32 + self.random.below(frame.len() - 32));
        }
        self.log.push(format!("{} on {connection}: garbage", self.last));
        self.service.receive(frame);
        self.listen();
    }

    /// Lets everything come to its end: streams are read, what is endless or garbage is cancelled, time goes by.
    fn finish(&mut self) {
        for (request, connection) in std::mem::take(&mut self.garbage) {
            self.tell(connection, &Request::Cancel { request });
            self.tell(connection, &Request::CloseStream { stream: request });
        }
        for round in 0..2000 {
            let open: Vec<(u64, u32, bool, bool)> = self
                .asked
                .iter()
                .filter(|(_, asked)| !asked.done)
                .map(|(id, asked)| (*id, asked.connection, asked.credits.is_some(), asked.what.contains("RECURSIVE")))
                .collect();
            if open.is_empty() {
                return;
            }
            for (request, connection, stream, endless) in open {
                if endless && round % 10 == 0 {
                    self.tell(connection, &Request::Cancel { request });
                }
                if stream && let Some(asked) = self.asked.get_mut(&request) {
                    asked.credits = Some(asked.credits.unwrap_or(0) + 50);
                    self.tell(connection, &Request::Credit { stream: request, credits: 50 });
                }
            }
            self.log.truncate(STEPS * 3);
            if let Turn::WaitUntil(time) = self.turn() {
                self.clock.set(self.clock.get().max(time));
            }
        }
        let left: Vec<_> = self.asked.iter().filter(|(_, asked)| !asked.done).collect();
        panic!("never answered: {left:?}");
    }

    /// Whether the worker still serves; then its database is sound, as a connection of its own sees it.
    fn check_database(&mut self) -> bool {
        self.open(5);
        self.execute(5, "PRAGMA integrity_check", BeginMode::None, Delivery::Buffered, 0, 1);
        self.cells.clear();
        self.finish();
        if self.cells.is_empty() {
            let asked = &self.asked[&self.last];
            assert!(asked.gone, "not because of a Shutdown: {asked:?}");
            return false;
        }
        assert_eq!(self.cells, ["ok".into()]);
        true
    }
}

#[test]
fn whatever_is_said_every_request_is_answered_once_and_the_database_is_sound() {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
    let given = std::env::var("ALUDEL_SEED").ok().and_then(|seed| seed.parse().ok());
    let first = given.unwrap_or_else(clock);
    let count = if given.is_some() { 1 } else { CONVERSATIONS };
    let mut checked = 0;
    for seed in (0..count).map(|i| first.wrapping_add(i)) {
        let mut conversation = Conversation::new(seed);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (0..STEPS).for_each(|_| conversation.step());
            conversation.finish();
            conversation.check_database()
        }));
        match outcome {
            Ok(sound) => checked += u64::from(sound),
            Err(_) => {
                println!("{}", conversation.log.join("\n"));
                panic!("ALUDEL_SEED={seed} runs it again");
            }
        }
    }
    // Garbage may say Shutdown, but seldom.
    assert!(checked > count / 2, "{checked} of {count} databases were there to be checked");
}

//! A service, a clock that moves only when it is looked at or told to, and readable replies.

use aludel_protocol::{
    BatchWriter, BeginMode, Delivery, Durability, Error, Execute, Fate, Header, ImportPhase, Notice, OpenOptions,
    PROTOCOL_VERSION, ProcedureCall, RepeatClass, Reply, Request, Storage, TransactionOp, Value,
};
#[cfg(feature = "faults")]
use aludel_worker::vfs::simulated::SimulatedDisk;
use aludel_worker::{Environment, Finding, Preparation, Service, Turn};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How much time a look at the clock takes at first, in milliseconds.
const TICK: f64 = 0.002;

pub struct Memory {
    pub clock: Rc<Cell<f64>>,
    pub tick: f64,
    /// The frames, and to whom each was sent.
    pub posted: Vec<(u64, Vec<u8>)>,
    /// How often all that is held was to leave.
    pub flushes: usize,
    pub prepared: Vec<(String, bool)>,
    pub released: Vec<String>,
    /// The requests whose procedures were asked for.
    pub called: Vec<Header>,
    /// What is answered when files are to be prepared: `Later` when there is nothing.
    pub preparation: Option<Result<(), Error>>,
    /// On what the files are, where there are any.
    #[cfg(feature = "faults")]
    pub disk: Option<SimulatedDisk>,
    /// Scratch files that were asked for and are not ready yet; nothing where they are ready at once.
    #[cfg(feature = "faults")]
    pub scratches: Option<Vec<String>>,
}

impl Environment for Memory {
    fn now(&self) -> f64 {
        self.clock.set(self.clock.get() + self.tick);
        self.clock.get()
    }

    fn post(&mut self, client: u64, parts: &[&[u8]]) {
        self.posted.push((client, parts.concat()));
    }

    fn flush(&mut self) {
        self.flushes += 1;
    }

    fn prepare_files(&mut self, path: &str, create: bool) -> Preparation {
        self.prepared.push((path.to_owned(), create));
        #[cfg(feature = "faults")]
        if let Some(disk) = &self.disk {
            return Preparation::Ready(disk.attach(path, create));
        }
        self.preparation.clone().map_or(Preparation::Later, Preparation::Ready)
    }

    #[cfg(feature = "faults")]
    fn prepare_scratch(&mut self, name: &str) -> Preparation {
        match (&mut self.scratches, &self.disk) {
            (Some(asked), _) => {
                asked.push(name.to_owned());
                Preparation::Later
            }
            (None, Some(disk)) => Preparation::Ready(disk.attach_scratch(name)),
            (None, None) => Preparation::Ready(Ok(())),
        }
    }

    fn procedure(&mut self, header: &Header, _call: &ProcedureCall<'_>) -> Finding {
        self.called.push(*header);
        Finding::Later
    }

    fn release_files(&mut self, path: &str) {
        #[cfg(feature = "faults")]
        if self.disk.is_some() {
            aludel_worker::vfs::detach(path);
        }
        self.released.push(path.to_owned());
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Got {
    Hello(u16),
    Opened(String),
    Rows(Rows),
    Done(bool),
    /// Whether it is the copy, how many bytes, of how many.
    Progress(bool, u64, u64),
    Error(Error, bool),
    Fates(Vec<Fate>),
    /// Whether a transaction is open, whether one was ended, and the value.
    Returned(bool, bool, Vec<u8>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    pub more: bool,
    pub in_transaction: bool,
    pub changes: i64,
    pub last_insert_rowid: i64,
    pub columns: Option<Vec<String>>,
    pub rows: Vec<Vec<Value>>,
    pub frame_len: usize,
}

/// All frames of one statement together.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<Value>>,
    pub changes: i64,
    pub last_insert_rowid: i64,
    pub in_transaction: bool,
    pub frames: usize,
}

pub struct Bench {
    pub service: Service<Memory>,
    pub clock: Rc<Cell<f64>>,
    /// Who speaks.
    pub client: u64,
    /// The epoch that is believed in.
    pub epoch: u32,
    /// What may be done with its requests when the host is lost.
    pub class: RepeatClass,
    /// The epoch of the last reply.
    pub told_epoch: u32,
    /// What was said unasked, in its order.
    pub notices: Vec<(Header, Notice)>,
    request: u64,
    replies: BTreeMap<u64, Vec<Got>>,
}

pub fn options(storage: Storage, path: &str) -> OpenOptions {
    OpenOptions {
        storage,
        path: path.into(),
        create: true,
        durability: Durability::Normal,
        foreign_keys: true,
        cache_bytes: 1 << 20,
        statement_cache: 10,
        lock_timeout: 1_000,
        ..OpenOptions::default()
    }
}

pub fn execute(sql: &str) -> Execute<'_> {
    Execute {
        begin: BeginMode::None,
        delivery: Delivery::Buffered,
        many: false,
        deadline: 0,
        first_batch_bytes: 0,
        batch_bytes: 0,
        sql,
        parameters: None,
    }
}

/// A statement that is run with each of several sets of parameters.
pub fn many(sql: &str) -> Execute<'_> {
    Execute { many: true, ..execute(sql) }
}

pub fn stream(sql: &str, credits: u32, max_rows: u32) -> Execute<'_> {
    Execute { delivery: Delivery::Stream { credits, max_rows }, ..execute(sql) }
}

pub fn header(request: u64, connection: u32) -> Header {
    Header::new(1, request, connection, RepeatClass::Safe)
}

/// The frame of an Execute with parameter sets.
pub fn execute_frame(header: &Header, execute: &Execute<'_>, sets: &[Vec<Value>]) -> Vec<u8> {
    let mut batch = BatchWriter::new(sets.first().map_or(0, Vec::len) as u32);
    sets.iter().flatten().for_each(|value| batch.push(value.as_ref()));
    let mut out = aludel_protocol::Writer::new();
    out.raw(&execute.encode_head(header, !sets.is_empty()));
    if !sets.is_empty() {
        batch.encode_rows(&mut out, sets.len() as u32);
    }
    out.finish()
}

impl Bench {
    /// A service that knows nobody yet.
    pub fn fresh() -> Bench {
        let clock = Rc::new(Cell::new(1_000.0));
        let host = Memory {
            clock: Rc::clone(&clock),
            tick: TICK,
            posted: vec![],
            flushes: 0,
            prepared: vec![],
            released: vec![],
            called: vec![],
            preparation: Some(Ok(())),
            #[cfg(feature = "faults")]
            disk: None,
            #[cfg(feature = "faults")]
            scratches: None,
        };
        Bench {
            service: Service::new(host),
            clock,
            client: 0,
            epoch: 0,
            class: RepeatClass::Safe,
            told_epoch: 0,
            notices: vec![],
            request: 0,
            replies: BTreeMap::new(),
        }
    }

    /// A service after Hello.
    pub fn greeted() -> Bench {
        let mut bench = Bench::fresh();
        bench.greet_as(0);
        bench
    }

    /// A service with connections 1 to `count` on one database in memory.
    pub fn with(count: u32) -> Bench {
        let mut bench = Bench::greeted();
        (1..=count).for_each(|id| bench.open(id, options(Storage::Memory, "test")));
        bench
    }

    pub fn open(&mut self, connection: u32, options: OpenOptions) {
        let id = self.send(connection, Request::Open(options));
        self.settle();
        assert_eq!(self.take(id), [Got::Opened("wal".into())]);
    }

    fn next_header(&mut self, connection: u32) -> Header {
        self.request += 1;
        Header { epoch: self.epoch, client: self.client, class: self.class, ..header(self.request, connection) }
    }

    /// Believes in another host.
    pub fn at_epoch(&mut self, epoch: u32) -> &mut Bench {
        self.epoch = epoch;
        self
    }

    /// Says Hello as another client, which speaks from here on.
    pub fn greet_as(&mut self, client: u64) {
        self.client = client;
        let id = self.send(0, Request::Hello { protocol: PROTOCOL_VERSION, version: "test" });
        assert!(matches!(self.take(id)[..], [Got::Hello(PROTOCOL_VERSION)]));
    }

    pub fn send(&mut self, connection: u32, request: Request<'_>) -> u64 {
        let frame = request.encode(&self.next_header(connection));
        self.service.receive(frame);
        self.request
    }

    /// The number of the request that was sent last.
    pub fn last_request(&self) -> u64 {
        self.request
    }

    pub fn send_execute(&mut self, connection: u32, execute: &Execute<'_>, sets: &[Vec<Value>]) -> u64 {
        let frame = execute_frame(&self.next_header(connection), execute, sets);
        self.service.receive(frame);
        self.request
    }

    pub fn send_transaction(&mut self, connection: u32, op: TransactionOp) -> u64 {
        self.send(connection, Request::Transaction { op, deadline: 0 })
    }

    /// Takes turns until there is nothing to do now.
    pub fn settle(&mut self) -> Turn {
        loop {
            let turn = self.service.turn();
            if turn != Turn::Again {
                return turn;
            }
        }
    }

    pub fn advance(&mut self, ms: f64) {
        self.clock.set(self.clock.get() + ms);
    }

    fn collect(&mut self) {
        for (client, frame) in std::mem::take(&mut self.service.environment_mut().posted) {
            let (header, reply) = Reply::decode(&frame).unwrap();
            assert_eq!(header.client, client, "a reply to somebody else: {reply:?}");
            self.told_epoch = header.epoch;
            let got = match reply {
                Reply::Hello { protocol, .. } => Got::Hello(protocol),
                Reply::Opened { journal_mode, .. } => Got::Opened(journal_mode.into()),
                Reply::Done { in_transaction } => Got::Done(in_transaction),
                Reply::Error { error, in_transaction } => Got::Error(error, in_transaction),
                Reply::Fatal { message } => panic!("{message}"),
                Reply::Notice(notice) => {
                    assert_eq!(header.request, 0, "a notice answers nothing");
                    self.notices.push((header, notice));
                    continue;
                }
                Reply::Progress { phase, done, total } => Got::Progress(phase == ImportPhase::Copy, done, total),
                Reply::Fates(fates) => Got::Fates(fates),
                Reply::Returned { in_transaction, ended, value } => {
                    Got::Returned(in_transaction, ended, value.to_vec())
                }
                Reply::Rows(rows) => {
                    let cells: Vec<Value> = rows.batch.cells().map(|cell| cell.to_owned()).collect();
                    let width = rows.batch.columns().max(1) as usize;
                    Got::Rows(Rows {
                        more: rows.more,
                        in_transaction: rows.in_transaction,
                        changes: rows.changes,
                        last_insert_rowid: rows.last_insert_rowid,
                        columns: rows.columns.map(|names| names.into_iter().map(str::to_owned).collect()),
                        rows: cells.chunks(width).map(<[Value]>::to_vec).collect(),
                        frame_len: frame.len(),
                    })
                }
            };
            self.replies.entry(header.request).or_default().push(got);
        }
    }

    /// The replies to a request since it was last asked.
    pub fn take(&mut self, request: u64) -> Vec<Got> {
        self.collect();
        self.replies.remove(&request).unwrap_or_default()
    }

    /// What was said unasked since this was last asked.
    pub fn notices(&mut self) -> Vec<(Header, Notice)> {
        self.collect();
        std::mem::take(&mut self.notices)
    }

    /// The Rows replies to a request since it was last asked; there must be no others.
    pub fn rows(&mut self, request: u64) -> Vec<Rows> {
        let rows = |got| match got {
            Got::Rows(rows) => rows,
            other => panic!("{other:?}"),
        };
        self.take(request).into_iter().map(rows).collect()
    }

    /// The error that a request ended with, and whether a transaction is open after it.
    pub fn error(&mut self, request: u64) -> (Error, bool) {
        match self.take(request).pop() {
            Some(Got::Error(error, in_transaction)) => (error, in_transaction),
            other => panic!("{other:?}"),
        }
    }

    /// What a finished statement came to.
    pub fn outcome(&mut self, request: u64) -> Result<Outcome, Error> {
        let mut outcome = Outcome {
            columns: vec![],
            rows: vec![],
            changes: 0,
            last_insert_rowid: 0,
            in_transaction: false,
            frames: 0,
        };
        let replies = self.take(request);
        let last = replies.len().checked_sub(1).expect("no reply");
        for (index, reply) in replies.into_iter().enumerate() {
            match reply {
                Got::Rows(rows) => {
                    assert_eq!(rows.more, index < last, "only the last frame says that it is");
                    assert_eq!(rows.columns.is_some(), index == 0, "only the first frame names the columns");
                    outcome.columns.extend(rows.columns.unwrap_or_default());
                    outcome.rows.extend(rows.rows);
                    outcome.changes = rows.changes;
                    outcome.last_insert_rowid = rows.last_insert_rowid;
                    outcome.in_transaction = rows.in_transaction;
                    outcome.frames += 1;
                }
                Got::Error(error, _) => {
                    assert_eq!(index, last, "nothing follows an error");
                    return Err(error);
                }
                other => panic!("{other:?}"),
            }
        }
        Ok(outcome)
    }

    pub fn try_run(&mut self, connection: u32, execute: &Execute<'_>, sets: &[Vec<Value>]) -> Result<Outcome, Error> {
        let id = self.send_execute(connection, execute, sets);
        self.settle();
        self.outcome(id)
    }

    pub fn run(&mut self, connection: u32, sql: &str) -> Outcome {
        self.try_run(connection, &execute(sql), &[]).unwrap_or_else(|error| panic!("{error}"))
    }

    pub fn fail(&mut self, connection: u32, sql: &str) -> Error {
        self.try_run(connection, &execute(sql), &[]).expect_err(sql)
    }

    pub fn transaction(&mut self, connection: u32, op: TransactionOp) -> Got {
        let id = self.send_transaction(connection, op);
        self.settle();
        let mut replies = self.take(id);
        assert_eq!(replies.len(), 1, "{replies:?}");
        replies.remove(0)
    }

    /// The only cell of the only row.
    pub fn scalar(&mut self, connection: u32, sql: &str) -> Value {
        let outcome = self.run(connection, sql);
        assert_eq!((outcome.rows.len(), outcome.columns.len()), (1, 1), "{sql}");
        outcome.rows[0][0].clone()
    }

    pub fn integer(&mut self, connection: u32, sql: &str) -> i64 {
        match self.scalar(connection, sql) {
            Value::Integer(integer) => integer,
            other => panic!("{other:?}"),
        }
    }
}

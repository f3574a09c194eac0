//! A service on the files of this browser, driven by hand.

use aludel_protocol::{
    BatchWriter, BeginMode, Delivery, Durability, Error, Execute, Fate, Header, OpenOptions, PROTOCOL_VERSION,
    RepeatClass, Reply, Request, Storage, TransactionOp, Value, Writer,
};
use aludel_worker::{Environment, Preparation, Service, Turn, vfs};
use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use std::collections::BTreeMap;
use wasm_bindgen::JsCast;
use web_sys::{DedicatedWorkerGlobalScope, Performance};

/// A path, whether it is a scratch file, and what became of it.
type Prepared = (String, bool, Result<(), Error>);

/// As the worker's shell, but for the page.
pub struct Browser {
    clock: Performance,
    posted: Vec<Vec<u8>>,
    prepared: UnboundedSender<Prepared>,
}

impl Environment for Browser {
    fn now(&self) -> f64 {
        self.clock.now()
    }

    fn post(&mut self, _client: u64, parts: &[&[u8]]) {
        self.posted.push(parts.concat());
    }

    fn prepare_files(&mut self, path: &str, create: bool) -> Preparation {
        let (path, prepared) = (path.to_owned(), self.prepared.clone());
        wasm_bindgen_futures::spawn_local(async move {
            let result = vfs::attach_opfs(&path, create).await;
            // A bench that is gone waits for nothing.
            let _ = prepared.unbounded_send((path, false, result));
        });
        Preparation::Later
    }

    fn prepare_scratch(&mut self, name: &str) -> Preparation {
        let (name, prepared) = (name.to_owned(), self.prepared.clone());
        wasm_bindgen_futures::spawn_local(async move {
            let result = vfs::attach_opfs_scratch(&name).await;
            let _ = prepared.unbounded_send((name, true, result));
        });
        Preparation::Later
    }

    fn release_files(&mut self, path: &str) {
        vfs::detach(path);
    }
}

/// A reply, owned.
#[derive(Clone, Debug, PartialEq)]
pub enum Got {
    Opened(Storage, String),
    Rows(Vec<Vec<Value>>, bool),
    Done,
    Error(Error),
    Fates(Vec<Fate>),
}

pub struct Bench {
    service: Service<Browser>,
    prepared: UnboundedReceiver<Prepared>,
    /// Who speaks, and what may be done with the requests when the host is lost.
    client: u64,
    class: RepeatClass,
    /// The epoch of the last reply, and after how long it said that names are safe.
    pub epoch: u32,
    pub settles_in: u32,
    request: u64,
    replies: BTreeMap<u64, Vec<Got>>,
}

pub fn options(path: &str, create: bool) -> OpenOptions {
    OpenOptions {
        storage: Storage::Opfs,
        path: path.into(),
        create,
        durability: Durability::Normal,
        foreign_keys: true,
        cache_bytes: 1 << 20,
        statement_cache: 10,
        lock_timeout: 1_000,
        ..OpenOptions::default()
    }
}

impl Bench {
    pub fn new() -> Bench {
        Bench::of(0, RepeatClass::Safe)
    }

    /// As a client that says so of all of its requests.
    pub fn of(client: u64, class: RepeatClass) -> Bench {
        let scope = js_sys::global().unchecked_into::<DedicatedWorkerGlobalScope>();
        let (sender, prepared) = unbounded();
        let host = Browser { clock: scope.performance().unwrap(), posted: vec![], prepared: sender };
        let mut bench = Bench {
            service: Service::new(host),
            prepared,
            client,
            class,
            epoch: 0,
            settles_in: 0,
            request: 0,
            replies: BTreeMap::new(),
        };
        bench.send(0, &Request::Hello { protocol: PROTOCOL_VERSION, version: "test" });
        bench
    }

    /// A service with connections 1 to `count` on one file.
    pub async fn with(count: u32, path: &str) -> Bench {
        let mut bench = Bench::new();
        for connection in 1..=count {
            assert_eq!(bench.open(connection, options(path, true)).await, Ok("wal".into()));
        }
        bench
    }

    /// Opens a connection, and says in which journal mode.
    pub async fn open(&mut self, connection: u32, options: OpenOptions) -> Result<String, Error> {
        let storage = options.storage;
        match self.ask(connection, &Request::Open(options)).await {
            Got::Opened(found, mode) if found == storage => Ok(mode),
            Got::Error(error) => Err(error),
            other => panic!("{other:?}"),
        }
    }

    fn header(&mut self, connection: u32) -> Header {
        self.request += 1;
        Header { client: self.client, ..Header::new(0, self.request, connection, self.class) }
    }

    /// Dies as a worker does: the files are as they are.
    pub fn crash(mut self) {
        self.service.crash();
    }

    pub fn send(&mut self, connection: u32, request: &Request<'_>) -> u64 {
        let header = self.header(connection);
        self.service.receive(request.encode(&header));
        self.request
    }

    pub fn send_execute(&mut self, connection: u32, sql: &str, delivery: Delivery, sets: &[Vec<Value>]) -> u64 {
        let header = self.header(connection);
        let execute = Execute {
            begin: BeginMode::None,
            delivery,
            many: sets.len() > 1,
            deadline: 0,
            first_batch_bytes: 0,
            batch_bytes: 0,
            sql,
            parameters: None,
        };
        let mut frame = Writer::new();
        frame.raw(&execute.encode_head(&header, !sets.is_empty()));
        if let Some(first) = sets.first() {
            let mut batch = BatchWriter::new(first.len() as u32);
            sets.iter().flatten().for_each(|value| batch.push(value.as_ref()));
            batch.encode_rows(&mut frame, sets.len() as u32);
        }
        self.service.receive(frame.finish());
        self.request
    }

    fn collect(&mut self) {
        for frame in std::mem::take(&mut self.service.environment_mut().posted) {
            let (header, reply) = Reply::decode(&frame).unwrap();
            self.epoch = header.epoch;
            let got = match reply {
                Reply::Hello { .. } => continue,
                Reply::Opened { storage, journal_mode, settles_in } => {
                    self.settles_in = settles_in;
                    Got::Opened(storage, journal_mode.into())
                }
                Reply::Fates(fates) => Got::Fates(fates),
                Reply::Done { .. } => Got::Done,
                Reply::Error { error, .. } => Got::Error(error),
                Reply::Fatal { message } => panic!("{message}"),
                // How far it is; `Bench::ask` waits for the end.
                Reply::Progress { .. } => continue,
                other @ (Reply::Notice(_) | Reply::Returned { .. }) => panic!("{other:?}"),
                Reply::Rows(rows) => {
                    let cells: Vec<Value> = rows.batch.cells().map(|cell| cell.to_owned()).collect();
                    let width = rows.batch.columns().max(1) as usize;
                    Got::Rows(cells.chunks(width).map(<[Value]>::to_vec).collect(), rows.more)
                }
            };
            self.replies.entry(header.request).or_default().push(got);
        }
    }

    /// Takes turns until there is nothing to do now.
    pub fn settle(&mut self) -> Turn {
        loop {
            let turn = self.service.turn();
            if turn != Turn::Again {
                self.collect();
                return turn;
            }
        }
    }

    /// The replies to a request so far.
    pub fn take(&mut self, request: u64) -> Vec<Got> {
        self.settle();
        self.replies.remove(&request).unwrap_or_default()
    }

    /// The answer to a request; where files are needed for it, they are waited for.
    pub async fn ask(&mut self, connection: u32, request: &Request<'_>) -> Got {
        let id = self.send(connection, request);
        loop {
            if let Some(got) = self.take(id).pop() {
                return got;
            }
            let (path, is_scratch, result) = self.prepared.next().await.unwrap();
            if is_scratch {
                self.service.scratch_ready(&path, result);
            } else {
                self.service.files_ready(&path, result);
            }
        }
    }

    /// Runs a statement to its end.
    pub fn try_run(&mut self, connection: u32, sql: &str, sets: &[Vec<Value>]) -> Result<Vec<Vec<Value>>, Error> {
        let id = self.send_execute(connection, sql, Delivery::Buffered, sets);
        let mut all = Vec::new();
        let replies = self.take(id);
        assert!(!replies.is_empty(), "{sql}: no answer");
        for got in replies {
            match got {
                Got::Rows(rows, _) => all.extend(rows),
                Got::Error(error) => return Err(error),
                other => panic!("{other:?}"),
            }
        }
        Ok(all)
    }

    pub fn run(&mut self, connection: u32, sql: &str) -> Vec<Vec<Value>> {
        self.try_run(connection, sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub fn fail(&mut self, connection: u32, sql: &str) -> Error {
        self.try_run(connection, sql, &[]).expect_err(sql)
    }

    /// The only cell of the only row.
    pub fn scalar(&mut self, connection: u32, sql: &str) -> Value {
        let rows = self.run(connection, sql);
        assert_eq!((rows.len(), rows[0].len()), (1, 1), "{sql}");
        rows[0][0].clone()
    }

    pub fn commit(&mut self, connection: u32) {
        let id = self.send(connection, &Request::Transaction { op: TransactionOp::Commit, deadline: 0 });
        assert_eq!(self.take(id), [Got::Done]);
    }

    /// Closes connections; after the last one of a file, the file is free.
    pub fn close(&mut self, connections: std::ops::RangeInclusive<u32>) {
        for connection in connections {
            let id = self.send(connection, &Request::Close);
            assert_eq!(self.take(id), [Got::Done]);
        }
    }
}

//! Bytes in, bytes out.
#![forbid(unsafe_code)]

use crate::connection::{Connection, ConnectionKey};
use crate::database::Database;
use crate::execution::Execution;
use crate::job::{Job, Work, reply, reply_error};
use crate::scheduler::{SLICE_MS, TURN_MS, after_turn, rotate};
use crate::{Environment, Turn, sqlite};
use aludel_protocol::{
    Error, ErrorKind, Header, OpenOptions, PROTOCOL_VERSION, RepeatClass, Reply, Request, Result, Storage,
};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// The worker without its shell: takes request frames, posts reply frames.
#[derive(Debug)]
pub struct Service<H: Environment> {
    env: H,
    phase: Phase,
    databases: BTreeMap<u32, Database>,
    slots: BTreeMap<ConnectionKey, Slot>,
    /// The connections, in the order in which they get their turns.
    order: VecDeque<ConnectionKey>,
    last_database: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No Hello yet.
    Fresh,
    Serving,
    Down,
}

/// A connection that is open or opening, and the database that it belongs to.
#[derive(Debug)]
struct Slot {
    database: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    Opening { header: Header, options: OpenOptions, queue: VecDeque<Job> },
    Open(Box<Connection>),
}

impl<H: Environment> Service<H> {
    /// A service that runs in this environment.
    pub fn new(env: H) -> Service<H> {
        Service {
            env,
            phase: Phase::Fresh,
            databases: BTreeMap::new(),
            slots: BTreeMap::new(),
            order: VecDeque::new(),
            last_database: 0,
        }
    }

    /// The environment.
    pub fn environment_mut(&mut self) -> &mut H {
        &mut self.env
    }

    /// Takes a frame. Never panics, whatever the bytes; work that takes time waits for [`Service::turn`].
    pub fn receive(&mut self, frame: Vec<u8>) {
        let frame = Rc::new(frame);
        match Request::decode(&frame) {
            Ok((header, request)) => {
                if let Err(error) = self.take(&header, request, &frame) {
                    let in_transaction = self.in_transaction(&header);
                    reply_error(&mut self.env, &header, error, in_transaction);
                }
            }
            Err(error) => {
                let header = Header::peek(&frame).unwrap_or(Header::new(0, 0, 0, RepeatClass::Safe));
                let in_transaction = self.in_transaction(&header);
                reply_error(&mut self.env, &header, error, in_transaction);
            }
        }
    }

    fn in_transaction(&self, header: &Header) -> bool {
        let slot = self.slots.get(&key_of(header));
        matches!(slot.map(|slot| &slot.state), Some(State::Open(connection)) if connection.in_transaction())
    }

    fn take(&mut self, header: &Header, request: Request<'_>, frame: &Rc<Vec<u8>>) -> Result<()> {
        match (self.phase, &request) {
            (Phase::Down, _) => return Err(Error::new(ErrorKind::WorkerGone, "the worker was shut down")),
            (Phase::Fresh, Request::Hello { .. }) | (Phase::Serving, _) => {}
            (Phase::Fresh, _) => return Err(Error::new(ErrorKind::Protocol, "the first frame must be Hello")),
        }
        match request {
            Request::Hello { protocol, .. } => self.hello(header, protocol)?,
            Request::Open(options) => self.open(header, options)?,
            Request::Execute(execute) => {
                let work = Work::Execute(Box::new(Execution::new(&execute, frame)));
                self.enqueue(header, work, execute.deadline)?;
            }
            Request::Transaction { op, deadline } => self.enqueue(header, Work::Transaction(op), deadline)?,
            Request::Credit { stream, credits } => {
                if let Some((connection, ..)) = self.connection(header) {
                    connection.credit(stream, credits);
                }
            }
            Request::CloseStream { stream } => {
                if let Some((connection, database, env)) = self.connection(header) {
                    connection.close_stream(stream, database, env);
                }
            }
            Request::Cancel { request } => self.cancel(header, request),
            Request::Reset => self.enqueue(header, Work::Reset, 0)?,
            Request::Close => self.enqueue(header, Work::Close, 0)?,
            Request::Shutdown => {
                self.shut_down();
                reply(&mut self.env, header, &Reply::Done { in_transaction: false });
            }
            Request::Site { .. } => {}
            Request::Leave | Request::Fates(_) | Request::Watch { .. } | Request::Import(_) => {
                return Err(Error::new(ErrorKind::NotSupported, "this worker has no tabs"));
            }
        }
        Ok(())
    }

    fn hello(&mut self, header: &Header, protocol: u16) -> Result<()> {
        if protocol == 0 {
            return Err(Error::new(ErrorKind::Protocol, "there is no protocol version 0"));
        }
        self.phase = Phase::Serving;
        let hello = Reply::Hello {
            protocol: protocol.min(PROTOCOL_VERSION),
            version: env!("CARGO_PKG_VERSION"),
            sqlite_version: sqlite::version(),
        };
        reply(&mut self.env, header, &hello);
        Ok(())
    }

    fn open(&mut self, header: &Header, options: OpenOptions) -> Result<()> {
        let key = key_of(header);
        if key.id == 0 || self.slots.contains_key(&key) {
            let message = format!("connection {} cannot be opened: its number is taken", key.id);
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        let known = self.databases.iter().find(|(_, d)| d.storage == options.storage && d.path == options.path);
        let id = match known {
            Some((id, _)) => *id,
            None => {
                self.last_database = self.last_database.wrapping_add(1);
                self.databases.insert(self.last_database, Database::new(options.storage, &options.path));
                self.last_database
            }
        };
        let Some(database) = self.databases.get_mut(&id) else { return Ok(()) };
        database.connections += 1;
        if let Err(error) = database.prepare(&mut self.env, options.create) {
            self.leave(id);
            return Err(error);
        }
        let state = State::Opening { header: *header, options, queue: VecDeque::new() };
        self.slots.insert(key, Slot { database: id, state });
        self.order.push_back(key);
        Ok(())
    }

    fn enqueue(&mut self, header: &Header, work: Work, timeout: u32) -> Result<()> {
        let job = Job::new(*header, work, self.env.now(), timeout);
        match self.slots.get_mut(&key_of(header)).map(|slot| &mut slot.state) {
            Some(State::Opening { queue, .. }) => queue.push_back(job),
            Some(State::Open(connection)) => connection.enqueue(job),
            None => return Err(not_open(header.connection)),
        }
        Ok(())
    }

    fn connection(&mut self, header: &Header) -> Option<(&mut Connection, &mut Database, &mut dyn Environment)> {
        let slot = self.slots.get_mut(&key_of(header))?;
        let database = self.databases.get_mut(&slot.database)?;
        match &mut slot.state {
            State::Open(connection) => Some((connection, database, &mut self.env)),
            State::Opening { .. } => None,
        }
    }

    fn cancel(&mut self, header: &Header, request: u64) {
        let key = key_of(header);
        if let Some((connection, database, env)) = self.connection(header) {
            connection.cancel(request, database, env);
            return;
        }
        let Some(State::Opening { header, queue, .. }) = self.slots.get_mut(&key).map(|slot| &mut slot.state) else {
            return;
        };
        if header.request == request {
            self.abandon(key, &Error::new(ErrorKind::Cancelled, "the connection was cancelled while it opened"));
        } else if let Some(at) = queue.iter().position(|job| job.header.request == request && job.can_be_cancelled())
            && let Some(job) = queue.remove(at)
        {
            reply_error(&mut self.env, &job.header, job.cancelled(), false);
        }
    }

    /// Works for a few milliseconds, then says when to come back.
    pub fn turn(&mut self) -> Turn {
        let start = self.env.now();
        self.expire(start);
        let mut now = start;
        while let Some(key) = self.next() {
            self.run(key, (now + SLICE_MS).min(start + TURN_MS));
            now = self.env.now();
            if now >= start + TURN_MS {
                break;
            }
        }
        let runnable = self.slots.values().any(|slot| is_runnable(slot, &self.databases));
        let times = self.slots.values().map(|slot| match &slot.state {
            State::Open(connection) => connection.expires_at(),
            State::Opening { queue, .. } => queue.iter().map(Job::deadline).fold(f64::INFINITY, f64::min),
        });
        after_turn(runnable, times)
    }

    fn next(&mut self) -> Option<ConnectionKey> {
        let (slots, databases) = (&self.slots, &self.databases);
        rotate(&mut self.order, |key| slots.get(&key).is_some_and(|slot| is_runnable(slot, databases)))
    }

    fn run(&mut self, key: ConnectionKey, end: f64) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let Some(database) = self.databases.get_mut(&slot.database) else { return };
        match &mut slot.state {
            State::Open(connection) => {
                connection.run(database, &mut self.env, end);
                if connection.is_closed() {
                    self.abandon(key, &not_open(key.id));
                }
            }
            State::Opening { header, options, queue } => match database.connect(options) {
                Ok((db, journal_mode)) => {
                    let opened = Reply::Opened { storage: options.storage, journal_mode: &journal_mode, settles_in: 0 };
                    reply(&mut self.env, header, &opened);
                    slot.state = State::Open(Box::new(Connection::new(key, db, options, std::mem::take(queue))));
                }
                Err(error) => self.abandon(key, &error),
            },
        }
    }

    fn expire(&mut self, now: f64) {
        for slot in self.slots.values_mut() {
            let Some(database) = self.databases.get_mut(&slot.database) else { continue };
            match &mut slot.state {
                State::Open(connection) if connection.expires_at() <= now => {
                    connection.expire(now, database, &mut self.env);
                }
                State::Opening { queue, .. } if queue.iter().any(|job| job.deadline() <= now) => {
                    let (late, kept) = std::mem::take(queue).into_iter().partition(|job| job.deadline() <= now);
                    *queue = kept;
                    let late: VecDeque<Job> = late;
                    late.iter().for_each(|job| reply_error(&mut self.env, &job.header, job.timed_out(), false));
                }
                State::Open(_) | State::Opening { .. } => {}
            }
        }
    }

    /// Ends a connection. A request that opened it is answered with `error`; requests that are left hear that it is not
    /// open, and why.
    fn abandon(&mut self, key: ConnectionKey, error: &Error) {
        let Some(slot) = self.slots.remove(&key) else { return };
        self.order.retain(|other| *other != key);
        let why = |job: &Job| match error.kind() {
            ErrorKind::ResourceClosed | ErrorKind::WorkerGone => error.clone().with_statement(job.sql()),
            _ => not_open(key.id).with_statement(job.sql()).with_cause(error.clone()),
        };
        match slot.state {
            State::Opening { header, queue, .. } => {
                reply_error(&mut self.env, &header, error.clone(), false);
                queue.iter().for_each(|job| reply_error(&mut self.env, &job.header, why(job), false));
            }
            State::Open(mut connection) => connection.abandon(&mut self.env, why),
        }
        if let Some(database) = self.databases.get_mut(&slot.database) {
            database.lock.forget(key, self.env.now());
        }
        self.leave(slot.database);
    }

    fn leave(&mut self, id: u32) {
        let Some(database) = self.databases.get_mut(&id) else { return };
        database.connections = database.connections.saturating_sub(1);
        self.end_if_over(id);
    }

    fn end_if_over(&mut self, id: u32) {
        if let Some(database) = self.databases.get_mut(&id)
            && database.is_over()
        {
            database.release(&mut self.env);
            self.databases.remove(&id);
        }
    }

    /// Tells that the files of an OPFS database are ready, or why not.
    pub fn files_ready(&mut self, path: &str, result: Result<()>) {
        let known = self.databases.iter_mut().find(|(_, d)| d.storage == Storage::Opfs && d.path == path);
        let Some((id, database)) = known else {
            // Everyone who waited for them has gone.
            if result.is_ok() {
                self.env.release_files(path);
            }
            return;
        };
        let id = *id;
        database.prepared(result.is_ok());
        self.end_if_over(id);
        if let Err(error) = result {
            let keys: Vec<_> = self.slots.iter().filter(|(_, slot)| slot.database == id).map(|(key, _)| *key).collect();
            keys.into_iter().for_each(|key| self.abandon(key, &error));
        }
    }

    fn shut_down(&mut self) {
        self.phase = Phase::Down;
        let error = Error::new(ErrorKind::WorkerGone, "the worker was shut down");
        let keys: Vec<_> = self.slots.keys().copied().collect();
        keys.into_iter().for_each(|key| self.abandon(key, &error));
        for (_, mut database) in std::mem::take(&mut self.databases) {
            database.release(&mut self.env);
        }
    }
}

impl<H: Environment> Drop for Service<H> {
    fn drop(&mut self) {
        self.slots.clear();
        for (_, mut database) in std::mem::take(&mut self.databases) {
            database.release(&mut self.env);
        }
    }
}

fn is_runnable(slot: &Slot, databases: &BTreeMap<u32, Database>) -> bool {
    let Some(database) = databases.get(&slot.database) else { return false };
    match &slot.state {
        State::Open(connection) => connection.is_runnable(database),
        State::Opening { .. } => database.is_ready(),
    }
}

fn key_of(header: &Header) -> ConnectionKey {
    ConnectionKey { client: header.client, id: header.connection }
}

fn not_open(id: u32) -> Error {
    Error::new(ErrorKind::ResourceClosed, format!("connection {id} is not open"))
}

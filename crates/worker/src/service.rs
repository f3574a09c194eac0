//! Bytes in, bytes out.
#![forbid(unsafe_code)]

mod at_once;
mod attachments;
mod clients;
mod files;
mod procedures;
mod slices;
mod upkeep;

use crate::connection::{Connection, ConnectionKey, Neighbour, cannot_open, or_forever};
use crate::database::Database;
use crate::execution::Execution;
use crate::import;
use crate::job::{Job, Work, reply, reply_error};
use crate::scheduler::{SLICE_MS, TURN_MS, after_turn, rotate};
use crate::sqlite::ffi;
use crate::{Environment, Turn, sqlite};
use aludel_protocol::{Error, ErrorKind, Header, OpenOptions, RepeatClass, Reply, Request, Result, SortedMap, Storage};
use clients::{Client, Shutdown, host_lost, is_stale, shut_down};
use slices::Slices;
use std::collections::VecDeque;
use std::rc::Rc;

/// The worker without its shell: takes request frames, posts reply frames.
#[derive(Debug)]
pub struct Service<H: Environment> {
    env: H,
    clients: SortedMap<u64, Client>,
    /// Who shut it down.
    down: Option<Shutdown>,
    slices: Slices,
    databases: SortedMap<u32, Database>,
    slots: SortedMap<ConnectionKey, Slot>,
    /// The connections, in the order in which they get their turns.
    order: VecDeque<ConnectionKey>,
    last_database: u32,
    /// The epochs of databases that it hosted before, by their storage and path.
    epochs: SortedMap<(u8, String), u32>,
}

/// A connection that is open or opening, and the database that it belongs to.
#[derive(Debug)]
struct Slot {
    database: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    Opening { header: Header, options: OpenOptions, queue: VecDeque<Job>, locked: Option<Locked> },
    Open(Box<Connection>),
}

/// It found the database locked.
#[derive(Clone, Copy, Debug)]
struct Locked {
    since: f64,
    /// How often a lock had been given up then.
    releases: u64,
}

impl Slot {
    fn opened(&self) -> Option<&Connection> {
        match &self.state {
            State::Open(connection) => Some(connection),
            State::Opening { .. } => None,
        }
    }
}

impl<H: Environment> Service<H> {
    /// A service that runs in this environment.
    pub fn new(env: H) -> Service<H> {
        Service {
            env,
            clients: SortedMap::new(),
            down: None,
            slices: Slices::default(),
            databases: SortedMap::new(),
            slots: SortedMap::new(),
            order: VecDeque::new(),
            last_database: 0,
            epochs: SortedMap::new(),
        }
    }

    /// The environment.
    pub fn environment_mut(&mut self) -> &mut H {
        &mut self.env
    }

    /// Takes a frame. Never panics, whatever the bytes; work that takes time waits for [`Service::turn`].
    pub fn receive(&mut self, frame: Vec<u8>) {
        self.receive_from(0, frame);
    }

    /// As [`Service::receive`]. `sender` is known to have sent the frame, and is answered also where its header cannot be
    /// read: nobody else is to hear that.
    pub fn receive_from(&mut self, sender: u64, frame: Vec<u8>) {
        self.slices.hears();
        let header = match Header::peek(&frame) {
            Ok(header) => header,
            Err(error) => {
                return self.refuse(Header { client: sender, ..Header::new(0, 0, 0, RepeatClass::Safe) }, error);
            }
        };
        let Some(frame) = self.holds(header.client, frame) else { return };
        let frame = Rc::new(frame);
        match Request::decode(&frame) {
            Ok((header, request)) => {
                if let Err(error) = self.take(&header, request, &frame) {
                    self.refuse(header, error);
                }
            }
            Err(error) => self.refuse(header, error),
        }
    }

    fn refuse(&mut self, header: Header, error: Error) {
        let in_transaction = self.in_transaction(&header);
        let header = Header { epoch: self.epoch(&header).unwrap_or(header.epoch), ..header };
        reply_error(&mut self.env, &header, error, in_transaction);
    }

    fn in_transaction(&self, header: &Header) -> bool {
        let slot = self.slots.get(&key_of(header));
        matches!(slot.map(|slot| &slot.state), Some(State::Open(connection)) if connection.in_transaction())
    }

    fn take(&mut self, header: &Header, request: Request<'_>, frame: &Rc<Vec<u8>>) -> Result<()> {
        if let Some(down) = &self.down {
            return Err(shut_down(down.by == header.client));
        }
        if let Request::Hello { protocol, version } = request {
            return self.hello(header, protocol, version);
        }
        if !self.clients.contains_key(&header.client) {
            return Err(Error::new(ErrorKind::Protocol, "the first frame must be Hello"));
        }
        if let Request::Leave = request {
            self.drop_client(header.client);
            self.say_farewell(header);
            return Ok(());
        }
        if let Some(epoch) = self.epoch(header).filter(|epoch| is_stale(header, *epoch)) {
            return match request {
                // They are not answered, and what they were about went with its host.
                Request::Credit { .. }
                | Request::CloseStream { .. }
                | Request::Cancel { .. }
                | Request::Site { .. } => Ok(()),
                _ => Err(host_lost(epoch)),
            };
        }
        match request {
            Request::Hello { .. } | Request::Leave => {}
            Request::Open(options) => self.open(header, options)?,
            Request::Execute(execute) => {
                let work = Work::Execute(Box::new(Execution::new(&execute, frame)));
                self.enqueue(header, work, execute.deadline)?;
            }
            Request::Transaction { op, deadline } => self.enqueue(header, Work::Transaction(op), deadline)?,
            Request::Credit { stream, credits } => self.credit(header, stream, credits),
            Request::CloseStream { stream } => self.close_stream(header, stream),
            Request::Cancel { request } => self.cancel(header, request),
            Request::Reset => self.enqueue(header, Work::Reset, 0)?,
            Request::Close => self.enqueue(header, Work::Close, 0)?,
            Request::Shutdown => self.shut_down(header),
            Request::Watch { changes } => {
                self.clients.or_insert_with(header.client, Client::default).watches = changes;
                let in_transaction = self.in_transaction(header);
                reply(&mut self.env, header, &Reply::Done { in_transaction });
            }
            Request::Site { text } => self.take_site(key_of(header), text),
            Request::Import(step) => self.enqueue(header, Work::Import(import::Step::new(step, frame)), 0)?,
            Request::Fates(requests) => self.enqueue(header, Work::Fates(requests), 0)?,
            Request::Procedure(call) => self.take_procedure(header, &call)?,
        }
        Ok(())
    }

    fn open(&mut self, header: &Header, options: OpenOptions) -> Result<()> {
        let key = key_of(header);
        if key.id == 0 || self.slots.contains_key(&key) {
            let message = format!("connection {} cannot be opened: its number is taken", key.id);
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        let id = self.database(options.storage, &options.path);
        let Some(database) = self.databases.get_mut(&id) else { return Ok(()) };
        database.connections += 1;
        if let Err(error) = database.prepare(&mut self.env, options.create, header.client != 0) {
            self.leave(id);
            return Err(error);
        }
        let state = State::Opening { header: *header, options, queue: VecDeque::new(), locked: None };
        self.slots.insert(key, Slot { database: id, state });
        self.order.push_back(key);
        Ok(())
    }

    fn opened(&mut self, key: ConnectionKey) -> Option<&mut Connection> {
        match self.slots.get_mut(&key).map(|slot| &mut slot.state) {
            Some(State::Open(connection)) => Some(connection),
            Some(State::Opening { .. }) | None => None,
        }
    }

    fn enqueue(&mut self, header: &Header, work: Work, timeout: u32) -> Result<()> {
        let Some(slot) = self.slots.get_mut(&key_of(header)) else { return Err(not_open(header.connection)) };
        let database = self.databases.get(&slot.database);
        if let Some(marks) = database.and_then(|database| database.marks.as_ref()) {
            marks.arrived(header);
        }
        let epoch = database.and_then(Database::epoch);
        let header = Header { epoch: epoch.unwrap_or(header.epoch), ..*header };
        let job = Job::new(header, work, self.env.now(), timeout);
        match &mut slot.state {
            State::Opening { queue, .. } => queue.push_back(job),
            State::Open(connection) => connection.enqueue(job),
        }
        Ok(())
    }

    /// Works for a few milliseconds, then says when to come back.
    pub fn turn(&mut self) -> Turn {
        let start = self.env.now();
        self.look_out(start);
        self.expire(start);
        self.look_after_logs(start);
        let mut now = start;
        while !self.has_stepping()
            && !self.owes_slice(now)
            && let Some(key) = self.next()
        {
            self.run(key, now + SLICE_MS);
            now = self.env.now();
            self.env.hurry(now);
            self.look_after_logs(now);
            // A slice is not cut short: with a fixed number of slices in a turn, it would be the same one's each time.
            if now + SLICE_MS / 2.0 >= start + TURN_MS {
                break;
            }
        }
        let runnable = self.slots.values().any(|slot| is_runnable(slot, &self.databases));
        if !runnable && self.is_whole() {
            self.use_idle_time(now);
        }
        let look_out_at = self.look_out(now);
        self.tell_commits();
        let times = self.slots.values().map(|slot| match &slot.state {
            State::Open(connection) => connection.expires_at(),
            State::Opening { options, queue, locked, .. } => {
                queue.iter().map(Job::deadline).fold(locked_until(options, *locked), f64::min)
            }
        });
        let turn = after_turn(runnable, times.chain([self.logs_due(), look_out_at]));
        self.after_slices(turn, now)
    }

    fn next(&mut self) -> Option<ConnectionKey> {
        let (slots, databases) = (&self.slots, &self.databases);
        rotate(
            &mut self.order,
            |key| key.client,
            |key| slots.get(&key).is_some_and(|slot| is_runnable(slot, databases)),
        )
    }

    fn run(&mut self, key: ConnectionKey, end: f64) {
        let Some(slot) = self.slots.get_mut(&key) else { return };
        let Some(database) = self.databases.get_mut(&slot.database) else { return };
        match &mut slot.state {
            State::Open(connection) => {
                let lends = self.slices.on;
                if let Some(stepping) = connection.run(database, &mut self.env, end, lends) {
                    self.lend(key, stepping);
                } else if connection.is_closed() {
                    self.abandon(key, &not_open(key.id));
                } else {
                    self.look_after_attachments(key);
                }
            }
            State::Opening { header, options, queue, locked } => match connect(database, header, options) {
                Ok((db, journal_mode)) => {
                    self.slices.opened(&db);
                    // A client that has lost its host opens its connections again: there is a database then.
                    if let Some(marks) = database.marks.as_ref().filter(|_| options.create) {
                        marks.met(header.client);
                    }
                    let epoch = database.epoch().unwrap_or_default();
                    header.epoch = epoch;
                    for job in std::mem::take(queue) {
                        if is_stale(&job.header, epoch) {
                            let header = Header { epoch, ..job.header };
                            reply_error(&mut self.env, &header, host_lost(epoch).with_statement(job.sql()), false);
                        } else {
                            queue.push_back(job.of_epoch(epoch));
                        }
                    }
                    if let Some(marks) = &database.marks {
                        queue.iter().for_each(|job| marks.arrived(&job.header));
                    }
                    let settles_in = database.settles_in(&self.env);
                    let opened = Reply::Opened { storage: options.storage, journal_mode: &journal_mode, settles_in };
                    reply(&mut self.env, header, &opened);
                    slot.state = State::Open(Box::new(Connection::new(key, db, options, std::mem::take(queue))));
                    let id = slot.database;
                    self.set_log_limit(id);
                }
                outcome if Connection::is_locked(&outcome) => {
                    let since = locked.map_or(end - SLICE_MS, |locked| locked.since);
                    *locked = Some(Locked { since, releases: database.lock.releases() });
                }
                Err(error) => self.abandon(key, &error),
            },
        }
    }

    fn expire(&mut self, now: f64) {
        let (mut late_ones, mut locked_out) = (Vec::new(), Vec::new());
        let near = self.neighbours(now);
        for (key, slot) in self.slots.iter_mut() {
            let Some(database) = self.databases.get_mut(&slot.database) else { continue };
            match &mut slot.state {
                State::Open(connection) if connection.expires_at() <= now => {
                    connection.expire(now, slot.database, database, &near, &mut self.env);
                    late_ones.push(*key);
                }
                State::Opening { options, locked, .. } if locked_until(options, *locked) <= now => {
                    let busy = Error::new(ErrorKind::Operational, "database is locked");
                    let busy = busy.with_sqlite_code(ffi::SQLITE_BUSY).with_retryable(true);
                    locked_out.push((*key, cannot_open(&busy, *key, (slot.database, database), &near, now)));
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
        late_ones.into_iter().for_each(|key| self.look_after_attachments(key));
        locked_out.into_iter().for_each(|(key, error)| self.abandon(key, &error));
    }

    /// All connections as others see them, if there is somebody who has waited too long for one of them.
    fn neighbours(&self, now: f64) -> Vec<Neighbour> {
        let late = self.slots.values().any(|slot| match &slot.state {
            State::Open(connection) => connection.expires_at() <= now,
            State::Opening { options, locked, .. } => locked_until(options, *locked) <= now,
        });
        if late { self.all_neighbours() } else { Vec::new() }
    }

    fn all_neighbours(&self) -> Vec<Neighbour> {
        self.slots.values().filter_map(|slot| Some(Neighbour::of(slot.database, slot.opened()?))).collect()
    }

    /// Ends a connection. A request that opened it is answered with `error`; requests that are left hear that it is not
    /// open, and why.
    fn abandon(&mut self, key: ConnectionKey, error: &Error) {
        if self.leaves_later(key, error) {
            return;
        }
        let Some(slot) = self.slots.remove(&key) else { return };
        let now = self.env.now();
        self.order.retain(|other| *other != key);
        let why = |job: &Job| match error.kind() {
            ErrorKind::ResourceClosed | ErrorKind::WorkerGone | ErrorKind::HostLost => {
                error.clone().with_statement(job.sql())
            }
            _ => not_open(key.id).with_statement(job.sql()).with_cause(error.clone()),
        };
        let mut attached = Vec::new();
        match slot.state {
            State::Opening { header, queue, .. } => {
                reply_error(&mut self.env, &header, error.clone(), false);
                queue.iter().for_each(|job| reply_error(&mut self.env, &job.header, why(job), false));
            }
            State::Open(mut connection) => {
                connection.abandon(&mut self.env, why);
                if let Some(database) = self.databases.get_mut(&slot.database) {
                    connection.hand_over_commits(database, now);
                }
                attached = connection.attached_databases();
            }
        }
        if let Some(database) = self.databases.get_mut(&slot.database) {
            database.lock.forget(key, now);
            database.writers.observe(key, false, now);
            database.scratches.leave(key);
        }
        self.set_log_limit(slot.database);
        for id in attached {
            if let Some(database) = self.databases.get(&id) {
                database.writers.observe(key, false, now);
            }
            self.leave(id);
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
            if let Some(epoch) = database.epoch() {
                self.epochs.insert((database.storage as u8, database.path.clone()), epoch);
            }
            database.release(&mut self.env);
            // Somebody may want to know of its last commits.
            self.tell_commits();
            self.databases.remove(&id);
        }
    }

    /// How large the log of a database is, as a file in bytes; nothing where the database is not open.
    pub fn log_bytes(&self, storage: Storage, path: &str) -> Option<u64> {
        let known = self.databases.values().find(|d| d.storage == storage && d.path == path);
        known.map(Database::log_file_bytes)
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

fn is_runnable(slot: &Slot, databases: &SortedMap<u32, Database>) -> bool {
    let Some(database) = databases.get(&slot.database) else { return false };
    match &slot.state {
        State::Open(connection) => connection.is_runnable(database),
        State::Opening { locked, .. } => {
            database.is_ready() && locked.is_none_or(|locked| locked.releases < database.lock.releases())
        }
    }
}

/// When a connection that found the database locked is no more waited for.
fn locked_until(options: &OpenOptions, locked: Option<Locked>) -> f64 {
    locked.map_or(f64::INFINITY, |locked| locked.since + or_forever(options.lock_timeout))
}

fn connect(database: &mut Database, header: &Header, options: &OpenOptions) -> Result<(sqlite::Connection, String)> {
    match database.epoch() {
        Some(epoch) if is_stale(header, epoch) => Err(host_lost(epoch)),
        _ => database.connect(options),
    }
}

fn key_of(header: &Header) -> ConnectionKey {
    ConnectionKey { client: header.client, id: header.connection }
}

fn not_open(id: u32) -> Error {
    Error::new(ErrorKind::ResourceClosed, format!("connection {id} is not open"))
}

//! What the service does unasked: seeing to the logs, saying who holds others up, and telling of commits.

use super::{Service, Slot, State};
use crate::Environment;
use crate::blocked::{Step, Suspect};
use crate::connection::ConnectionKey;
use crate::job::reply;
use crate::log::Hold;
use aludel_protocol::{Blocked, Error, ErrorKind, Header, Notice, Obstacle, Party, RepeatClass, Reply, SortedMap};

/// Who waits when the log does.
const NOBODY: Party = Party { client: 0, connection: 0 };

/// Somebody waits.
struct Wait {
    obstacle: Obstacle,
    /// Nobody when the log does.
    by: Option<ConnectionKey>,
    since: f64,
    log_bytes: u64,
    /// Whom it concerns beside the two: where the log waits, everyone who uses the database.
    all: Vec<u64>,
}

impl Wait {
    /// Does what is due about whom it waits for, and says when to look again.
    fn look(&self, suspect: &mut Suspect<ConnectionKey>, epoch: u32, now: f64, env: &mut dyn Environment) -> f64 {
        let holder = suspect.holder();
        if self.by == Some(holder) {
            return f64::INFINITY;
        }
        let told = self.by.unwrap_or(holder).client;
        let ms = |since: f64| (now - since).max(0.0) as u32;
        let mut post = |client: u64, connection: u32, notice: Notice| {
            let header = Header { client, ..Header::new(epoch, 0, connection, RepeatClass::Safe) };
            reply(env, &header, &Reply::Notice(notice));
        };
        loop {
            match suspect.step(told, self.since, now) {
                Step::Wait(until) => return until,
                Step::Ask => post(holder.client, holder.id, Notice::Holding),
                Step::Tell => {
                    let blocked = Blocked {
                        obstacle: self.obstacle,
                        waiter: self.by.map_or(NOBODY, party),
                        waited: ms(self.since),
                        holder: party(holder),
                        held: ms(suspect.since()),
                        site: suspect.site().map(str::to_owned),
                        log_bytes: self.log_bytes,
                    };
                    let mut whom = vec![told];
                    for client in std::iter::once(holder.client).chain(self.all.iter().copied()) {
                        if !whom.contains(&client) {
                            whom.push(client);
                        }
                    }
                    whom.into_iter().for_each(|client| post(client, 0, Notice::Blocked(blocked.clone())));
                }
            }
        }
    }
}

fn party(key: ConnectionKey) -> Party {
    Party { client: key.client, connection: key.id }
}

impl<H: Environment> Service<H> {
    /// Copies logs that have grown long, and sees to it that they can begin anew.
    pub(super) fn look_after_logs(&mut self, now: f64) {
        let mut ended = Vec::new();
        for (id, database) in self.databases.iter_mut() {
            if database.log.is_overdue() {
                self.env.flush();
                database.checkpoint(false);
            }
            database.log.hold_if_large(now);
            if !database.log.holds_back() {
                continue;
            }
            match database.log.end_hold(snapshots(&self.slots, *id).count(), now) {
                Some(Hold::Empty) => {
                    self.env.flush();
                    database.checkpoint(true);
                    database.lingers = None;
                }
                Some(Hold::InVain) => {
                    database.checkpoint(false);
                    // Whoever may write holds nobody up but those who wait for that.
                    let writer = database.lock.holder().map(|(key, _)| key);
                    let oldest = snapshots(&self.slots, *id)
                        .filter(|(key, _)| Some(*key) != writer)
                        .min_by(|(_, a), (_, b)| a.total_cmp(b));
                    let Some((key, since)) = oldest else { continue };
                    if !database.lingers.as_ref().is_some_and(|(known, _)| known.is(key, since)) {
                        database.lingers = Some((Suspect::new(key, since), now));
                    }
                    if database.log.is_over()
                        && let Some(Slot { state: State::Open(connection), .. }) = self.slots.get_mut(&key)
                    {
                        let error = held_up_the_log(now - since, database.log.bytes(), database.log.limit());
                        connection.end_transaction(&error, database, &mut self.env);
                        database.log.freed();
                        database.log.hold_if_large(now);
                        ended.push(key);
                    }
                }
                None => {}
            }
        }
        ended.into_iter().for_each(|key| self.look_after_attachments(key));
    }

    /// Copies logs in the time that nobody needs for anything else.
    pub(super) fn use_idle_time(&mut self, now: f64) {
        let mut copied = false;
        for database in self.databases.values_mut().filter(|database| database.log.due() <= now) {
            self.env.flush();
            database.checkpoint(false);
            copied = true;
        }
        if copied {
            // A log that waited to be copied may be one that somebody keeps from beginning anew.
            self.look_after_logs(now);
        }
    }

    /// Says who holds others up, when that has gone on for long enough, and when to look again.
    pub(super) fn look_out(&mut self, now: f64) -> f64 {
        let mut again = f64::INFINITY;
        for (id, database) in self.databases.iter_mut() {
            let epoch = database.epoch().unwrap_or_default();
            let connection = |key: ConnectionKey| self.slots.get(&key).and_then(Slot::opened);
            let waiting: Vec<_> = database.lock.waiting().collect();
            let holder =
                database.lock.holder().filter(|(holder, _)| waiting.iter().any(|(waiter, _)| waiter != holder));
            let known = database.locks.take();
            database.locks = holder.map(|(holder, since)| {
                let known = known.filter(|suspect| suspect.is(holder, since));
                let mut suspect = known.unwrap_or_else(|| Suspect::new(holder, since));
                suspect.idle_since = connection(holder).and_then(|connection| connection.idle_since());
                suspect
            });
            if let Some(suspect) = &mut database.locks {
                for (waiter, since) in waiting {
                    let wait =
                        Wait { obstacle: Obstacle::WriteLock, by: Some(waiter), since, log_bytes: 0, all: vec![] };
                    again = again.min(wait.look(suspect, epoch, now, &mut self.env));
                }
            }
            let log_bytes = database.log.bytes();
            database.lingers.take_if(|(suspect, _)| {
                let lingers = connection(suspect.holder()).and_then(|connection| connection.snapshot_since());
                lingers != Some(suspect.since())
            });
            if let Some((suspect, since)) = &mut database.lingers {
                // Whether it reads or forgot to, it keeps the log.
                suspect.idle_since = Some(suspect.since());
                let users = self.slots.iter().filter(|(_, slot)| slot.database == *id);
                let all = users.map(|(key, _)| key.client).collect();
                let wait = Wait { obstacle: Obstacle::Snapshot, by: None, since: *since, log_bytes, all };
                again = again.min(wait.look(suspect, epoch, now, &mut self.env));
            }
        }
        again
    }

    /// Takes note of where a client says that a connection was taken.
    pub(super) fn take_site(&mut self, key: ConnectionKey, site: &str) {
        let suspects = self.databases.values_mut().flat_map(|database| database.suspects());
        suspects.filter(|suspect| suspect.holder() == key).for_each(|suspect| suspect.answer(site));
    }

    /// When there is something to do for a log, if nothing else happens.
    pub(super) fn logs_due(&self) -> f64 {
        let times = self.databases.values().map(|database| database.log.due().min(database.log.held_until()));
        times.fold(f64::INFINITY, f64::min)
    }

    /// Finds out how large the log of a database may grow, after a connection came or went.
    pub(super) fn set_log_limit(&mut self, id: u32) {
        let limits = self.slots.values().filter(|slot| slot.database == id).filter_map(Slot::opened);
        let limit = limits.map(|connection| connection.log_limit()).min().unwrap_or(u64::MAX);
        if let Some(database) = self.databases.get_mut(&id) {
            database.log.set_limit(limit);
        }
    }

    /// Tells everyone who watches what was committed in this turn. The replies to those commits have been posted.
    pub(super) fn tell_commits(&mut self) {
        let watchers: Vec<u64> = self.watchers().collect();
        for database in self.databases.values_mut() {
            let commits = database.take_untold();
            if commits.is_empty() {
                continue;
            }
            let notice = Notice::Changed(commits);
            for client in &watchers {
                let epoch = database.epoch().unwrap_or_default();
                let header = Header { client: *client, ..Header::new(epoch, 0, 0, RepeatClass::Safe) };
                reply(&mut self.env, &header, &Reply::Notice(notice.clone()));
            }
        }
    }
}

/// The connections that read from a snapshot, and since when.
fn snapshots(slots: &SortedMap<ConnectionKey, Slot>, database: u32) -> impl Iterator<Item = (ConnectionKey, f64)> {
    let of_it = slots.iter().filter(move |(_, slot)| slot.database == database);
    of_it.filter_map(|(key, slot)| Some((*key, slot.opened()?.snapshot_since()?)))
}

fn held_up_the_log(age: f64, bytes: u64, limit: u64) -> Error {
    let message = format!(
        "the transaction was ended: it had read from the same snapshot for {age:.0} ms, and the log, which has to be kept \
         for it, has grown to {bytes} bytes (logLimit: {limit})"
    );
    Error::new(ErrorKind::Operational, message).with_retryable(true)
}

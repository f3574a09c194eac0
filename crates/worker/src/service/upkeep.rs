//! What the service does unasked: seeing to the logs, and telling of commits.

use super::{Service, Slot, State};
use crate::Environment;
use crate::connection::ConnectionKey;
use crate::job::reply;
use crate::log::Hold;
use aludel_protocol::{Error, ErrorKind, Header, Notice, RepeatClass, Reply};
use std::collections::BTreeMap;

impl<H: Environment> Service<H> {
    /// Copies logs that have grown long, and sees to it that they can begin anew.
    pub(super) fn look_after_logs(&mut self, now: f64) {
        for (id, database) in &mut self.databases {
            if database.log.is_long() {
                database.checkpoint(false);
            }
            database.log.hold_if_large(now);
            if !database.log.holds_back() {
                continue;
            }
            match database.log.end_hold(snapshots(&self.slots, *id).count(), now) {
                Some(Hold::Empty) => database.checkpoint(true),
                Some(Hold::InVain) => {
                    database.checkpoint(false);
                    // Whoever may write holds nobody up but those who wait for that.
                    let writer = database.lock.holder().map(|(key, _)| key);
                    let oldest = snapshots(&self.slots, *id)
                        .filter(|(key, _)| Some(*key) != writer)
                        .min_by(|(_, a), (_, b)| a.total_cmp(b));
                    if let Some((key, since)) = oldest
                        && database.log.is_over()
                        && let Some(Slot { state: State::Open(connection), .. }) = self.slots.get_mut(&key)
                    {
                        let error = held_up_the_log(now - since, database.log.bytes(), database.log.limit());
                        connection.end_transaction(&error, database, &mut self.env);
                        database.log.freed();
                        database.log.hold_if_large(now);
                    }
                }
                None => {}
            }
        }
    }

    /// Copies logs in the time that nobody needs for anything else.
    pub(super) fn use_idle_time(&mut self, now: f64) {
        for database in self.databases.values_mut().filter(|database| database.log.due() <= now) {
            database.checkpoint(false);
        }
    }

    /// When there is something to do unasked.
    pub(super) fn upkeep_at(&self) -> f64 {
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
fn snapshots(slots: &BTreeMap<ConnectionKey, Slot>, database: u32) -> impl Iterator<Item = (ConnectionKey, f64)> {
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

//! Who waits for the write lock, and who may have it: writers get it in the order in which they came for it.

use super::{Connection, Judged, Key, Model, Sent, Tx, wrong};
use crate::history::ask::Ask;
use aludel_protocol::BeginMode;
use std::collections::BTreeMap;

impl Model {
    /// Everything has come to rest. Whoever is first in the line of its connection and not answered waits for the write lock, which
    /// somebody has to hold.
    pub fn rest(&self, last: u64, sent: &mut BTreeMap<u64, Sent>) -> Judged {
        let mut seen: Vec<Key> = vec![];
        let is_held = self.connections.values().any(Connection::may_hold_lock);
        for (id, sent) in sent.iter_mut() {
            if sent.ask.is_stream() && self.has_shown(sent.key, *id) {
                // It waits for credits, beside the line.
                continue;
            }
            if seen.contains(&sent.key) {
                continue;
            }
            seen.push(sent.key);
            if !self.wants_lock(sent) {
                continue;
            }
            if !is_held {
                return wrong(format!("{id} waits for a lock that nobody holds: {sent:?}"));
            }
            sent.waits.get_or_insert(last);
        }
        Ok(())
    }

    /// Somebody got the lock by this request: nobody waited for it when that was asked.
    pub fn check_order(&self, id: u64, key: Key, sent: &BTreeMap<u64, Sent>) -> Judged {
        let now = self.now;
        let is_before = |(_, sent): &(&u64, &Sent)| {
            // Whose time is over may have been told so in this very turn.
            let timeout = self.connections.get(&sent.key).map_or(0.0, |connection| connection.lock_timeout);
            let in_time = now < sent.deadline && now < sent.at + timeout;
            let waited = sent.waits.is_some_and(|last| last < id);
            waited && sent.key != key && !sent.cancelled && in_time && self.wants_lock(sent)
        };
        match sent.iter().find(is_before) {
            Some((other, before)) => wrong(format!("{key:?} got the lock before {other}, which waited: {before:?}")),
            None => Ok(()),
        }
    }

    /// Whether a request has nothing to do but to get the write lock, and cannot fail to for the age of its snapshot.
    fn wants_lock(&self, sent: &Sent) -> bool {
        let Some(connection) = self.connections.get(&sent.key) else { return false };
        // Where the log is limited, who begins may be held back until it was merged.
        let is_fresh = matches!(connection.tx, Tx::None) && connection.streams.is_empty() && !connection.log_limited;
        let locks = match &sent.ask {
            Ask::Begin(mode) | Ask::Savepoint(_, mode) => matches!(mode, BeginMode::Immediate | BeginMode::Exclusive),
            Ask::Write { begin, .. } => !matches!(begin, BeginMode::Deferred),
            _ => false,
        };
        is_fresh && locks
    }
}

impl Connection {
    /// Whether it holds the write lock, or nobody can tell.
    fn may_hold_lock(&self) -> bool {
        match &self.tx {
            Tx::None => false,
            Tx::Ended => true,
            Tx::Open { own, .. } => own.is_some() || self.has_failed,
        }
    }
}

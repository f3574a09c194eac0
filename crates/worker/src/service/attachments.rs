//! Files that connections attach: databases of the service like any other, for as long as somebody has them attached.

use super::{Service, State};
use crate::Environment;
use crate::connection::{Connection, ConnectionKey, cannot_open};
use aludel_protocol::{Durability, OpenOptions, Result};

impl<H: Environment> Service<H> {
    /// To be called after a connection ran: makes ready what it wants to attach, and gives up what it has detached.
    pub(super) fn look_after_attachments(&mut self, key: ConnectionKey) {
        let Some(connection) = self.opened(key) else { return };
        let released = connection.take_released();
        let commits = connection.take_attached_commits();
        let freed = connection.take_freed();
        let wanted = connection.wanted().filter(|wanted| wanted.database.is_none()).map(|wanted| wanted.path.clone());
        let now = self.env.now();
        for (id, frames) in commits {
            if let Some(database) = self.databases.get_mut(&id) {
                database.log.committed(frames, database.log_salts());
                database.writers.committed(key, now);
                database.log.touch(now);
            }
        }
        // Whoever waits for a lock of one database may wait in the queue of another.
        if freed && self.databases.len() > 1 {
            self.databases.values_mut().for_each(|database| database.lock.released());
        }
        released.into_iter().for_each(|id| self.leave(id));
        if let Some(path) = wanted {
            self.make_ready(key, &path);
        }
    }

    fn make_ready(&mut self, key: ConnectionKey, path: &str) {
        let own = self.slots.get(&key).and_then(|slot| self.databases.get(&slot.database));
        let Some(storage) = own.map(|database| database.storage) else { return };
        let id = self.database(storage, path);
        let Some(database) = self.databases.get_mut(&id) else { return };
        database.connections += 1;
        let prepared = database.prepare(&mut self.env, true, key.client != 0);
        let (is_ready, writers) = (database.is_ready(), database.writers.clone());
        if let Some(wanted) = self.opened(key).and_then(|connection| connection.wanted()) {
            wanted.database = Some(id);
            wanted.writers = writers;
        }
        match prepared {
            Ok(()) if is_ready => self.is_ready(key, id),
            Ok(()) => {}
            Err(error) => self.tell_ready(key, Err(error)),
        }
    }

    /// The files of a database are ready, or not: tells those who wait to attach it.
    pub(super) fn tell_attaching(&mut self, id: u32, outcome: &Result<()>) {
        let mut keys = Vec::new();
        for (key, slot) in self.slots.iter_mut() {
            if let State::Open(connection) = &mut slot.state
                && connection.wanted().is_some_and(|wanted| wanted.database == Some(id) && wanted.outcome.is_none())
            {
                keys.push(*key);
            }
        }
        for key in keys {
            match outcome {
                Ok(()) => self.is_ready(key, id),
                Err(error) => self.tell_ready(key, Err(error.clone())),
            }
        }
    }

    fn is_ready(&mut self, key: ConnectionKey, id: u32) {
        // As with any first connection, this puts the database into WAL mode, which stays with its file, and looks at what
        // its last host has left.
        let options = OpenOptions { durability: Durability::Full, ..OpenOptions::default() };
        let mut outcome = self.databases.get_mut(&id).map_or(Ok(()), |database| database.connect(&options).map(|_| ()));
        if Connection::is_locked(&outcome)
            && let (Err(error), Some(database)) = (&outcome, self.databases.get(&id))
        {
            let near = self.all_neighbours();
            outcome = Err(cannot_open(error, key, (id, database), &near, self.env.now()));
        }
        self.tell_ready(key, outcome);
    }

    fn tell_ready(&mut self, key: ConnectionKey, outcome: Result<()>) {
        if let Some(connection) = self.opened(key) {
            connection.file_is_ready(outcome);
        }
    }
}

//! Who is served: clients that come and go, and hosts that they take this one for.

use super::{Service, key_of};
use crate::connection::ConnectionKey;
use crate::database::Database;
use crate::job::reply;
use crate::{Environment, sqlite};
use aludel_protocol::{Error, ErrorKind, Header, PROTOCOL_VERSION, Reply, Result, Side, other_version};

/// Somebody who said Hello and has not left.
#[derive(Debug, Default)]
pub(super) struct Client {
    /// Whether it wants to hear of commits.
    pub(super) watches: bool,
}

/// It was shut down.
#[derive(Debug)]
pub(super) struct Shutdown {
    pub(super) by: u64,
    /// What is answered when all statements that were lent out are back.
    due: Option<Header>,
}

impl<H: Environment> Service<H> {
    pub(super) fn hello(&mut self, header: &Header, protocol: u16, version: &str) -> Result<()> {
        // What follows could not be read by either side. One that is newer decides for itself.
        if protocol < PROTOCOL_VERSION {
            return Err(other_version(Side::Page, protocol, version));
        }
        // Who says it once more has lost sight of this host meanwhile, and begins anew.
        if self.clients.contains_key(&header.client) {
            self.drop_connections(header.client);
        }
        self.clients.or_insert_with(header.client, Default::default);
        let hello = Reply::Hello {
            protocol: PROTOCOL_VERSION,
            version: env!("CARGO_PKG_VERSION"),
            sqlite_version: sqlite::version(),
        };
        reply(&mut self.env, header, &hello);
        Ok(())
    }

    /// The epoch that a frame must be of, or 0: that of its connection's database; as far as it has none, that of the
    /// only database there is.
    pub(super) fn epoch(&self, header: &Header) -> Option<u32> {
        match self.slots.get(&key_of(header)) {
            Some(slot) => self.databases.get(&slot.database).and_then(Database::epoch),
            None => {
                let mut epochs = self.databases.values().filter_map(Database::epoch);
                epochs.next().filter(|first| epochs.all(|other| other == *first))
            }
        }
    }

    /// Closes everything of a client that has gone or goes: its transactions are rolled back, its locks are free for
    /// others, and what it still waited for is answered, should anybody listen.
    pub fn drop_client(&mut self, client: u64) {
        self.clients.remove(&client);
        self.drop_held(client);
        self.drop_connections(client);
        self.forget_gone(client);
    }

    /// Forgets a client, if it has gone: it asks for no fates any more.
    pub(super) fn forget_gone(&mut self, client: u64) {
        if self.clients.contains_key(&client) {
            return;
        }
        for marks in self.databases.values().filter_map(|database| database.marks.as_ref()) {
            marks.left(client);
        }
    }

    fn drop_connections(&mut self, client: u64) {
        let error = Error::new(ErrorKind::ResourceClosed, "its client has left");
        self.abandon_where(|key| key.client == client, &error);
    }

    /// Ends as a worker does that is killed: nothing is answered, rolled back, copied or flushed, and the files stay as
    /// they are. For those who want to see what comes after that.
    pub fn crash(&mut self) {
        self.down = Some(Shutdown { by: 0, due: None });
        for database in self.databases.values_mut() {
            database.crash(&mut self.env);
        }
        self.slots.clear();
        self.databases.clear();
    }

    /// The clients that want to hear of commits.
    pub fn watchers(&self) -> impl Iterator<Item = u64> {
        self.clients.iter().filter(|(_, client)| client.watches).map(|(id, _)| *id)
    }

    fn abandon_where(&mut self, which: impl Fn(ConnectionKey) -> bool, error: &Error) {
        let keys: Vec<_> = self.slots.keys().copied().filter(|key| which(*key)).collect();
        keys.into_iter().for_each(|key| self.abandon(key, error));
    }

    pub(super) fn shut_down(&mut self, header: &Header) {
        let by = header.client;
        self.down = Some(Shutdown { by, due: Some(*header) });
        self.abandon_where(|key| key.client == by, &shut_down(true));
        // Others did not want it: they may find the database with its next host.
        self.abandon_where(|_| true, &shut_down(false));
        self.end_shutdown();
    }

    /// Gives up the files of a service that was shut down, when nobody is in the midst of them any more.
    pub(super) fn end_shutdown(&mut self) {
        if !self.is_whole() {
            return;
        }
        let Some(header) = self.down.as_mut().and_then(|down| down.due.take()) else { return };
        for (_, mut database) in std::mem::take(&mut self.databases) {
            database.release(&mut self.env);
        }
        reply(&mut self.env, &header, &Reply::Done { in_transaction: false });
    }
}

/// Whether a frame was meant for another host: one that knows no host yet says 0.
pub(super) fn is_stale(header: &Header, epoch: u32) -> bool {
    header.epoch != 0 && header.epoch != epoch
}

pub(super) fn host_lost(epoch: u32) -> Error {
    let message = format!("the request was for another host of the database than this one, which is number {epoch}");
    Error::new(ErrorKind::HostLost, message)
}

pub(super) fn shut_down(asked: bool) -> Error {
    let kind = if asked { ErrorKind::WorkerGone } else { ErrorKind::HostLost };
    Error::new(kind, "the worker was shut down")
}

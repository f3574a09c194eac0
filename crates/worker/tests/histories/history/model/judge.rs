//! Which replies the model allows, and what they say of the database.

use super::{BUSY, BUSY_SNAPSHOT, Connection, Got, Judged, Key, Model, Sent, Snapshot, State, Tx, Version, wrong};
use crate::history::ask::{Ask, Change};
use aludel_protocol::{BeginMode, Error, ErrorKind};
use std::rc::Rc;

impl Model {
    /// Judges a reply; `overtakes` says whether the connection has not answered all of what it was asked before.
    pub fn reply(&mut self, id: u64, sent: &Sent, got: &Got, overtakes: bool) -> Judged {
        if let Some(connection) = self.connections.get_mut(&sent.key)
            && overtakes
            && let Some(stream) = connection.streams.get_mut(&id)
        {
            // Who stands in line may have written something already.
            stream.blurred |= stream.seen.is_some();
        }
        let Some(connection) = self.connections.get_mut(&sent.key) else {
            return match (&sent.ask, got) {
                (_, Got::Error(error, _)) if error.kind() == ErrorKind::ResourceClosed => Ok(()),
                // It may have been ended before its client left, and is interrupted only now.
                (_, Got::Error(..)) if self.pauses => Ok(()),
                _ => wrong("an answer from a connection that is not open"),
            };
        };
        connection.act(self.now);
        // What goes on shows that nothing is refused.
        if !matches!(got, Got::Error(..))
            && std::mem::take(&mut connection.by_sqlite)
            && matches!(connection.tx, Tx::Ended)
        {
            connection.tx = Tx::None;
        }
        if let (Ask::Open, Got::Error(error, false)) = (&sent.ask, got) {
            self.connections.remove(&sent.key);
            let reason = error.kind() == ErrorKind::Cancelled && sent.cancelled;
            return if reason { Ok(()) } else { wrong("no reason not to open") };
        }
        let open = match got {
            Got::Error(error, open) => {
                self.failed(id, sent, error, *open, overtakes)?;
                *open
            }
            Got::Opened => return Ok(()),
            _ if matches!(self.connections[&sent.key].tx, Tx::Ended) && !sent.ask.ends_transaction() => {
                return wrong("the worker had ended the transaction, and goes on all the same");
            }
            Got::Done(open) => {
                self.done(sent)?;
                *open
            }
            Got::Rows { rows, more, changes, open } => {
                match &sent.ask {
                    Ask::Read { begin, stream } => self.read(id, sent, *begin, *stream, rows, *more)?,
                    Ask::Shift { odd, value } => {
                        let change = Change::Add { odd: *odd, value: *value };
                        self.shifted(id, sent, &change, rows, *more, *changes)?;
                    }
                    Ask::Write { begin, sets } => {
                        self.wrote(sent, *begin, sets, rows, *changes)?;
                        if *more {
                            return wrong("a write has more to say");
                        }
                    }
                    _ => return wrong("rows, where there are none"),
                }
                *open
            }
        };
        // The streams of a transaction that ends hear of it before whoever ended it; and what gave up waiting in line, or
        // stands beside it, says how those before it left the connection.
        let closed = matches!(got, Got::Error(error, _) if error.kind() == ErrorKind::ResourceClosed);
        let early = overtakes || closed;
        match self.connections.get(&sent.key) {
            Some(connection) if connection.is_open() != open && !early => {
                wrong(format!("in a transaction: {open}, which it is not: {:?}", connection.tx))
            }
            _ => Ok(()),
        }
    }

    fn done(&mut self, sent: &Sent) -> Judged {
        let key = sent.key;
        match &sent.ask {
            Ask::Begin(_) if self.connections[&key].is_open() => wrong("it began twice"),
            Ask::Begin(mode) => self.begin(sent, *mode, false, false),
            Ask::Commit if !self.connections[&key].is_open() => wrong("it committed what it had not begun"),
            Ask::Commit => {
                self.commit(key);
                Ok(())
            }
            Ask::Rollback | Ask::Reset | Ask::Close => {
                if let Some(connection) = self.connections.get_mut(&key) {
                    connection.tx = Tx::None;
                }
                if sent.ask == Ask::Close {
                    self.connections.remove(&key);
                }
                Ok(())
            }
            Ask::Savepoint(name, mode) => {
                let begins = !self.connections[&key].is_open();
                // What comes first is not known yet, so an automatic begin is deferred.
                self.begin(sent, *mode, false, begins && *mode == BeginMode::None)?;
                if let Some(Connection { tx: Tx::Open { saves, own, .. }, .. }) = self.connections.get_mut(&key) {
                    saves.push((name.clone(), own.clone()));
                }
                Ok(())
            }
            Ask::Release(name) => {
                let at = self.save(key, name);
                let Some(at) = at else { return wrong("it released what was not there") };
                let Some(Connection { tx: Tx::Open { saves, by_savepoint, .. }, .. }) = self.connections.get_mut(&key)
                else {
                    return Ok(());
                };
                saves.truncate(at);
                if at == 0 && *by_savepoint {
                    self.commit(key);
                }
                Ok(())
            }
            Ask::RollbackTo(name) => {
                let at = self.save(key, name);
                let Some(at) = at else { return wrong("it went back to what was not there") };
                let latest = Rc::clone(&self.versions[self.latest()].state);
                let Some(connection) = self.connections.get_mut(&key) else { return Ok(()) };
                connection.streams.values_mut().for_each(|stream| stream.blurred |= stream.seen.is_some());
                let Tx::Open { saves, own, by_savepoint, .. } = &mut connection.tx else { return Ok(()) };
                let (_, state) = saves.swap_remove(at);
                saves.truncate(at);
                if let Some(own) = own {
                    // The lock stays.
                    *own = state.unwrap_or(latest);
                }
                if at == 0 && *by_savepoint {
                    self.commit(key);
                }
                Ok(())
            }
            Ask::Open | Ask::Read { .. } | Ask::Write { .. } | Ask::Shift { .. } => {
                wrong("done, without a word on what")
            }
        }
    }

    fn save(&self, key: Key, name: &str) -> Option<usize> {
        match &self.connections[&key].tx {
            Tx::Open { saves, .. } => saves.iter().rposition(|(other, _)| other == name),
            _ => None,
        }
    }

    /// The versions that a read that was sent then may see, unless its transaction has written.
    fn visible(&self, sent: &Sent) -> Vec<usize> {
        let connection = &self.connections[&sent.key];
        match &connection.tx {
            Tx::Open { snapshot: Snapshot::Among(versions), .. } => versions.clone(),
            Tx::Open { snapshot: Snapshot::Unset(lo), .. } => {
                // What may have read first may also have been sent later, and have been given up.
                let oldest = lo.map_or(sent.version, |lo| lo.min(sent.version));
                (oldest..=self.latest()).collect()
            }
            Tx::None | Tx::Ended => (sent.version..=self.latest()).collect(),
        }
    }

    fn read(&mut self, id: u64, sent: &Sent, mode: BeginMode, stream: bool, rows: &[(i64, i64)], more: bool) -> Judged {
        let key = sent.key;
        let is_first = !stream || self.connections[&key].streams.get(&id).is_some_and(|stream| stream.seen.is_none());
        if is_first && mode != BeginMode::None {
            self.begin(sent, mode, false, false)?;
        }
        let mut all = rows.to_vec();
        let (mut versions, mut own) = match &self.connections[&key].tx {
            Tx::Open { own: Some(own), .. } => (vec![], Some(Rc::clone(own))),
            _ => (self.visible(sent), None),
        };
        if stream {
            let Some(stream) = self.connections[&key].streams.get(&id) else { return wrong("rows of a closed stream") };
            if stream.blurred {
                self.end_stream(key, id, more);
                return Ok(());
            }
            if let Some(seen) = &stream.seen {
                (versions, own) = seen.clone();
            }
            all = stream.rows.iter().chain(rows).copied().collect();
        }
        let fits = |state: &State| {
            let expected = state.iter().map(|(key, value)| (*key, *value));
            if more { expected.take(all.len()).eq(all.iter().copied()) } else { expected.eq(all.iter().copied()) }
        };
        let considered = versions.clone();
        versions.retain(|version| fits(&self.versions[*version].state));
        if versions.is_empty() && !own.as_ref().is_some_and(|own| fits(own)) {
            let states: Vec<_> = considered.iter().map(|version| (version, &self.versions[*version].state)).collect();
            return wrong(format!("it shows {all:?}, and might show {states:?} or its own {own:?}"));
        }
        let Some(connection) = self.connections.get_mut(&key) else { return Ok(()) };
        if is_first
            && own.is_none()
            && let Tx::Open { snapshot, .. } = &mut connection.tx
        {
            *snapshot = Snapshot::Among(versions.clone());
        }
        if let Some(stream) = connection.streams.get_mut(&id) {
            stream.seen = Some((versions, own));
            stream.rows = all;
        }
        self.end_stream(key, id, more);
        Ok(())
    }

    fn end_stream(&mut self, key: Key, id: u64, more: bool) {
        if !more && let Some(connection) = self.connections.get_mut(&key) {
            connection.streams.remove(&id);
        }
    }

    fn wrote(&mut self, sent: &Sent, mode: BeginMode, sets: &[Change], rows: &[(i64, i64)], changes: i64) -> Judged {
        let key = sent.key;
        if !matches!(mode, BeginMode::None | BeginMode::Own) {
            self.begin(sent, mode, true, false)?;
        }
        let mut state = State::clone(&*self.take_lock(key)?);
        let (mut changed, mut returned) = (0, vec![]);
        for set in sets {
            match set.apply(&mut state) {
                Some((count, rows)) => {
                    changed += count;
                    returned.extend(rows);
                }
                None => return wrong("it inserted what was there already"),
            }
        }
        if changes != changed || returned != rows {
            return wrong(format!("{changes} changes and {rows:?}, where there must be {changed} and {returned:?}"));
        }
        let latest = self.versions.len();
        let Some(connection) = self.connections.get_mut(&key) else { return Ok(()) };
        connection.streams.values_mut().for_each(|stream| stream.blurred |= stream.seen.is_some());
        match &mut connection.tx {
            Tx::Open { own, changed: so_far, .. } => {
                *own = Some(Rc::new(state));
                *so_far |= changed > 0;
            }
            _ if changed > 0 => {
                // It is committed, and the streams of the connection move on with it.
                for (versions, _) in connection.streams.values_mut().filter_map(|stream| stream.seen.as_mut()) {
                    versions.push(latest);
                }
                let certain = state != *self.versions[latest - 1].state;
                self.versions.push(Version { state: Rc::new(state), by: key, certain });
            }
            _ => {}
        }
        Ok(())
    }

    /// A frame of a stream that writes: everything is written before the first.
    fn shifted(
        &mut self,
        id: u64,
        sent: &Sent,
        change: &Change,
        rows: &[(i64, i64)],
        more: bool,
        changes: i64,
    ) -> Judged {
        let key = sent.key;
        let known = self.connections[&key].streams.get(&id);
        let Some(is_first) = known.map(|stream| stream.seen.is_none()) else { return wrong("rows of a closed stream") };
        if is_first {
            self.begin(sent, BeginMode::Deferred, true, false)?;
            let mut state = State::clone(&*self.take_lock(key)?);
            change.apply(&mut state);
            let odd = |key: i64| matches!(change, Change::Add { odd, .. } if key % 2 == *odd);
            let returned = state.iter().map(|(key, value)| (*key, *value)).filter(|(key, _)| odd(*key)).collect();
            let Some(connection) = self.connections.get_mut(&key) else { return Ok(()) };
            connection.streams.values_mut().for_each(|stream| stream.blurred |= stream.seen.is_some());
            let Tx::Open { own, changed, .. } = &mut connection.tx else {
                return wrong("it wrote without a transaction");
            };
            *changed |= returned != vec![];
            *own = Some(Rc::new(state));
            if let Some(stream) = connection.streams.get_mut(&id) {
                (stream.seen, stream.rows) = (Some((vec![], None)), returned);
            }
        }
        let Some(stream) = self.connections.get_mut(&key).and_then(|connection| connection.streams.get_mut(&id)) else {
            return Ok(());
        };
        let shown = rows.len().min(stream.rows.len());
        let next: Vec<(i64, i64)> = stream.rows.drain(..shown).collect();
        if next != rows || (!more && !stream.rows.is_empty()) {
            return wrong(format!("it returned {rows:?}, where {next:?} was next, and {:?} after it", stream.rows));
        }
        stream.shown += shown as i64;
        if !more && stream.shown != changes {
            return wrong(format!("{changes} changes, where {} rows were returned", stream.shown));
        }
        self.end_stream(key, id, more);
        Ok(())
    }

    fn failed(&mut self, id: u64, sent: &Sent, error: &Error, open: bool, overtakes: bool) -> Judged {
        let (key, now) = (sent.key, self.now);
        let connection = &self.connections[&key];
        let is_stream = connection.streams.contains_key(&id);
        let may_end = connection.streams.get(&id).is_some_and(|stream| stream.may_end);
        let limited = connection.log_limited && error.message().starts_with("the transaction was ended: ");
        let idle = error.message().starts_with("the transaction was idle for ");
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.streams.remove(&id);
        }
        if limited || idle {
            return self.ended(sent, is_stream, idle, open);
        }
        let connection = &self.connections[&key];
        let writes = matches!(&sent.ask, Ask::Write { .. });
        let stale = |version: usize| version < self.latest();
        let allowed = match (error.kind(), error.sqlite_code()) {
            (ErrorKind::Cancelled, _) => sent.cancelled,
            (ErrorKind::Timeout, _) => now >= sent.deadline,
            (ErrorKind::ResourceClosed, _) => is_stream && may_end,
            (ErrorKind::Operational, BUSY) => sent.ask.may_wait() && now >= sent.at + connection.lock_timeout,
            (ErrorKind::Operational, BUSY_SNAPSHOT) => match &connection.tx {
                Tx::Open { own: Some(_), .. } | Tx::Ended => false,
                Tx::Open { snapshot: Snapshot::Among(versions), .. } => versions.iter().any(|version| stale(*version)),
                Tx::Open { snapshot: Snapshot::Unset(lo), .. } => lo.is_some_and(stale),
                Tx::None => stale(sent.version) && sent.shares || connection.streamed().any(stale),
            },
            (ErrorKind::Integrity, _) => {
                let Ask::Write { begin, sets, .. } = &sent.ask else { return wrong("a constraint of what?") };
                let mode = *begin;
                if !matches!(mode, BeginMode::None | BeginMode::Own) {
                    self.begin(sent, mode, true, false)?;
                }
                let mut state = State::clone(&*self.take_lock(key)?);
                let before = state.clone();
                if sets.iter().all(|set| set.apply(&mut state).is_some()) {
                    return wrong("a constraint that is not violated");
                }
                // In an open transaction, the sets before the one that failed stay.
                if let Some(connection) = self.connections.get_mut(&key)
                    && let Tx::Open { own, changed, .. } = &mut connection.tx
                {
                    connection.streams.values_mut().for_each(|stream| stream.blurred |= stream.seen.is_some());
                    *changed |= state != before;
                    *own = Some(Rc::new(state));
                }
                true
            }
            (ErrorKind::Operational, 1) => match &sent.ask {
                Ask::Commit => !connection.is_open(),
                Ask::Begin(_) => connection.is_open(),
                Ask::Release(name) | Ask::RollbackTo(name) => self.save(key, name).is_none(),
                _ => false,
            },
            // A statement of a stream may break when savepoints below it go.
            (ErrorKind::Operational, 4 | 516) => is_stream && may_end,
            _ => false,
        };
        if !allowed {
            return wrong(format!("no reason for {error:?}: {:?}, latest {}", self.connections[&key], self.latest()));
        }
        // SQLite rolls back the transaction of a write that is interrupted in its midst, and the worker that of one whose rows are
        // still to be fetched.
        if (self.pauses || sent.ask.returns())
            && matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::Timeout)
            && (writes && !open && !overtakes)
            && let Some(connection) = self.connections.get_mut(&key)
            && connection.is_open()
        {
            connection.by_sqlite = connection.was_idle || connection.log_limited;
            connection.tx = if connection.by_sqlite { Tx::Ended } else { Tx::None };
            connection.streams.values_mut().for_each(|stream| stream.may_end = true);
        }
        // The worker may have ended the transaction before, and this is the first that is heard of it.
        if let Some(connection) = self.connections.get_mut(&key)
            && !open
            && !overtakes
            && error.kind() != ErrorKind::ResourceClosed
            && connection.is_open()
            && (connection.was_idle || connection.log_limited)
        {
            connection.tx = Tx::Ended;
        }
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.has_failed |= sent.ask.may_wait();
        }
        // What was begun for it may stay open.
        let connection = &self.connections[&key];
        if open && !overtakes && !connection.is_open() {
            let lo = connection.streamed().chain([sent.version]).min();
            if let Some(connection) = self.connections.get_mut(&key) {
                let snapshot = Snapshot::Unset(lo);
                connection.tx = Tx::Open { snapshot, own: None, saves: vec![], changed: false, by_savepoint: false };
            }
            let immediate = match &sent.ask {
                Ask::Read { begin, .. } | Ask::Write { begin, .. } | Ask::Savepoint(_, begin) => {
                    matches!(begin, BeginMode::Immediate | BeginMode::Exclusive) || writes && *begin == BeginMode::Auto
                }
                Ask::Shift { .. } => false,
                _ => return wrong("it failed to begin, and has begun"),
            };
            if immediate {
                self.take_lock(key)?;
            }
        } else if !overtakes
            && let Some(Connection { tx: Tx::Open { snapshot: Snapshot::Unset(lo), .. }, .. }) =
                self.connections.get_mut(&key)
        {
            // It may have read before it failed, also before what was sent later and is given up already.
            *lo = Some(lo.map_or(sent.version, |lo| lo.min(sent.version)));
        }
        Ok(())
    }

    /// The worker says that it has ended the transaction.
    fn ended(&mut self, sent: &Sent, is_stream: bool, idle: bool, open: bool) -> Judged {
        let Some(connection) = self.connections.get_mut(&sent.key) else { return Ok(()) };
        match connection.tx {
            Tx::Ended => {}
            Tx::Open { .. } if idle && !connection.was_idle => return wrong("it was not idle for that long"),
            Tx::Open { .. } => {
                connection.tx = Tx::Ended;
                connection.streams.values_mut().for_each(|stream| stream.may_end = true);
            }
            Tx::None if is_stream || matches!(sent.ask, Ask::Read { .. }) => {}
            // It had begun one, which nobody had heard of.
            Tx::None if matches!(&sent.ask, Ask::Write { begin, .. } if !matches!(begin, BeginMode::None)) => {}
            Tx::None if matches!(sent.ask, Ask::Shift { .. }) => {}
            Tx::None => return wrong("there was no transaction to end"),
        }
        if sent.ask.ends_transaction() {
            return wrong("what ends the transaction is refused as well");
        }
        if open { wrong("it was ended, and is open") } else { Ok(()) }
    }
}

//! What is said next in a history.

use super::{Ask, COLUMNS, Change, History, Judged, Key, Sent, Stage, execute, options};
use aludel_protocol::{BeginMode, Delivery, OpenOptions, Request, TransactionOp};

impl<E: Stage> History<'_, E> {
    /// Sends a request of one of the connections.
    pub(super) fn ask(&mut self, key: Key, ask: Ask) -> Judged {
        self.last += 1;
        let (id, header) = (self.last, self.header(key, self.last));
        let alone = !self.model.in_transaction(key) && !self.sent.values().any(|sent| sent.key == key);
        let breakable = ask.may_be_broken_off(alone);
        let deadline = if breakable && self.random.one_in(8) { self.random.of(&[1, 5, 100]) } else { 0 };
        let until = if deadline == 0 { f64::INFINITY } else { self.now() + f64::from(deadline) };
        self.log.push(format!("{id} on {key:?}: {ask:?} within {deadline} ms"));
        let transaction = |op| Request::Transaction { op, deadline }.encode(&header);
        let frame = match &ask {
            Ask::Open => {
                let durability = self.service.environment_mut().durability();
                let set = OpenOptions {
                    lock_timeout: self.lock_timeout,
                    idle_transaction_timeout: self.idle_timeout,
                    log_limit: self.log_limit,
                    ..options(self.storage, &self.path, durability)
                };
                Request::Open(set).encode(&header)
            }
            Ask::Close => Request::Close.encode(&header),
            Ask::Reset => Request::Reset.encode(&header),
            Ask::Begin(mode) => transaction(TransactionOp::Begin(*mode)),
            Ask::Commit => transaction(TransactionOp::Commit),
            Ask::Rollback => transaction(TransactionOp::Rollback),
            Ask::Savepoint(name, mode) => transaction(TransactionOp::Savepoint(name.clone(), *mode)),
            Ask::Release(name) => transaction(TransactionOp::Release(name.clone())),
            Ask::RollbackTo(name) => transaction(TransactionOp::RollbackTo(name.clone())),
            Ask::Read { begin, stream } => {
                let sql = format!("SELECT {COLUMNS} FROM t ORDER BY k");
                let max_rows = 1 + self.random.below(3) as u32;
                let credits = 1 + self.random.below(2) as u32;
                let delivery = if *stream { Delivery::Stream { credits, max_rows } } else { Delivery::Buffered };
                execute(&header, &sql, *begin, delivery, deadline, &[])
            }
            Ask::Shift { odd, value } => {
                let sql = "UPDATE t SET v = v + ?2 WHERE k % 2 = ?1 RETURNING k, v";
                let max_rows = 1 + self.random.below(2) as u32;
                let delivery = Delivery::Stream { credits: 1 + self.random.below(4) as u32, max_rows };
                execute(&header, sql, BeginMode::Deferred, delivery, deadline, &[vec![*odd, *value]])
            }
            Ask::Write { begin, sets } => {
                let parameters: Vec<Vec<i64>> = sets.iter().map(Change::parameters).collect();
                execute(&header, sets[0].sql(), *begin, Delivery::Buffered, deadline, &parameters)
            }
        };
        match ask {
            Ask::Open => {
                let idle = if self.idle_timeout == 0 { f64::INFINITY } else { self.idle_timeout.into() };
                self.model.open(key, self.lock_timeout.into(), idle, self.log_limit > 0);
                self.opened.push(key);
            }
            Ask::Close => self.opened.retain(|open| *open != key),
            _ => {}
        }
        self.model.now = self.now();
        self.outcome.requests += 1;
        let sent = self.model.send(id, key, ask, until, breakable);
        self.sent.insert(id, sent);
        self.service.receive(frame);
        self.listen()
    }

    pub(super) fn step(&mut self) -> Judged {
        let key = self.random.of(&self.keys);
        if !self.opened.contains(&key) {
            // A number is free again when its Close was answered.
            if self.sent.values().any(|sent| sent.key == key) { Ok(()) } else { self.ask(key, Ask::Open) }
        } else {
            match self.random.below(20) {
                0 => self.cancel(),
                1..=5 => self.read_on(),
                6 if self.random.one_in(6) => self.leave(key.0),
                7 if self.random.one_in(3) => self.ask(key, Ask::Close),
                8 if self.random.one_in(2) => self.ask(key, Ask::Reset),
                _ if self.sent.values().filter(|sent| sent.key == key).count() > 4 => Ok(()),
                _ => {
                    let ask = self.statement(key);
                    self.ask(key, ask)
                }
            }
        }
    }

    /// Something that fits the state of the connection most often.
    fn statement(&mut self, key: Key) -> Ask {
        let open = self.model.in_transaction(key);
        let quiet = !self.sent.values().any(|sent| sent.key == key);
        let name = self.random.of(&["a", "b", "c"]).to_owned();
        let random = &mut self.random;
        if self.model.was_ended(key) && !random.one_in(3) {
            return random.of(&[Ask::Rollback, Ask::Reset]);
        }
        // SQLite opens no savepoint beside a statement that writes.
        let shifts = self.sent.values().any(|sent| sent.key == key && matches!(sent.ask, Ask::Shift { .. }));
        match (open, random.below(28)) {
            (_, 5 | 8 | 9) if shifts => Ask::Read { begin: BeginMode::None, stream: false },
            (false, 0..=4) => Ask::Begin(random.of(&[BeginMode::Deferred, BeginMode::Immediate, BeginMode::Exclusive])),
            (true, 24..) => Ask::Commit,
            (false, 5) => Ask::Savepoint(name, random.of(&[BeginMode::None, BeginMode::Auto, BeginMode::Immediate])),
            (true, 0..=6) => Ask::Commit,
            (true, 7) => Ask::Rollback,
            (true, 8..=9) => Ask::Savepoint(name, random.of(&[BeginMode::None, BeginMode::Auto])),
            (true, 10) => Ask::Release(name),
            (true, 11) => Ask::RollbackTo(name),
            (_, 12..=17) => {
                let begin = random.of(&[BeginMode::None, BeginMode::None, BeginMode::Auto, BeginMode::Deferred]);
                let begin = if random.one_in(16) { BeginMode::Immediate } else { begin };
                Ask::Read { begin, stream: random.one_in(2) }
            }
            (_, 18) if random.one_in(4) => random.of(&[Ask::Commit, Ask::Rollback, Ask::Begin(BeginMode::Deferred)]),
            (_, 19) => {
                self.value += 1;
                Ask::Shift { odd: self.random.below(2) as i64, value: self.value * 1_000_003 }
            }
            _ => {
                let begin = random.of(&[
                    BeginMode::None,
                    BeginMode::None,
                    BeginMode::Auto,
                    BeginMode::Deferred,
                    BeginMode::Own,
                ]);
                // Several sets that are no transaction would commit one by one, and be answered once.
                // So would those of a transaction that SQLite has rolled back, with a write that was interrupted.
                let within = open && quiet && begin == BeginMode::None && !E::PAUSES;
                let many = begin == BeginMode::Own || (within && random.one_in(4));
                let count = if many { 1 + random.below(4) } else { 1 };
                let kind = random.below(6);
                Ask::Write { begin, sets: (0..count).map(|_| self.change(kind)).collect() }
            }
        }
    }

    fn change(&mut self, kind: usize) -> Change {
        self.value += 1;
        // No two commits leave the same rows.
        let (key, value) = (1 + self.random.below(10) as i64, self.value * 1_000_003);
        match kind {
            0 => Change::Set { key, value },
            1 => Change::Add { odd: key % 2, value },
            2 => Change::Put { key, value },
            3 => Change::Insert { key, value },
            4 => Change::Delete { key },
            _ => Change::Take { key },
        }
    }

    fn cancel(&mut self) -> Judged {
        let picks: Vec<u64> = self.sent.iter().filter(|(_, sent)| sent.breakable).map(|(id, _)| *id).collect();
        if picks.is_empty() {
            return Ok(());
        }
        let id = self.random.of(&picks);
        let Some(sent) = self.sent.get_mut(&id) else { return Ok(()) };
        sent.cancelled = true;
        let key = sent.key;
        if sent.ask == Ask::Open {
            self.opened.retain(|open| *open != key);
        }
        self.log.push(format!("cancel {id}"));
        self.model.touch(key);
        self.service.receive(Request::Cancel { request: id }.encode(&self.header(key, 0)));
        self.listen()
    }

    /// A stream is read further, or closed.
    fn read_on(&mut self) -> Judged {
        // One that was given up and pauses is answered after it was closed, too.
        let is_over = |sent: &Sent| E::PAUSES && sent.cancelled;
        let is_stream = |sent: &Sent| sent.ask.is_stream() && !is_over(sent);
        let picks: Vec<(u64, Key)> =
            self.sent.iter().filter(|(_, sent)| is_stream(sent)).map(|(id, sent)| (*id, sent.key)).collect();
        if picks.is_empty() {
            return Ok(());
        }
        let (stream, key) = self.random.of(&picks);
        // What has shown nothing may not have written yet, and would not.
        let shifts = matches!(self.sent.get(&stream), Some(Sent { ask: Ask::Shift { .. }, .. }));
        let closes = if shifts { self.random.one_in(2) } else { self.random.one_in(6) };
        let request = if closes && (!shifts || self.model.has_shown(key, stream)) {
            self.sent.remove(&stream);
            self.model.forget_stream(key, stream);
            Request::CloseStream { stream }
        } else {
            Request::Credit { stream, credits: 1 + self.random.below(4) as u32 }
        };
        self.log.push(format!("on {key:?}: {request:?}"));
        self.model.now = self.now();
        self.model.touch(key);
        self.service.receive(request.encode(&self.header(key, 0)));
        self.listen()
    }

    /// A client dies, and comes back.
    fn leave(&mut self, client: u64) -> Judged {
        // What has written all and still hands out what RETURNING returns is committed, and nobody would hear of it.
        if self.sent.values().any(|sent| sent.key.0 == client && sent.ask.returns()) {
            return Ok(());
        }
        self.log.push(format!("client {client} leaves"));
        self.service.drop_client(client);
        self.model.drop_client(client);
        self.listen()?;
        // What pauses is interrupted when it goes on.
        self.leaving = Some(client);
        for _ in 0..200 {
            if !E::PAUSES || self.sent.values().all(|sent| sent.key.0 != client) {
                break;
            }
            self.turn()?;
        }
        self.leaving = None;
        if let Some((id, sent)) = self.sent.iter().find(|(_, sent)| sent.key.0 == client) {
            return Err(format!("{id} was never answered: {sent:?}"));
        }
        self.opened.retain(|open| open.0 != client);
        self.hello(client);
        Ok(())
    }
}

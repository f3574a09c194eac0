//! The ledger beside a model: hosts that die at any write, and clients that ask what became of their requests.

use super::format::outcome;
use super::support::TestFile;
use crate::mark::format::{BLOCK, FILE_BYTES, HEADS_AT, Outcome, Position, SLOTS};
use crate::mark::ledger::{Ledger, Start};
use crate::vfs::simulated::Random;
use aludel_protocol::Fate;
use std::collections::{BTreeMap, BTreeSet};

const LATER: Start = Start { now: 0, fresh: false, epoch: None };
const FRESH: Start = Start { now: 5_000, fresh: true, epoch: None };
const NOTHING: Outcome = Outcome { changes: -1, last_insert_rowid: 0, had_rows: false };

/// A request that its client has heard nothing of yet.
struct Pending {
    request: u64,
    committed: Option<Outcome>,
    /// How many commits there had been before.
    at: u64,
}

/// A log as SQLite would keep it, and clients who remember what they have not heard of.
struct Model {
    random: Random,
    file: TestFile,
    ledger: Ledger,
    log: Position,
    pending: BTreeMap<u64, Vec<Pending>>,
    /// The clients that have come to the new host, and have not asked it yet.
    silent: BTreeSet<u64>,
    requests: u64,
    commits: u64,
    unknown: usize,
    told: usize,
}

impl Model {
    fn new(what: &str) -> Model {
        let (random, file) = (Random::new(what), TestFile::default());
        let ledger = Ledger::host(file.boxed(), FRESH).unwrap();
        let log = Position::default();
        let (pending, silent) = (BTreeMap::new(), BTreeSet::new());
        Model { random, file, ledger, log, pending, silent, requests: 0, commits: 0, unknown: 0, told: 0 }
    }

    /// Whether the next write of marks is cut short.
    fn maybe_tear(&mut self) -> bool {
        let torn = self.random.below(40) == 0;
        let arrives = self.random.below(BLOCK + 1);
        self.file.torn.set(torn.then_some(arrives));
        torn
    }

    /// A commit writes to the log, if the ledger lets it, and begins it anew now and then. Says whether it did.
    fn write_log(&mut self) -> bool {
        if self.random.below(6) == 0 || self.log.salts == [0; 8] {
            if self.ledger.before_restart().is_err() {
                return false;
            }
            self.log = Position { salts: self.random.number().to_be_bytes(), frames: 0 };
        }
        if self.ledger.before_frames().is_err() {
            return false;
        }
        self.log.frames += 1 + self.random.below(3) as u32;
        true
    }

    /// Work of a client, which comes to its end or is cut off at any point: then the host is dead.
    fn work(&mut self, client: u64) -> bool {
        self.requests += 1;
        let (request, outcome) = (self.requests, outcome(&mut self.random));
        if self.silent.contains(&client) {
            if self.random.below(2_000) > 0 {
                return true;
            }
            self.ask(client);
        }
        self.ledger.arrive(client);
        let at = self.commits;
        self.pending.entry(client).or_default().push(Pending { request, committed: None, at });
        if self.random.below(300) == 0 {
            return false;
        }
        let torn = self.maybe_tear();
        let marked = self.ledger.mark(client, request, self.log, outcome);
        // Where the tear met another write, that was of no consequence.
        assert!(torn || marked.is_ok());
        let dies = self.random.below(300) == 0;
        if dies && self.random.below(2) == 0 {
            return false;
        }
        let fails = self.random.below(10) == 0;
        if marked.is_err() || fails || !self.write_log() {
            self.ledger.settled(false);
        } else {
            self.commits += 1;
            if let Some(pending) = self.pending.get_mut(&client).and_then(|pending| pending.last_mut()) {
                pending.committed = Some(outcome);
            }
            if dies {
                return false;
            }
            self.ledger.settled(true);
        }
        self.hear(client);
        true
    }

    /// The client hears of its requests, though not always at once.
    fn hear(&mut self, client: u64) {
        if self.random.below(4) > 0 {
            self.pending.remove(&client);
        }
    }

    /// Somebody who wants no marks commits, or a checkpoint begins the log anew or cuts it off.
    fn disturb(&mut self) {
        match self.random.below(3) {
            0 => {
                self.write_log();
            }
            1 => {
                if self.ledger.before_restart().is_ok() {
                    self.log = Position::default();
                }
            }
            // A transaction that writes to the log and is given up.
            _ => {
                if self.log.frames > 0 && self.ledger.before_restart().is_ok() {
                    self.log = Position { salts: self.random.number().to_be_bytes(), frames: 0 };
                }
            }
        }
    }

    /// Another host takes over, and is asked by those who have not heard.
    fn take_over(&mut self) {
        self.file = self.file.copy();
        let epoch = self.ledger.epoch();
        self.ledger = Ledger::host(self.file.boxed(), LATER).unwrap();
        assert_eq!(self.ledger.epoch(), epoch + 1);
        assert!(self.ledger.was_unclean());
        self.ledger.see(self.log);
        let clients: Vec<u64> = self.pending.keys().copied().collect();
        for client in clients {
            // It may take its time, for longer than this host lives, and asks for nothing else before.
            if self.random.below(3) == 0 {
                self.silent.insert(client);
            } else {
                self.ask(client);
            }
        }
    }

    /// A client asks what became of its requests.
    fn ask(&mut self, client: u64) {
        self.silent.remove(&client);
        if let Some(pending) = self.pending.remove(&client) {
            let ids: Vec<u64> = pending.iter().map(|pending| pending.request).collect();
            let fates = self.ledger.fates(client, &ids).unwrap();
            for (pending, fate) in pending.iter().zip(fates) {
                let age = self.commits - pending.at;
                match (fate, pending.committed) {
                    (Fate::Unknown, _) => {
                        self.unknown += 1;
                        assert!(age > SLOTS / 4, "nobody knows after {age} commits");
                    }
                    (Fate::NotCommitted, None) => self.told += 1,
                    (fate, Some(outcome)) if fate == outcome.into() => self.told += 1,
                    (fate, truth) => panic!("{client} {}: {fate:?}, but it is {truth:?}", pending.request),
                }
            }
        }
    }
}

/// Clients 1 to 3 work all the time, the others now and then: their records have to make room.
fn clients(random: &mut Random) -> u64 {
    if random.below(400) == 0 { 4 + random.below(10) as u64 } else { 1 + random.below(3) as u64 }
}

#[test]
fn no_client_is_told_what_is_not_so() {
    let mut model = Model::new("no_client_is_told_what_is_not_so");
    let mut hosts = 0;
    for _ in 0..60_000 {
        if model.random.below(12) == 0 {
            model.disturb();
        }
        let client = clients(&mut model.random);
        if !model.work(client) {
            model.take_over();
            hosts += 1;
        }
        if model.random.below(2_000) == 0 {
            let gone = 1 + model.random.below(13) as u64;
            model.ledger.leave(gone);
            model.pending.remove(&gone);
            model.silent.remove(&gone);
        }
    }
    println!("{hosts} hosts, {} fates told, {} unknown", model.told, model.unknown);
    assert!(hosts > 50 && model.told > 100, "{hosts} hosts, {} fates", model.told);
    assert!(model.unknown * 20 < model.told, "{} of {} are unknown", model.unknown, model.told);
}

#[test]
fn a_client_that_rests_while_others_commit_is_told_all_the_same() {
    let file = TestFile::default();
    let mut ledger = Ledger::host(file.boxed(), FRESH).unwrap();
    let mut at = Position { salts: [7; 8], frames: 1 };
    // One has had a commit, one has only been there, and one has had a commit that failed.
    for client in [1, 2, 3] {
        ledger.arrive(client);
    }
    ledger.mark(1, 10, at, NOTHING).unwrap();
    ledger.settled(true);
    ledger.mark(3, 30, at, NOTHING).unwrap();
    ledger.settled(false);
    for request in 0..5 * SLOTS {
        ledger.mark(9, request, at, NOTHING).unwrap();
        at.frames += 1;
        ledger.settled(true);
    }
    let mut next = Ledger::host(file.boxed(), LATER).unwrap();
    next.see(at);
    let committed = Fate::from(NOTHING);
    assert_eq!(next.fates(1, &[10, 11]).unwrap(), [committed, Fate::Unknown]);
    assert_eq!(next.fates(1, &[11]).unwrap(), [Fate::NotCommitted]);
    assert_eq!(next.fates(2, &[20, 21]).unwrap(), [Fate::NotCommitted; 2]);
    assert_eq!(next.fates(3, &[31]).unwrap(), [Fate::NotCommitted]);
    assert_eq!(next.fates(9, &[5 * SLOTS - 1, 5 * SLOTS]).unwrap(), [committed, Fate::NotCommitted]);
    // Of somebody who was never there nobody can say anything.
    assert_eq!(next.fates(4, &[1]).unwrap(), [Fate::Unknown]);
}

#[test]
fn a_client_that_asks_after_two_losses_is_not_told_that_its_commit_was_none() {
    let file = TestFile::default();
    let mut ledger = Ledger::host(file.boxed(), FRESH).unwrap();
    let mut at = Position { salts: [7; 8], frames: 1 };
    ledger.meet(1);
    ledger.mark(1, 10, at, NOTHING).unwrap();
    ledger.settled(true);
    for _ in 0..2 {
        at.frames += 1;
        ledger = Ledger::host(file.boxed(), LATER).unwrap();
        ledger.see(at);
        ledger.meet(1);
        for request in 0..2 * SLOTS {
            ledger.mark(9, request, at, NOTHING).unwrap();
            at.frames += 1;
            ledger.settled(true);
        }
    }
    let mut last = Ledger::host(file.boxed(), LATER).unwrap();
    last.see(at);
    assert_ne!(last.fates(1, &[10]).unwrap(), [Fate::NotCommitted]);
}

#[test]
fn a_client_that_lost_sight_of_its_host_is_told_by_the_same_one() {
    let mut ledger = Ledger::host(TestFile::default().boxed(), FRESH).unwrap();
    let mut at = Position { salts: [7; 8], frames: 1 };
    ledger.arrive(1);
    for request in 0..2 * SLOTS {
        ledger.mark(1 + request % 2, request, at, NOTHING).unwrap();
        at.frames += 1;
        ledger.settled(true);
    }
    let last = 2 * SLOTS - 2;
    assert_eq!(ledger.fates(1, &[last, last + 10]).unwrap(), [Fate::from(NOTHING), Fate::NotCommitted]);
}

#[test]
fn a_host_that_died_before_it_marked_anything_had_nothing_to_mark() {
    let file = TestFile::default();
    drop(Ledger::host(file.boxed(), FRESH).unwrap());
    let mut next = Ledger::host(file.boxed(), LATER).unwrap();
    assert_eq!(next.fates(1, &[1]).unwrap(), [Fate::NotCommitted]);
}

#[test]
fn a_commit_that_failed_is_not_taken_for_the_next_one() {
    let file = TestFile::default();
    let mut ledger = Ledger::host(file.boxed(), FRESH).unwrap();
    let at = Position { salts: [7; 8], frames: 4 };
    ledger.mark(1, 1, at, NOTHING).unwrap();
    ledger.settled(false);
    // Somebody without marks commits.
    ledger.before_frames().unwrap();
    let log = Position { frames: 5, ..at };
    let mut next = Ledger::host(file.boxed(), LATER).unwrap();
    next.see(log);
    assert_eq!(next.fates(1, &[1]).unwrap(), [Fate::NotCommitted]);
}

#[test]
fn a_mark_that_could_not_be_written_stops_the_commit_and_voids_itself() {
    for arrives in 0..=BLOCK {
        let file = TestFile::default();
        let mut ledger = Ledger::host(file.boxed(), FRESH).unwrap();
        let at = Position { salts: [7; 8], frames: 4 };
        ledger.mark(1, 1, at, NOTHING).unwrap();
        ledger.settled(true);
        file.torn.set(Some(arrives));
        assert!(ledger.mark(1, 2, at, NOTHING).is_err());
        // As long as that cannot be said on file, nothing else is committed.
        file.torn.set(Some(0));
        assert!(ledger.before_frames().is_err());
        ledger.before_frames().unwrap();
        let mut next = Ledger::host(file.boxed(), LATER).unwrap();
        next.see(Position { frames: 9, ..at });
        assert_eq!(next.fates(1, &[1, 2]).unwrap(), [Fate::from(NOTHING), Fate::NotCommitted], "{arrives}");
    }
}

#[test]
fn the_last_commit_is_told_by_the_log() {
    let at = Position { salts: [7; 8], frames: 4 };
    let other = Position { salts: [8; 8], ..at };
    for (found, done) in [
        (at, false),
        (Position { frames: 5, ..at }, true),
        (Position { frames: 1, ..other }, true),
        (Position { frames: 0, ..other }, false),
        (Position::default(), false),
    ] {
        let file = TestFile::default();
        let mut ledger = Ledger::host(file.boxed(), FRESH).unwrap();
        ledger.mark(1, 1, at, NOTHING).unwrap();
        let mut next = Ledger::host(file.boxed(), LATER).unwrap();
        assert_eq!(next.fates(1, &[1]).unwrap(), [Fate::Unknown], "before anybody has looked");
        assert!(next.mark(1, 2, at, NOTHING).is_err() && next.before_frames().is_err());
        next.see(found);
        let fate = if done { Fate::from(NOTHING) } else { Fate::NotCommitted };
        assert_eq!(next.fates(1, &[1]).unwrap(), [fate], "{found:?}");
        // It is on file by now, whatever becomes of the log.
        let mut third = Ledger::host(file.boxed(), LATER).unwrap();
        third.see(Position { salts: [9; 8], frames: u32::from(!done) });
        assert_eq!(third.fates(1, &[1]).unwrap(), [fate], "{found:?}");
    }
}

#[test]
fn epochs_go_on_whatever_a_crash_cuts_short() {
    let file = TestFile::default();
    let mut epoch = Ledger::host(file.boxed(), FRESH).unwrap().epoch();
    assert_eq!(epoch, 1);
    for cut in 0..3 * BLOCK {
        file.torn.set(Some(cut % BLOCK));
        assert!(Ledger::host(file.boxed(), LATER).is_err());
        let mut next = Ledger::host(file.boxed(), LATER).unwrap();
        assert!(next.epoch() == epoch + 1 || next.epoch() == epoch + 2, "{} after {epoch}", next.epoch());
        assert!(next.was_unclean() || cut > 0);
        epoch = next.epoch();
        if cut % 2 == 0 {
            next.close().unwrap();
        }
    }
    // Even without a head no epoch is used twice, as far as marks tell.
    let mut last = Ledger::host(file.boxed(), LATER).unwrap();
    last.mark(1, 1, Position::default(), NOTHING).unwrap();
    for at in HEADS_AT {
        file.bytes.borrow_mut()[at as usize] ^= 1;
    }
    let next = Ledger::host(file.boxed(), LATER).unwrap();
    assert!(next.epoch() == last.epoch() + 1 && next.was_unclean());
}

#[test]
fn a_worker_that_was_the_last_host_keeps_its_epoch() {
    let file = TestFile::default();
    Ledger::host(file.boxed(), FRESH).unwrap().close().unwrap();
    let again = |epoch| Ledger::host(file.boxed(), Start { epoch, ..LATER }).unwrap();
    assert_eq!(again(Some(1)).epoch(), 1);
    assert_eq!(again(None).epoch(), 2);
    assert_eq!(again(Some(1)).epoch(), 3);
}

#[test]
fn names_settle_a_minute_after_the_database_was_made() {
    let file = TestFile::default();
    let ledger = Ledger::host(file.boxed(), FRESH).unwrap();
    for (now, left) in [(5_000, 60_000), (6_000, 59_000), (65_000, 0), (u64::MAX, 0), (0, 60_000)] {
        assert_eq!(ledger.settles_in(now), left, "at {now}");
    }
    let later = Ledger::host(file.boxed(), Start { now: 30_000, ..LATER }).unwrap();
    assert_eq!(later.settles_in(30_000), 35_000);
    // A database that was there before its marks.
    let old = Ledger::host(TestFile::default().boxed(), Start { now: 30_000, ..LATER }).unwrap();
    assert_eq!(old.settles_in(30_000), 0);
    assert_eq!(file.bytes.borrow().len(), FILE_BYTES as usize);
}

#[test]
fn a_new_database_of_an_old_name_has_no_marks() {
    let file = TestFile::default();
    let mut ledger = Ledger::host(file.boxed(), FRESH).unwrap();
    ledger.mark(1, 1, Position::default(), NOTHING).unwrap();
    ledger.settled(true);
    let mut new = Ledger::host(file.boxed(), FRESH).unwrap();
    assert_eq!(new.epoch(), 2);
    assert_eq!(new.fates(1, &[1]).unwrap(), [Fate::NotCommitted]);
}

#[test]
fn a_mark_is_one_write() {
    let file = TestFile::default();
    let mut ledger = Ledger::host(file.boxed(), FRESH).unwrap();
    ledger.arrive(1);
    let before = file.writes.get();
    for request in 0..3 * SLOTS {
        ledger.arrive(1);
        ledger.mark(1, request, Position::default(), NOTHING).unwrap();
        ledger.settled(true);
    }
    assert_eq!(file.writes.get() - before, 3 * SLOTS as usize);
}

//! The mark file of a database that has a host: written before commits, read when somebody asks what became of one.

use super::format::{BLOCK, Entry, FILE_BYTES, HEADS_AT, Head, Outcome, Position, RING_AT, Record, SLOTS, slot_at};
use super::ring::Ring;
use crate::vfs::RawFile;
use aludel_protocol::{Fate, SortedMap, SortedSet};
use rsqlite_vfs::{SyncMode, SyncOptions, VfsError, VfsErrorCode, VfsResult};

/// Of how many clients the newest record is kept however old it is.
const MOST_CLIENTS: usize = (SLOTS / 4) as usize;
/// How long after its creation the names of a database's files can be taken as safe, in milliseconds.
const SETTLED_AFTER_MS: u64 = 60_000;

/// What is known of the last commit that was marked, and not on file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// Nothing: the file tells all.
    Settled,
    /// An earlier host marked it. Whether it was done, the log tells.
    Unseen { number: u64, position: Position },
    /// It is going on.
    Open { number: u64 },
    /// It was done. The next record says so, whatever else it says; until then, the log.
    Done,
    /// It was not done.
    Failed { number: u64 },
}

/// The newest record of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Newest {
    number: u64,
    /// Whether it is a commit that was not done.
    failed: bool,
}

/// A mark file, open.
pub(crate) struct Ledger {
    file: Box<dyn RawFile>,
    head: Head,
    /// The number of the next record.
    next: u64,
    last: Last,
    newest: SortedMap<u64, Newest>,
    /// The clients that have asked this host for something.
    here: SortedSet<u64>,
    was_unclean: bool,
}

/// From what a [`Ledger`] begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// The time, in milliseconds since 1970.
    pub(crate) now: u64,
    /// Whether the database was made just now.
    pub(crate) fresh: bool,
    /// The epoch in which this worker was the database's host before.
    pub(crate) epoch: Option<u32>,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("head", &self.head).field("next", &self.next).field("last", &self.last).finish()
    }
}

impl Ledger {
    /// Reads the file, or makes it, and takes over as host.
    pub(crate) fn host(mut file: Box<dyn RawFile>, start: Start) -> VfsResult<Ledger> {
        let mut bytes = vec![0; FILE_BYTES as usize];
        let size = file.size()?;
        let read = if size == 0 { 0 } else { file.read(&mut bytes, 0)? };
        bytes.get_mut(read..).unwrap_or_default().fill(0);
        if start.fresh {
            // What was marked here was committed to another database of this name.
            bytes.get_mut(RING_AT as usize..).unwrap_or_default().fill(0);
        }
        let ring = Ring::read(&bytes);
        let heads = HEADS_AT.map(|at| block(&bytes, at).and_then(|block| Head::decode(&block)));
        let head = heads.iter().flatten().filter(|head| head.turn < u64::MAX / 2).max_by_key(|head| head.turn);
        let was_unclean = head.map_or(size > 0, |head| !head.clean);
        // Where a database was before its marks, there may have been others.
        let first = if start.fresh || head.is_some() { 1 } else { SLOTS + 1 };
        let mut head = head.copied().unwrap_or_else(|| {
            // Without a head, at least no epoch is used twice.
            let epoch = ring.records().iter().map(|record| record.epoch).max().unwrap_or(0);
            Head { epoch, ..Head::default() }
        });
        if start.fresh {
            head.created = start.now;
        }
        let mut ledger = Ledger {
            file,
            head,
            next: ring.last().map_or(first, |last| last.number + 1),
            last: last_of(&ring),
            newest: newest_of(&ring, head.epoch),
            here: SortedSet::new(),
            was_unclean,
        };
        if size < FILE_BYTES || start.fresh {
            // All of its length at once: from here on no mark needs space.
            ledger.file.write(&bytes, 0)?;
        }
        if start.epoch != Some(head.epoch) {
            ledger.head.epoch = head.epoch.checked_add(1).unwrap_or(1);
        }
        ledger.write_head(false)?;
        ledger.file.sync(SyncOptions { mode: SyncMode::Normal, data_only: false })?;
        Ok(ledger)
    }

    /// Counts the hosts.
    pub(crate) fn epoch(&self) -> u32 {
        self.head.epoch
    }

    /// Whether the host before did not end in good order.
    pub(crate) fn was_unclean(&self) -> bool {
        self.was_unclean
    }

    /// In how many milliseconds the names of the database's files can be taken as safe.
    pub(crate) fn settles_in(&self, now: u64) -> u32 {
        let left = self.head.created.saturating_add(SETTLED_AFTER_MS).saturating_sub(now);
        // A clock that was put back must not make it longer.
        if self.head.created == 0 { 0 } else { left.min(SETTLED_AFTER_MS) as u32 }
    }

    /// Learns where the log ends that an earlier host left, and with it whether the last commit was done.
    pub(crate) fn see(&mut self, log: Position) {
        if let Last::Unseen { number, position } = self.last {
            self.last = if position.was_passed_by(log) { Last::Done } else { self.fail(number) };
            // What is not on file now will be before the log changes.
            let _ = self.settle();
        }
    }

    /// Marks a request that is about to be committed. When this fails the commit must not be done.
    pub(crate) fn mark(&mut self, client: u64, request: u64, position: Position, outcome: Outcome) -> VfsResult<()> {
        if let Last::Unseen { .. } | Last::Open { .. } = self.last {
            return Err(unexpected());
        }
        self.settle_failure()?;
        self.make_room()?;
        let number = self.next;
        let written = self.append(self.head.epoch, Entry::Commit { client, request, position, outcome });
        // Even if it failed, it may be there.
        self.last = if written.is_ok() { Last::Open { number } } else { self.fail(number) };
        written
    }

    /// Marks a request that is about to be committed without a log. When this fails the commit must not be done.
    pub(crate) fn mark_blind(&mut self, client: u64, request: u64) -> VfsResult<()> {
        if let Last::Unseen { .. } | Last::Open { .. } = self.last {
            return Err(unexpected());
        }
        self.settle_failure()?;
        self.make_room()?;
        self.append(self.head.epoch, Entry::Blind { client, request })
    }

    /// Takes note of whether the commit that was marked was done.
    pub(crate) fn settled(&mut self, done: bool) {
        if let Last::Open { number } = self.last {
            self.last = if done { Last::Done } else { self.fail(number) };
        }
    }

    /// To be called before frames are written to the log: one of them may end a commit, and must not be taken for that
    /// of a mark whose commit failed.
    pub(crate) fn before_frames(&mut self) -> VfsResult<()> {
        match self.last {
            Last::Unseen { .. } => Err(unexpected()),
            Last::Failed { .. } => self.settle_failure(),
            Last::Settled | Last::Open { .. } | Last::Done => Ok(()),
        }
    }

    /// To be called before the log is begun anew or cut off: nothing in it tells of earlier commits then.
    pub(crate) fn before_restart(&mut self) -> VfsResult<()> {
        if let Last::Unseen { number, .. } = self.last {
            // SQLite throws the log away unread when the database is empty.
            self.last = self.fail(number);
        }
        self.settle()
    }

    /// Takes note of a client that has come for the first time. One that had come to another host may have to ask what
    /// became of requests, and a note of its arrival would say that it has heard of them.
    pub(crate) fn meet(&mut self, client: u64) {
        if !self.newest.contains_key(&client) {
            self.arrive(client);
        }
    }

    /// Takes note of a client that asks for something which it may have to ask about later, and has heard of everything
    /// that it asked other hosts for.
    pub(crate) fn arrive(&mut self, client: u64) {
        if let Last::Unseen { .. } | Last::Open { .. } = self.last {
            return;
        }
        if !self.here.contains(&client) {
            let written = self.settle_failure().and_then(|()| self.make_room());
            // Without it, an answer may be that nobody knows.
            if written.and_then(|()| self.append(self.head.epoch, Entry::Here { client })).is_ok() {
                self.here.insert(client);
            }
        }
    }

    /// Takes note of a client that has gone: nobody will ask about its requests.
    pub(crate) fn leave(&mut self, client: u64) {
        self.here.remove(&client);
        self.newest.remove(&client);
    }

    /// What became of requests of a client.
    pub(crate) fn fates(&mut self, client: u64, requests: &[u64]) -> VfsResult<Vec<Fate>> {
        let mut bytes = vec![0; FILE_BYTES as usize];
        let read = self.file.read(&mut bytes, 0)?;
        bytes.get_mut(read..).unwrap_or_default().fill(0);
        let last = match self.last {
            Last::Settled | Last::Done => Some(true),
            Last::Failed { .. } => Some(false),
            Last::Unseen { .. } | Last::Open { .. } => None,
        };
        Ok(Ring::read(&bytes).fates(client, requests, self.head.epoch, last))
    }

    /// Says that the host ends in good order.
    pub(crate) fn close(&mut self) -> VfsResult<()> {
        if let Last::Unseen { .. } = self.last {
            // Nobody has looked at the log: the next host does.
            return Ok(());
        }
        self.settle()?;
        self.write_head(true)
    }

    /// Writes over the older of the heads.
    fn write_head(&mut self, clean: bool) -> VfsResult<()> {
        let head = Head { turn: self.head.turn + 1, clean, ..self.head };
        let at = HEADS_AT[(head.turn % 2) as usize];
        self.file.write(&head.encode(), at)?;
        self.head = head;
        Ok(())
    }

    /// Puts on file what is known of the last commit.
    fn settle(&mut self) -> VfsResult<()> {
        if self.last == Last::Done {
            self.append(self.head.epoch, Entry::Done)?;
            self.last = Last::Settled;
        }
        self.settle_failure()
    }

    fn settle_failure(&mut self) -> VfsResult<()> {
        if let Last::Failed { number } = self.last {
            self.append(self.head.epoch, Entry::Failed { number })?;
            self.last = Last::Settled;
        }
        Ok(())
    }

    fn fail(&mut self, number: u64) -> Last {
        self.newest.values_mut().filter(|newest| newest.number == number).for_each(|newest| newest.failed = true);
        Last::Failed { number }
    }

    /// The client whose newest record has a number, and whether that commit failed.
    fn stands_at(&self, number: u64) -> Option<(u64, bool)> {
        let mut newest = self.newest.iter();
        newest.find(|(_, newest)| newest.number == number).map(|(client, newest)| (*client, newest.failed))
    }

    /// Copies what has to stay and stands where the next record will.
    fn make_room(&mut self) -> VfsResult<()> {
        while let Some(victim) = self.next.checked_sub(SLOTS)
            && let Some((client, failed)) = self.stands_at(victim)
        {
            let mut bytes = [0; BLOCK];
            self.file.read(&mut bytes, slot_at(victim))?;
            let kept = Record::decode(&bytes).filter(|record| record.number == victim).map(|record| {
                let entry = match record.entry {
                    Entry::Commit { client, request, outcome, .. } if !failed => {
                        Entry::Kept { client, request, outcome }
                    }
                    Entry::Commit { client, request, .. } => Entry::Lost { client, request },
                    other => other,
                };
                (record.epoch, entry)
            });
            match kept {
                Some((epoch, entry)) => self.append(epoch, entry)?,
                None => {
                    self.newest.remove(&client);
                }
            }
        }
        Ok(())
    }

    /// Writes a record. Wherever it is not, nothing may be open: any record says that the commit before it was done.
    fn append(&mut self, epoch: u32, entry: Entry) -> VfsResult<()> {
        let number = self.next;
        // A slot that could not be written may hold anything.
        self.next += 1;
        self.file.write(&Record { number, epoch, entry }.encode(), slot_at(number))?;
        if let Some(client) = entry.client() {
            self.newest.insert(client, Newest { number, failed: false });
            if self.newest.len() > MOST_CLIENTS
                && let Some(oldest) =
                    self.newest.iter().min_by_key(|(_, newest)| newest.number).map(|(client, _)| *client)
            {
                self.newest.remove(&oldest);
            }
        }
        if self.last == Last::Done {
            self.last = Last::Settled;
        }
        Ok(())
    }
}

fn block(bytes: &[u8], at: u64) -> Option<[u8; BLOCK]> {
    let at = at as usize;
    bytes.get(at..at + BLOCK).and_then(|bytes| bytes.try_into().ok())
}

fn last_of(ring: &Ring) -> Last {
    match ring.last() {
        Some(Record { number, entry: Entry::Commit { position, .. }, .. }) => {
            Last::Unseen { number: *number, position: *position }
        }
        _ => Last::Settled,
    }
}

/// The newest records of the clients that the last host knew, and the one before.
fn newest_of(ring: &Ring, epoch: u32) -> SortedMap<u64, Newest> {
    let failed = ring.failed();
    let recent = ring.records().iter().filter(|record| record.epoch.saturating_add(1) >= epoch);
    let newest = |record: &Record| {
        let number = record.number;
        record.entry.client().map(|client| (client, Newest { number, failed: failed.contains(&number) }))
    };
    recent.filter_map(newest).collect()
}

fn unexpected() -> VfsError {
    VfsError::new(
        VfsErrorCode::IoWrite,
        "the log was to be written while nobody knew what the last commit came to".into(),
    )
}

//! What the records of a mark file say together.

use super::format::{BLOCK, Block, Entry, RING_AT, Record, SLOTS, slot_at};
use aludel_protocol::{Fate, SortedMap, SortedSet};

/// Numbers beyond this one were never counted up to.
const LARGEST: u64 = 1 << 60;

/// The records of a mark file, in their order, without those that were cut short or do not belong where they stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ring {
    records: Vec<Record>,
}

impl Ring {
    /// Reads the bytes of a whole file.
    pub(crate) fn read(file: &[u8]) -> Ring {
        let ring = file.get(RING_AT as usize..).unwrap_or_default();
        let records: SortedMap<u64, Record> = ring
            .chunks_exact(BLOCK)
            .take(SLOTS as usize)
            .enumerate()
            .filter_map(|(slot, bytes)| {
                let record = Record::decode(<&Block>::try_from(bytes).ok()?)?;
                let here = slot_at(record.number) == RING_AT + (slot * BLOCK) as u64;
                (here && record.number < LARGEST).then_some((record.number, record))
            })
            .collect();
        let mut records: Vec<Record> = records.into_iter().map(|(_, record)| record).collect();
        // One that the last round left behind where a power cut lost its successor.
        let newest = records.last().map_or(0, |record| record.number);
        records.retain(|record| record.number + SLOTS > newest);
        Ring { records }
    }

    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    pub(crate) fn last(&self) -> Option<&Record> {
        self.records.last()
    }

    /// The numbers of the commits that were not done.
    pub(crate) fn failed(&self) -> SortedSet<u64> {
        let failed = |record: &Record| match record.entry {
            Entry::Failed { number } => Some(number),
            _ => None,
        };
        self.records.iter().filter_map(failed).collect()
    }

    /// Whether there were records that are here no more.
    fn has_lost_some(&self) -> bool {
        self.last().is_some_and(|last| last.number > SLOTS)
    }

    /// What became of requests of a client, which it had sent to hosts before that of `epoch`, or to this one if it has
    /// lost sight of it meanwhile. `last` is the fate of the last
    /// commit, of which no other record tells; nothing when nobody knows it.
    ///
    /// A request that is not found was not committed if its record cannot be among those that had to make room. That is
    /// so when the ring still has a record of this client that the client does not ask about: it is one that it has heard
    /// of, or of its arrival. Answers come in the order of the commits, so whatever it has not heard of was committed
    /// later, and is here.
    pub(crate) fn fates(&self, client: u64, requests: &[u64], epoch: u32, last: Option<bool>) -> Vec<Fate> {
        let failed = self.failed();
        let newest = self.last().map_or(0, |record| record.number);
        let asked: SortedSet<u64> = requests.iter().copied().collect();
        let has_heard = |record: &Record| match record.entry {
            Entry::Commit { client: of, request, .. }
            | Entry::Kept { client: of, request, .. }
            | Entry::Lost { client: of, request }
            | Entry::Blind { client: of, request } => of == client && !asked.contains(&request),
            // What it asks about was sent to hosts before this one, and to the host where it arrived when it had heard of all that
            // it had sent before.
            Entry::Here { client: of } => of == client && record.epoch != epoch,
            Entry::Done | Entry::Failed { .. } => false,
        };
        let complete = !self.has_lost_some() || self.records.iter().any(has_heard);
        let fate = |request: &u64| {
            let own = |of: u64, id: u64| of == client && id == *request;
            let committed = self.records.iter().rev().find_map(|record| match record.entry {
                Entry::Kept { client, request, outcome } if own(client, request) => Some(outcome.into()),
                Entry::Blind { client, request } if own(client, request) => Some(Fate::Unknown),
                Entry::Commit { client, request, outcome, .. }
                    if own(client, request) && !failed.contains(&record.number) =>
                {
                    match last {
                        _ if record.number < newest => Some(outcome.into()),
                        Some(true) => Some(outcome.into()),
                        Some(false) => None,
                        None => Some(Fate::Unknown),
                    }
                }
                _ => None,
            });
            committed.unwrap_or(if complete { Fate::NotCommitted } else { Fate::Unknown })
        };
        requests.iter().map(fate).collect()
    }
}

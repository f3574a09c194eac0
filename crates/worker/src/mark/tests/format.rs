//! What is written is read again, and nothing else is.

use super::support::TestFile;
use crate::mark::format::{BLOCK, Entry, FILE_BYTES, HEADS_AT, Head, Outcome, Position, Record, SLOTS, slot_at};
use crate::mark::ledger::{Ledger, Start};
use crate::mark::ring::Ring;
use crate::vfs::simulated::Random;

pub fn position(random: &mut Random) -> Position {
    Position { salts: random.number().to_be_bytes(), frames: random.number() as u32 }
}

pub fn outcome(random: &mut Random) -> Outcome {
    Outcome {
        changes: random.number() as i64,
        last_insert_rowid: random.number() as i64,
        had_rows: random.number().is_multiple_of(2),
    }
}

fn record(random: &mut Random) -> Record {
    let (client, request) = (random.number(), random.number());
    let entry = match random.below(7) {
        0 => Entry::Commit { client, request, position: position(random), outcome: outcome(random) },
        1 => Entry::Kept { client, request, outcome: outcome(random) },
        2 => Entry::Lost { client, request },
        3 => Entry::Here { client },
        4 => Entry::Done,
        5 => Entry::Blind { client, request },
        _ => Entry::Failed { number: request },
    };
    Record { number: 1 + random.number() % (1 << 59), epoch: random.number() as u32, entry }
}

#[test]
fn heads_and_records_are_read_as_they_were_written() {
    let mut random = Random::new("heads_and_records_are_read_as_they_were_written");
    for _ in 0..5_000 {
        let head = Head {
            turn: random.number(),
            epoch: random.number() as u32,
            clean: random.number().is_multiple_of(2),
            created: random.number(),
        };
        assert_eq!(Head::decode(&head.encode()), Some(head));
        let record = record(&mut random);
        assert_eq!(Record::decode(&record.encode()), Some(record));
        assert_eq!(Head::decode(&record.encode()), None);
        assert_eq!(Record::decode(&head.encode()), None);
    }
}

#[test]
fn what_was_cut_short_or_damaged_is_absent() {
    let mut random = Random::new("what_was_cut_short_or_damaged_is_absent");
    for _ in 0..2_000 {
        let (old, new) = (record(&mut random).encode(), record(&mut random).encode());
        for cut in 1..BLOCK {
            // The rest is what stood there before, or nothing.
            for mut torn in [old, [0; BLOCK]] {
                torn[..cut].copy_from_slice(&new[..cut]);
                let told = Record::decode(&torn);
                assert!(told.is_none() || torn == new || torn == old, "{cut}: {told:?}");
            }
        }
        let mut damaged = new;
        damaged[random.below(BLOCK)] ^= 1 << random.below(8);
        assert_eq!(Record::decode(&damaged), None);
    }
}

/// A file of any bytes: garbage, records where they belong and elsewhere, heads, any length.
fn any_file(random: &mut Random) -> Vec<u8> {
    let length = match random.below(4) {
        0 => random.below(2 * BLOCK),
        1 => random.below(FILE_BYTES as usize + 100),
        _ => FILE_BYTES as usize,
    };
    let mut file: Vec<u8> =
        if random.below(2) == 0 { vec![0; length] } else { (0..length).map(|_| random.number() as u8).collect() };
    let mut put = |at: u64, block: [u8; BLOCK]| {
        if let Some(place) = file.get_mut(at as usize..at as usize + BLOCK) {
            place.copy_from_slice(&block);
        }
    };
    for at in HEADS_AT {
        if random.below(2) == 0 {
            let turn = if random.below(4) == 0 { u64::MAX - random.below(2) as u64 } else { random.number() % 9 };
            let epoch = if random.below(4) == 0 { u32::MAX } else { random.number() as u32 % 9 };
            put(at, Head { turn, epoch, clean: random.below(2) == 0, created: random.number() }.encode());
        }
    }
    let first = random.number() % if random.below(3) == 0 { u64::MAX } else { 5 * SLOTS };
    for i in 0..random.below(SLOTS as usize) as u64 {
        let mut record = record(random);
        record.number = if random.below(9) == 0 { random.number() } else { first.wrapping_add(i) };
        if let Entry::Commit { client, request, .. } = &mut record.entry {
            (*client, *request) = (*client % 3, *request % 50);
        }
        let at = if random.below(9) == 0 { slot_at(random.number()) } else { slot_at(record.number) };
        put(at, record.encode());
    }
    file
}

#[test]
fn any_bytes_are_read_as_something_sane() {
    let mut random = Random::new("any_bytes_are_read_as_something_sane");
    for _ in 0..300 {
        let bytes = any_file(&mut random);
        let ring = Ring::read(&bytes);
        let numbers: Vec<u64> = ring.records().iter().map(|record| record.number).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        assert!(numbers.last().zip(numbers.first()).is_none_or(|(last, first)| last - first < SLOTS));

        let file = TestFile::of(bytes);
        let start = Start { now: random.number(), fresh: random.below(4) == 0, epoch: None };
        let mut ledger = Ledger::host(file.boxed(), start).unwrap();
        assert!(ledger.epoch() > 0 && ledger.settles_in(random.number()) <= 60_000);
        ledger.see(position(&mut random));
        let ids: Vec<u64> = (0..60).collect();
        assert_eq!(ledger.fates(1, &ids).unwrap().len(), ids.len());
        // From here on it is a mark file like any other.
        for request in 100..130 {
            ledger.mark(2, request, position(&mut random), outcome(&mut random)).unwrap();
            ledger.settled(request % 2 == 0);
        }
        let epoch = ledger.epoch();
        ledger.close().unwrap();
        let mut next = Ledger::host(file.boxed(), Start { now: 0, fresh: false, epoch: None }).unwrap();
        assert!(!next.was_unclean() && next.epoch() == epoch.checked_add(1).unwrap_or(1));
        let asked: Vec<u64> = (100..130).collect();
        let committed = |fate| matches!(fate, aludel_protocol::Fate::Committed { .. });
        let fates: Vec<bool> = next.fates(2, &asked).unwrap().into_iter().map(committed).collect();
        assert_eq!(fates, asked.iter().map(|request| request % 2 == 0).collect::<Vec<_>>());
    }
}

/// Other versions of aludel read these files, and this one theirs.
#[test]
fn the_bytes_are_those_of_every_version() {
    let hex = |block: [u8; BLOCK]| block.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let head = Head { turn: 0x0102_0304_0506_0708, epoch: 0x1112_1314, clean: true, created: 0x2122_2324_2526_2728 };
    assert_eq!(
        hex(head.encode()),
        "a4ad0326616c7564656c6d6b01000000080706050403020114131211012827262524232221000000000000000000000000000000000000000000000000000000"
    );
    let position = Position { salts: *b"saltsalt", frames: 0x3132_3334 };
    let outcome = Outcome { changes: -2, last_insert_rowid: 0x4142_4344_4546_4748, had_rows: true };
    let entry = Entry::Commit { client: 0x5152_5354_5556_5758, request: 0x6162_6364_6566_6768, position, outcome };
    let record = Record { number: 0x7172_7374_7576_7778, epoch: 9, entry };
    assert_eq!(
        hex(record.encode()),
        "02b9b47a01010900000078777675747372715857565554535251686766656463626173616c7473616c7434333231feffffffffffffff48474645444342410000"
    );
    let record = Record { number: 5, epoch: 9, entry: Entry::Failed { number: 4 } };
    assert_eq!(
        hex(record.encode()),
        "c1947a16050009000000050000000000000000000000000000000400000000000000000000000000000000000000000000000000000000000000000000000000"
    );
}

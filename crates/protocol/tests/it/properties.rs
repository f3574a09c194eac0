//! What holds for any values and any bytes.

use crate::random::Random;
use crate::samples::{all, batch, execute, execute_frame, header, rows_frame};
use aludel_protocol::{Batch, BatchWriter, ErrorKind, Execute, Header, Reader, Reply, Request, Value, ValueRef};

#[test]
fn random_rows_are_read_as_they_were_written() {
    let mut random = Random::seeded("random_rows_are_read_as_they_were_written");
    for _ in 0..400 {
        let (columns, rows) = (1 + random.below(8), random.below(20));
        let values: Vec<Value> = (0..columns * rows).map(|_| random.value()).collect();
        let names: Vec<String> = (0..columns).map(|_| random.text()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (changes, rowid) = (random.next() as i64, random.next() as i64);
        let frame = rows_frame(random.chance(2), changes, rowid, Some(&names), &batch(columns as u32, &values));
        let (_, Reply::Rows(read)) = Reply::decode(&frame).unwrap() else { panic!("no Rows") };
        assert_eq!((read.changes, read.last_insert_rowid), (changes, rowid));
        assert_eq!(read.columns.unwrap(), names);
        assert_eq!((read.batch.columns() as usize, read.batch.rows() as usize), (columns, rows));
        same(read.batch, &values);
    }
}

#[test]
fn random_parameters_are_read_as_they_were_written() {
    let mut random = Random::seeded("random_parameters_are_read_as_they_were_written");
    for _ in 0..400 {
        let (columns, sets) = (1 + random.below(5), random.below(9));
        let values: Vec<Value> = (0..columns * sets).map(|_| random.value()).collect();
        let sql = random.text();
        let asked = Execute { many: sets != 1, deadline: random.next() as u32, ..execute(&sql) };
        let frame = execute_frame(&header(), &asked, Some(&batch(columns as u32, &values)));
        let (_, Request::Execute(read)) = Request::decode(&frame).unwrap() else { panic!("no Execute") };
        same(read.parameters.unwrap(), &values);
        assert_eq!(Execute { parameters: None, ..read }, asked);
    }
}

fn same(batch: Batch<'_>, values: &[Value]) {
    let bits = |value: ValueRef<'_>| match value {
        ValueRef::Real(r) => (Some(r.to_bits()), ValueRef::Null.to_owned()),
        other => (None, other.to_owned()),
    };
    assert!(batch.cells().map(bits).eq(values.iter().map(|value| bits(value.as_ref()))));
}

/// Reads a frame in every way there is. None may panic, each answers `Ok` or a Protocol error, and what was read is
/// written and read again as the same.
fn read_in_every_way(frame: &[u8]) {
    let protocol = |kind: ErrorKind| assert_eq!(kind, ErrorKind::Protocol, "{frame:02x?}");
    match Request::decode(frame) {
        Ok((header, request)) => {
            let again = request.encode(&header);
            assert_eq!(Request::decode(&again).unwrap(), (header, request));
        }
        Err(error) => protocol(error.kind()),
    }
    match Reply::decode(frame) {
        Ok((header, reply)) => {
            if let Reply::Rows(rows) = &reply {
                assert_eq!(
                    rows.batch.cells().count() as u64,
                    u64::from(rows.batch.rows()) * u64::from(rows.batch.columns())
                );
            }
            let again = reply.encode(&header);
            assert_eq!(Reply::decode(&again).unwrap(), (header, reply));
        }
        Err(error) => protocol(error.kind()),
    }
    for error in [
        Reply::decode_head(frame).err(),
        Header::peek(frame).err(),
        Batch::decode(&mut Reader::new(frame)).err(),
        aludel_protocol::Error::decode(&mut Reader::new(frame)).err(),
    ] {
        error.iter().for_each(|error| protocol(error.kind()));
    }
}

#[test]
fn random_bytes_never_panic() {
    let mut random = Random::seeded("random_bytes_never_panic");
    for _ in 0..20_000 {
        read_in_every_way(&random.bytes(120));
    }
}

#[test]
fn random_bodies_behind_a_sound_header_never_panic() {
    let mut random = Random::seeded("random_bodies_behind_a_sound_header_never_panic");
    let kinds: Vec<u8> = (0x01..=0x0b).chain(0x80..=0x87).collect();
    for _ in 0..20_000 {
        let mut frame = Request::Reset.encode(&header());
        frame[2] = kinds[random.below(kinds.len())];
        let small = random.chance(2);
        let body = random.bytes(96);
        frame.extend(body.iter().map(|byte| if small { byte % 4 } else { *byte }));
        read_in_every_way(&frame);
    }
}

#[test]
fn mutated_frames_never_panic() {
    let mut random = Random::seeded("mutated_frames_never_panic");
    let samples: Vec<Vec<u8>> = all().into_iter().map(|sample| sample.frame).collect();
    for _ in 0..40_000 {
        let mut frame = samples[random.below(samples.len())].clone();
        for _ in 0..1 + random.below(4) {
            mutate(&mut frame, &samples, &mut random);
        }
        read_in_every_way(&frame);
    }
}

fn mutate(frame: &mut Vec<u8>, samples: &[Vec<u8>], random: &mut Random) {
    if frame.is_empty() {
        return;
    }
    let at = random.below(frame.len());
    match random.below(7) {
        0 => frame[at] ^= 1 << random.below(8),
        1 => frame[at] = random.next() as u8,
        2 => frame[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
        3 => frame.truncate(at),
        4 => frame.insert(at, random.next() as u8),
        5 => {
            frame.remove(at);
        }
        _ => {
            let other = &samples[random.below(samples.len())];
            frame.truncate(at);
            frame.extend(other.get(at..).unwrap_or(&[]));
        }
    }
}

#[test]
fn a_cut_batch_is_two_batches_of_the_same_rows() {
    let mut random = Random::seeded("a_cut_batch_is_two_batches_of_the_same_rows");
    for _ in 0..200 {
        let (columns, rows) = (1 + random.below(5), random.below(12));
        let cut = random.below(rows + 1) * columns;
        let values: Vec<Value> = (0..columns * rows).map(|_| random.value()).collect();
        let mut writer = BatchWriter::new(columns as u32);
        let start = writer.mark();
        values[..cut].iter().for_each(|value| writer.push(value.as_ref()));
        let middle = writer.mark();
        values[cut..].iter().for_each(|value| writer.push(value.as_ref()));
        let end = writer.mark();
        for (from, to, part) in [(start, middle, &values[..cut]), (middle, end, &values[cut..])] {
            let mut head = [0; 24];
            let bytes = writer.parts(from, to, &mut head).concat();
            assert!((bytes.len()..bytes.len() + 16).contains(&writer.byte_len_between(from, to)));
            let read = Batch::decode(&mut Reader::new(&bytes)).unwrap();
            assert!(read.lies_in(&bytes) && (read.cells().len() == 0 || !read.lies_in(&bytes.clone())));
            same(read, part);
        }
    }
}

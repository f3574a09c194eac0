//! Counts and lengths that lie cost an error, not memory: what decoding allocates is bounded by what was received.

use crate::samples::{batch, every_value, execute, execute_frame, full_error, header, rows_frame};
use aludel_protocol::{Batch, BatchWriter, Error, Reader, Reply, Request, Writer};

/// How many bytes `work` allocates on this thread.
fn allocated(work: impl FnOnce()) -> u64 {
    allocation_counter::measure(work).bytes_total
}

/// Each four bytes of each frame, replaced by large numbers.
#[test]
fn a_lying_count_allocates_no_more_than_the_frame_could_hold() {
    let values = every_value();
    let frames = [
        rows_frame(false, 1, 2, Some(&["a", "b", "c"]), &batch(3, &values[..24])),
        execute_frame(&header(), &execute("SELECT ?"), Some(&batch(26, &values))),
        Reply::Error { error: full_error(), in_transaction: true }.encode(&header()),
    ];
    for whole in frames {
        for at in 32..whole.len() - 4 {
            for lie in [u32::MAX, i32::MAX as u32, 0x0100_0000] {
                let mut frame = whole.clone();
                frame[at..at + 4].copy_from_slice(&lie.to_le_bytes());
                let bytes = allocated(|| {
                    let _ = Request::decode(&frame);
                    let _ = Reply::decode(&frame);
                });
                assert!(
                    bytes <= 16 * whole.len() as u64 + 2048,
                    "{bytes} bytes for {lie:#x} at {at} of {}",
                    whole.len()
                );
            }
        }
    }
}

#[test]
fn decoding_a_batch_copies_nothing() {
    let blob = aludel_protocol::Value::Blob(vec![7; 1 << 20]);
    let frame = rows_frame(false, -1, 0, None, &batch(1, &[blob, "x".repeat(1 << 20).into()]));
    let bytes = allocated(|| {
        let (_, Reply::Rows(rows)) = Reply::decode(&frame).unwrap() else { panic!("no Rows") };
        assert_eq!(rows.batch.cells().count(), 2);
    });
    assert_eq!(bytes, 0);
}

/// A batch by its six counts, with `body` behind them.
fn counted(counts: [u32; 6], body: &[u8]) -> Result<u32, Error> {
    let mut out = Writer::new();
    counts.into_iter().for_each(|count| out.u32(count));
    out.raw(body);
    let bytes = out.finish();
    Batch::decode(&mut Reader::new(&bytes)).map(|batch| batch.rows())
}

#[test]
fn products_of_counts_do_not_overflow() {
    for (rows, columns) in [(u32::MAX, u32::MAX), (1 << 31, 1 << 29), (u32::MAX, 1), (1, u32::MAX), (1 << 16, 1 << 16)]
    {
        assert!(counted([rows, columns, 0, 0, 0, 0], &[0; 64]).is_err());
    }
    for heap in 2..6 {
        let mut counts = [1, 1, 0, 0, 0, 0];
        counts[heap] = u32::MAX;
        assert!(counted(counts, &[0; 64]).is_err());
    }
    assert_eq!(counted([1, 1, 0, 0, 0, 0], &[0; 16]).unwrap(), 1);
}

#[test]
fn cells_that_claim_more_of_a_heap_than_it_has_are_refused() {
    let cell = |tag: u8, slot: u64| {
        let mut body = vec![tag, 0, 0, 0, 0, 0, 0, 0];
        body.extend(slot.to_le_bytes());
        body
    };
    let with = |counts: [u32; 4], tag, slot, heap: &[u8]| {
        let mut body = cell(tag, slot);
        body.extend(heap);
        counted([1, 1, counts[0], counts[1], counts[2], counts[3]], &body)
    };
    let utf8 = |utf16: u64, bytes: u64| utf16 | bytes << 32;
    assert!(with([3, 0, 0, 0], 4, 3, b"abc").is_ok());
    assert!(with([3, 0, 0, 0], 4, 4, b"abc").is_err(), "longer than the heap");
    assert!(with([3, 0, 0, 0], 4, 2, b"abc").is_err(), "leaves a rest of the heap");
    assert!(with([3, 0, 0, 0], 4, 3 | 1 << 32, b"abc").is_err(), "has bits where none belong");
    assert!(with([2, 0, 0, 0], 4, 2, "ä".as_bytes()).is_err(), "is no ASCII");
    assert!(with([0, 2, 1, 0], 5, utf8(1, 2), "ä".as_bytes()).is_ok());
    assert!(with([0, 2, 1, 0], 5, utf8(1, 1), "ä".as_bytes()).is_err(), "ends inside a character");
    assert!(with([0, 2, 3, 0], 5, utf8(3, 2), "ä".as_bytes()).is_err(), "more UTF-16 units than bytes");
    assert!(with([0, 1, 1, 0], 5, utf8(1, 1), &[0xff]).is_err(), "is no UTF-8");
    assert!(with([0, 3, 1, 0], 5, utf8(1, 3), &[0xed, 0xa0, 0x80]).is_err(), "is half a surrogate pair");
    assert!(with([0, 0, 0, 2], 6, 2, &[1, 2]).is_ok());
    assert!(with([0, 0, 0, 2], 6, 1 << 40, &[1, 2]).is_err());
    assert!(with([0; 4], 7, 0, &[]).is_err(), "an unknown tag");
    assert!(with([0; 4], 0, 1, &[]).is_err(), "a NULL that holds something");
    assert!(with([0; 4], 1, 0.5f64.to_bits(), &[]).is_err(), "an integer with a fraction");
    assert!(with([0; 4], 1, 9_007_199_254_740_992f64.to_bits(), &[]).is_err(), "an unsafe integer as a double");
    assert!(with([0; 4], 1, (-0.0f64).to_bits(), &[]).is_err(), "an integer of minus zero");
    assert!(with([0; 4], 1, f64::NAN.to_bits(), &[]).is_err());
    assert!(with([0; 4], 1, f64::INFINITY.to_bits(), &[]).is_err());
    assert!(with([0; 4], 3, f64::INFINITY.to_bits(), &[]).is_ok());
}

#[test]
fn a_text_that_begins_inside_a_character_is_refused() {
    // Two cells of a byte each, which add up to the heap of one character of two bytes.
    let mut body = vec![5, 5, 0, 0, 0, 0, 0, 0];
    body.extend([1u32, 1, 1, 1].into_iter().flat_map(u32::to_le_bytes));
    body.extend("ä".as_bytes());
    assert!(counted([1, 2, 0, 2, 2, 0], &body).is_err());
}

/// Bytes of sound frames that may only be 0, or 0 and 1, each with another value.
#[test]
fn flags_and_reserved_bytes_hold_what_they_may() {
    let execute = execute("SELECT 1").encode_head(&header(), false);
    let rows = rows_frame(true, -1, 0, None, &BatchWriter::new(1));
    let done = Reply::Done { in_transaction: false }.encode(&header());
    let commit = Request::Transaction { op: aludel_protocol::TransactionOp::Commit, deadline: 0 }.encode(&header());
    let cases = [
        (&execute, 3, 3, "a repeat class that is none"),
        (&execute, 28, 1, "reserved bytes of the header"),
        (&execute, 32, 6, "a begin mode that is none"),
        (&execute, 33, 2, "many"),
        (&execute, 34, 2, "stream"),
        (&execute, 35, 2, "parameters follow"),
        (&execute, 36, 1, "credits without a stream"),
        (&execute, 40, 1, "a most of rows without a stream"),
        (&commit, 32, 7, "a transaction op that is none"),
        (&commit, 33, 2, "a commit with a begin mode"),
        (&commit, 34, 1, "reserved bytes of a transaction"),
        (&rows, 32, 2, "more"),
        (&rows, 33, 2, "in transaction"),
        (&rows, 34, 2, "named"),
        (&rows, 35, 1, "the reserved byte of rows"),
        (&done, 32, 0xff, "in transaction"),
    ];
    for (sound, at, byte, what) in cases {
        let read = |frame: &[u8]| Request::decode(frame).map(|_| ()).or(Reply::decode(frame).map(|_| ()));
        assert!(read(sound).is_ok(), "{what}");
        let mut frame = sound.clone();
        frame[at] = byte;
        assert!(read(&frame).is_err(), "{what}: {byte} at {at} is accepted");
    }
}

#[test]
fn padding_must_be_zero() {
    let mut frame = execute("SELECT").encode_head(&header(), false);
    assert!(Request::decode(&frame).is_ok());
    *frame.last_mut().unwrap() = 1;
    assert!(Request::decode(&frame).is_err());
}

#[test]
fn a_patch_outside_of_what_was_written_does_nothing() {
    let mut out = Writer::new();
    assert!(out.is_empty());
    out.u32(1);
    out.patch_u32(1, 7);
    out.patch_u32(usize::MAX, 7);
    assert_eq!((out.len(), out.finish()), (4, vec![1, 0, 0, 0]));
}

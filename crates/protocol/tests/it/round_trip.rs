//! What is written is read back, field by field, and written again as the same bytes.

use crate::random::Random;
use crate::samples::{
    all, batch, blocked, call, commits, every_fate, every_value, execute, execute_frame, full_error, header, rows_frame,
};
use aludel_protocol::{
    Batch, BatchWriter, BeginMode, Delivery, Durability, Error, ErrorKind, Execute, Header, ImportPhase, ImportStep,
    MAX_SAFE_INTEGER, Notice, Obstacle, OpenOptions, ProcedureCall, ROWS_BATCH_OFFSET_AT, Reader, RepeatClass, Reply,
    Request, Storage, StorageReason, TransactionOp, Value, ValueRef, Writer,
};

#[test]
fn a_decoded_frame_is_written_as_the_same_bytes() {
    for sample in all() {
        let written = if sample.reply {
            let (header, reply) = Reply::decode(&sample.frame).unwrap();
            reply.encode(&header)
        } else {
            let (header, request) = Request::decode(&sample.frame).unwrap();
            request.encode(&header)
        };
        assert_eq!(written, sample.frame, "{}", sample.name);
    }
}

#[test]
fn headers_keep_every_field() {
    let mut random = Random::seeded("headers_keep_every_field");
    for _ in 0..1000 {
        let class = [RepeatClass::Safe, RepeatClass::Transaction, RepeatClass::InDoubt][random.below(3)];
        let header = Header {
            epoch: random.next() as u32,
            request: random.next(),
            connection: random.next() as u32,
            client: random.next(),
            class,
        };
        let frame = Request::Reset.encode(&header);
        assert_eq!(Request::decode(&frame).unwrap(), (header, Request::Reset));
        assert_eq!(Header::peek(&frame).unwrap(), header);
    }
}

#[test]
fn a_request_keeps_every_field() {
    let modes = [
        BeginMode::None,
        BeginMode::Auto,
        BeginMode::Deferred,
        BeginMode::Immediate,
        BeginMode::Exclusive,
        BeginMode::Own,
    ];
    let mut requests = vec![
        Request::Hello { protocol: u16::MAX, version: "1.2.3-ü" },
        Request::Credit { stream: u64::MAX, credits: u32::MAX },
        Request::CloseStream { stream: 1 << 63 },
        Request::Cancel { request: 0 },
        Request::Reset,
        Request::Close,
        Request::Shutdown,
        Request::Leave,
        Request::Fates(Vec::new()),
        Request::Fates(vec![0, u64::MAX]),
        Request::Watch { changes: false },
        Request::Site { text: "bei größe.js:1" },
        Request::Import(ImportStep::Begin(u64::MAX)),
        Request::Import(ImportStep::Chunk(&[])),
        Request::Import(ImportStep::Chunk(&[0, 255])),
        Request::Import(ImportStep::Finish),
        Request::Import(ImportStep::Abort),
        Request::Procedure(ProcedureCall {
            begin: BeginMode::None,
            within: false,
            read_only: true,
            engine: false,
            ..call()
        }),
        Request::Procedure(ProcedureCall { module: "größe", export: "", arguments: &[], deadline: 0, ..call() }),
    ];
    for storage in [Storage::Memory, Storage::Opfs, Storage::Disk] {
        for (durability, flag) in [(Durability::Normal, false), (Durability::Full, true)] {
            requests.push(Request::Open(OpenOptions {
                storage,
                path: "ordner/größe\0.db".into(),
                create: flag,
                durability,
                foreign_keys: !flag,
                cache_bytes: u32::MAX,
                statement_cache: 1,
                lock_timeout: 2,
                idle_transaction_timeout: 3,
                log_limit: 4,
            }));
        }
    }
    for mode in modes {
        for delivery in [Delivery::Buffered, Delivery::Stream { credits: 0, max_rows: u32::MAX }] {
            for many in [false, true] {
                let sql = "SELECT 'ß' -- \0";
                requests.push(Request::Execute(Execute { begin: mode, delivery, many, deadline: 9, ..execute(sql) }));
            }
        }
        requests.push(transaction(TransactionOp::Savepoint("naïve".into(), mode)));
    }
    for op in [TransactionOp::Commit, TransactionOp::Rollback, TransactionOp::Release(String::new())] {
        requests.push(transaction(op));
    }
    for mode in [BeginMode::Deferred, BeginMode::Immediate, BeginMode::Exclusive] {
        requests.push(transaction(TransactionOp::Begin(mode)));
    }
    for request in requests {
        assert_eq!(Request::decode(&request.encode(&header())).unwrap(), (header(), request));
    }
}

#[test]
fn a_request_that_is_sent_again_keeps_all_but_epoch_and_deadline() {
    let (was, now) = (header(), Header { epoch: 77, ..header() });
    for sample in all().iter().filter(|sample| !sample.reply) {
        let (header, request) = Request::decode(&sample.frame).unwrap();
        let mut frame = sample.frame.clone();
        Request::renew(&mut frame, 77, 0);
        assert_eq!(frame, request.encode(&Header { epoch: 77, ..header }), "{}", sample.name);
        (0..frame.len()).for_each(|len| Request::renew(&mut frame[..len], 77, 1));
    }
    for (deadline, elapsed, left) in [(0, 9, 0), (1000, 0, 1000), (1000, 400, 600), (1000, 999, 1), (1000, 5000, 1)] {
        let of = |deadline| {
            let statement = Request::Execute(Execute { deadline, ..execute("SELECT 'deadline'") });
            let procedure = Request::Procedure(ProcedureCall { deadline, ..call() });
            [statement, Request::Transaction { op: TransactionOp::Commit, deadline }, procedure]
        };
        for (request, renewed) in of(deadline).iter().zip(of(left)) {
            let mut frame = request.encode(&was);
            Request::renew(&mut frame, 77, elapsed);
            assert_eq!(Request::decode(&frame).unwrap(), (now, renewed));
        }
    }
}

#[test]
fn what_is_said_unasked_keeps_every_field() {
    let of_log = aludel_protocol::Blocked { obstacle: Obstacle::Snapshot, site: None, log_bytes: 1 << 40, ..blocked() };
    let replies = [
        Reply::Fates(every_fate()),
        Reply::Progress { phase: ImportPhase::Check, done: u64::MAX, total: 1 },
        Reply::Progress { phase: ImportPhase::Copy, done: 0, total: u64::MAX },
        Reply::Returned { in_transaction: false, ended: true, value: &[] },
        Reply::Returned { in_transaction: true, ended: true, value: &[0, 255] },
        Reply::Notice(Notice::Changed(commits())),
        Reply::Notice(Notice::Changed(Vec::new())),
        Reply::Notice(Notice::Blocked(blocked())),
        Reply::Notice(Notice::Blocked(of_log)),
        Reply::Notice(Notice::Holding),
    ];
    for reply in replies {
        assert_eq!(Reply::decode(&reply.encode(&header())).unwrap(), (header(), reply));
    }
}

fn transaction(op: TransactionOp) -> Request<'static> {
    Request::Transaction { op, deadline: 1234 }
}

#[test]
fn begin_in_a_mode_that_is_no_begin_is_refused() {
    for mode in [BeginMode::None, BeginMode::Auto, BeginMode::Own] {
        let frame = transaction(TransactionOp::Begin(mode)).encode(&header());
        assert_eq!(Request::decode(&frame).unwrap_err().kind(), ErrorKind::Protocol, "{mode:?}");
    }
}

#[test]
fn values_keep_their_bits() {
    let values = every_value();
    for columns in [1, 2, 13, 26] {
        let frame = execute_frame(&header(), &execute("SELECT 1"), Some(&batch(columns, &values)));
        let (_, Request::Execute(read)) = Request::decode(&frame).unwrap() else { panic!("no Execute") };
        let cells = read.parameters.unwrap();
        assert_eq!((cells.columns(), cells.rows()), (columns, 26 / columns));
        assert_eq!(cells.cells().len(), 26);
        for (read, written) in cells.cells().zip(&values) {
            assert!(same(read, written.as_ref()), "{read:?} for {written:?}");
        }
    }
}

/// Equal to the last bit: `==` takes 0.0 for -0.0.
fn same(left: ValueRef<'_>, right: ValueRef<'_>) -> bool {
    match (left, right) {
        (ValueRef::Real(l), ValueRef::Real(r)) => l.to_bits() == r.to_bits(),
        (left, right) => left == right,
    }
}

#[test]
fn integers_keep_all_64_bits() {
    let mut random = Random::seeded("integers_keep_all_64_bits");
    let edges = [0, 53, 62, 63].map(|bit| 1i64 << bit);
    let near = edges.into_iter().chain([MAX_SAFE_INTEGER, -MAX_SAFE_INTEGER]).flat_map(|edge| {
        [edge.wrapping_sub(2), edge.wrapping_sub(1), edge, edge.wrapping_add(1), edge.wrapping_add(2)]
            .into_iter()
            .flat_map(|i| [i, i.wrapping_neg()])
    });
    let anywhere = (0..2000).map(|_| random.next() as i64 >> random.below(64));
    let integers: Vec<Value> = near.chain(anywhere.collect::<Vec<_>>()).map(Value::Integer).collect();
    let frame = rows_frame(false, -1, 0, Some(&["i"]), &batch(1, &integers));
    let (_, Reply::Rows(rows)) = Reply::decode(&frame).unwrap() else { panic!("no Rows") };
    assert!(rows.batch.cells().map(ValueRef::to_owned).eq(integers));
}

#[test]
fn a_nan_is_refused() {
    for nan in [f64::NAN, -f64::NAN, f64::from_bits(0x7ff0_0000_0000_0001), f64::from_bits(u64::MAX)] {
        let frame = rows_frame(false, -1, 0, Some(&["r"]), &batch(1, &[Value::Real(nan)]));
        assert_eq!(Reply::decode(&frame).unwrap_err().kind(), ErrorKind::Protocol);
    }
}

#[test]
fn a_writer_of_batches_can_be_used_again() {
    let mut writer = batch(2, &every_value());
    assert_eq!((writer.rows(), writer.columns(), writer.cells()), (13, 2, 26));
    writer.reset(1);
    assert_eq!((writer.rows(), writer.columns(), writer.cells()), (0, 1, 0));
    writer.push(ValueRef::Text("ä"));
    let mut fresh = BatchWriter::new(1);
    fresh.push(ValueRef::Text("ä"));
    assert_eq!(bytes(&writer), bytes(&fresh));
    assert!(writer.byte_len() >= bytes(&writer).len());
}

#[test]
fn rows_of_no_columns_count_as_parameters_only() {
    let mut out = Writer::new();
    out.raw(&Execute { many: true, ..execute("INSERT INTO t DEFAULT VALUES") }.encode_head(&header(), true));
    BatchWriter::new(0).encode_rows(&mut out, 3);
    let frame = out.finish();
    let (_, Request::Execute(read)) = Request::decode(&frame).unwrap() else { panic!("no Execute") };
    assert_eq!((read.parameters.unwrap().rows(), read.parameters.unwrap().columns()), (3, 0));

    let mut out = aludel_protocol::RowsReply::encode_head(&header(), false, false, -1, 0, None);
    BatchWriter::new(0).encode_rows(&mut out, u32::MAX);
    assert_eq!(Reply::decode(&out.finish()).unwrap_err().kind(), ErrorKind::Protocol);
}

#[test]
fn names_and_columns_that_differ_in_number_are_refused() {
    let frame = rows_frame(false, -1, 0, Some(&["a", "b"]), &batch(1, &[Value::Null]));
    assert_eq!(Reply::decode(&frame).unwrap_err().kind(), ErrorKind::Protocol);
}

fn bytes(batch: &BatchWriter) -> Vec<u8> {
    let mut out = Writer::new();
    batch.encode(&mut out);
    out.finish()
}

#[test]
fn the_head_of_a_rows_frame_can_be_read_without_its_batch() {
    let frame = rows_frame(true, 4, -9, Some(&["größe", ""]), &batch(2, &every_value()));
    let at = u32::from_le_bytes(frame[ROWS_BATCH_OFFSET_AT..][..4].try_into().unwrap()) as usize;
    assert_eq!(at % 8, 0);
    let (read, Reply::Rows(head)) = Reply::decode_head(&frame[..at]).unwrap() else { panic!("no Rows") };
    assert_eq!(read, header());
    assert_eq!((head.more, head.changes, head.last_insert_rowid), (true, 4, -9));
    assert_eq!(head.columns, Some(vec!["größe", ""]));
    assert_eq!(head.batch, Batch::EMPTY);
    let batch = Batch::decode(&mut Reader::new(&frame[at..])).unwrap();
    assert_eq!(batch.cells().map(ValueRef::to_owned).collect::<Vec<_>>(), every_value());
    assert_eq!(Reply::head_len(&frame[..64], frame.len()), at);
    assert!(Reply::decode_head(&frame).is_err(), "a head with the batch behind it");
    assert!(Reply::decode(&frame[..at]).is_err(), "a frame without its batch");
}

#[test]
fn errors_keep_every_field() {
    let mut errors = vec![full_error(), full_error().with_offset(Some(u32::MAX)).with_sqlite_code(i32::MIN)];
    errors.extend(ErrorKind::ALL.iter().map(|kind| Error::new(*kind, format!("{kind:?}\0"))));
    errors.extend(StorageReason::ALL.map(|reason| Error::storage(reason, "")));
    for error in errors {
        let reply = Reply::Error { error, in_transaction: false };
        assert_eq!(Reply::decode(&reply.encode(&header())).unwrap(), (header(), reply));
    }
}

#[test]
fn a_long_chain_of_causes_arrives_cut() {
    let chain = (0..50).fold(Error::new(ErrorKind::Internal, "0"), |cause, i| {
        Error::new(ErrorKind::Operational, format!("{}", i + 1)).with_cause(cause)
    });
    let frame = Reply::Error { error: chain, in_transaction: false }.encode(&header());
    let (_, Reply::Error { error, .. }) = Reply::decode(&frame).unwrap() else { panic!("no Error") };
    let messages: Vec<&str> =
        std::iter::successors(Some(&error), |error| error.cause()).map(|error| error.message()).collect();
    assert_eq!(messages, ["50", "49", "48", "47", "46", "45", "44", "43", "42"]);
}

#[test]
fn only_a_rows_frame_has_a_head_shorter_than_itself() {
    for sample in all().into_iter().filter(|sample| sample.reply) {
        let (head, whole) = (Reply::head_len(&sample.frame, sample.frame.len()), sample.frame.len());
        assert_eq!(head < whole, sample.name.starts_with("reply_rows"), "{}", sample.name);
        assert!(Reply::decode_head(&sample.frame[..head]).is_ok(), "{}", sample.name);
        for len in 0..ROWS_BATCH_OFFSET_AT + 4 {
            assert!(Reply::head_len(&sample.frame[..len.min(whole)], whole) <= whole);
        }
    }
}

//! One frame of every kind and variant, each under the name of its golden file.

use aludel_protocol::{
    BatchWriter, BeginMode, Blocked, Commit, Constraint, ConstraintKind, Delivery, Durability, Error, ErrorKind,
    Execute, Fate, Header, ImportPhase, ImportStep, Notice, Obstacle, OpenOptions, Party, ProcedureCall, RepeatClass,
    Reply, Request, RowsReply, Storage, StorageReason, TransactionOp, Value, Writer,
};

/// A named frame; `reply` says which way it goes.
pub struct Sample {
    pub name: &'static str,
    pub reply: bool,
    pub frame: Vec<u8>,
}

/// The header of the samples: every field has a value of its own.
pub fn header() -> Header {
    Header { epoch: 3, request: 0x0102_0304_0506_0708, connection: 7, client: 0x99, class: RepeatClass::Transaction }
}

/// Every storage class and every way in which a cell may be written.
pub fn every_value() -> Vec<Value> {
    vec![
        Value::Null,
        Value::Integer(0),
        Value::Integer(-1),
        Value::Integer(aludel_protocol::MAX_SAFE_INTEGER),
        Value::Integer(-aludel_protocol::MAX_SAFE_INTEGER),
        Value::Integer(aludel_protocol::MAX_SAFE_INTEGER + 1),
        Value::Integer(-aludel_protocol::MAX_SAFE_INTEGER - 1),
        Value::Integer(i64::MAX),
        Value::Integer(i64::MIN),
        Value::Real(1.0),
        Value::Real(-0.0),
        Value::Real(0.1),
        Value::Real(f64::INFINITY),
        Value::Real(f64::NEG_INFINITY),
        Value::Real(f64::MAX),
        Value::Real(5e-324),
        Value::Text(String::new()),
        Value::Text("plain".into()),
        Value::Text("a\0b".into()),
        Value::Text("naïve".into()),
        Value::Text("日本語".into()),
        Value::Text("\u{1f9ea} alembic".into()),
        Value::Text("e\u{301}\0\u{10ffff}".into()),
        Value::Blob(vec![]),
        Value::Blob(vec![0, 1, 0xfe, 0xff]),
        Value::Text("the last ASCII cell".into()),
    ]
}

/// A batch of these cells, `columns` to a row.
pub fn batch(columns: u32, cells: &[Value]) -> BatchWriter {
    let mut batch = BatchWriter::new(columns);
    cells.iter().for_each(|cell| batch.push(cell.as_ref()));
    batch
}

/// The frame of an Execute with this batch of parameters.
pub fn execute_frame(header: &Header, execute: &Execute<'_>, parameters: Option<&BatchWriter>) -> Vec<u8> {
    let mut frame = execute.encode_head(header, parameters.is_some());
    if let Some(parameters) = parameters {
        let mut out = Writer::new();
        parameters.encode(&mut out);
        frame.extend(out.finish());
    }
    frame
}

/// A plain Execute, to be varied.
pub fn execute(sql: &str) -> Execute<'_> {
    Execute {
        begin: BeginMode::None,
        delivery: Delivery::Buffered,
        many: false,
        deadline: 0,
        first_batch_bytes: 32 * 1024,
        batch_bytes: 256 * 1024,
        sql,
        parameters: None,
    }
}

/// The frame of a Rows reply with this batch.
pub fn rows_frame(more: bool, changes: i64, rowid: i64, columns: Option<&[&str]>, batch: &BatchWriter) -> Vec<u8> {
    let columns: Option<Vec<String>> = columns.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    let mut out = RowsReply::encode_head(&header(), more, true, changes, rowid, columns.as_deref());
    batch.encode(&mut out);
    out.finish()
}

fn requests() -> Vec<(&'static str, Vec<u8>)> {
    let header = header();
    let open = OpenOptions {
        storage: Storage::Opfs,
        path: "a/bücher.db".into(),
        create: true,
        durability: Durability::Full,
        foreign_keys: true,
        cache_bytes: 8 << 20,
        statement_cache: 100,
        lock_timeout: 30_000,
        idle_transaction_timeout: 60_000,
        log_limit: 256 << 20,
    };
    let plain = OpenOptions {
        storage: Storage::Memory,
        path: String::new(),
        create: false,
        durability: Durability::Normal,
        foreign_keys: false,
        cache_bytes: 0,
        statement_cache: 0,
        lock_timeout: 0,
        idle_transaction_timeout: 0,
        log_limit: 0,
    };
    let transaction = |op, deadline| Request::Transaction { op, deadline }.encode(&header);
    let sets = batch(2, &[Value::Integer(1), "Dan".into(), Value::Integer(2), Value::Null]);
    let stream = Delivery::Stream { credits: 4, max_rows: 1000 };
    let sp = || "sa_savepoint_1".to_owned();
    let mut all = vec![
        ("hello", Request::Hello { protocol: 1, version: "0.1.0" }.encode(&header)),
        ("open_opfs", Request::Open(open.clone()).encode(&header)),
        ("open_memory", Request::Open(plain.clone()).encode(&header)),
        (
            "open_disk",
            Request::Open(OpenOptions { storage: Storage::Disk, path: "tmp/x.db".into(), ..plain }).encode(&header),
        ),
        ("execute", Request::Execute(execute("SELECT 1")).encode(&header)),
        (
            "execute_values",
            execute_frame(
                &header,
                &Execute { begin: BeginMode::Auto, deadline: 1500, ..execute("SELECT ?") },
                Some(&batch(every_value().len() as u32, &every_value())),
            ),
        ),
        (
            "execute_many",
            execute_frame(
                &header,
                &Execute { begin: BeginMode::Own, many: true, ..execute("INSERT INTO t VALUES (?, ?)") },
                Some(&sets),
            ),
        ),
        (
            "execute_no_sets",
            execute_frame(&header, &Execute { many: true, ..execute("DELETE FROM t") }, Some(&BatchWriter::new(1))),
        ),
        (
            "execute_stream",
            execute_frame(
                &header,
                &Execute { begin: BeginMode::Deferred, delivery: stream, ..execute("SELECT 'ü'") },
                None,
            ),
        ),
        ("transaction_begin_deferred", transaction(TransactionOp::Begin(BeginMode::Deferred), 0)),
        ("transaction_begin_immediate", transaction(TransactionOp::Begin(BeginMode::Immediate), 5000)),
        ("transaction_begin_exclusive", transaction(TransactionOp::Begin(BeginMode::Exclusive), 0)),
        ("transaction_commit", transaction(TransactionOp::Commit, 0)),
        ("transaction_rollback", transaction(TransactionOp::Rollback, u32::MAX)),
        ("transaction_savepoint", transaction(TransactionOp::Savepoint(sp(), BeginMode::None), 0)),
        ("transaction_savepoint_begin", transaction(TransactionOp::Savepoint(sp(), BeginMode::Immediate), 0)),
        ("transaction_release", transaction(TransactionOp::Release(sp()), 0)),
        ("transaction_rollback_to", transaction(TransactionOp::RollbackTo(sp()), 0)),
        ("credit", Request::Credit { stream: 12, credits: 2 }.encode(&header)),
        ("close_stream", Request::CloseStream { stream: 12 }.encode(&header)),
        ("cancel", Request::Cancel { request: u64::MAX }.encode(&header)),
        ("reset", Request::Reset.encode(&header)),
        ("close", Request::Close.encode(&header)),
        ("shutdown", Request::Shutdown.encode(&Header::new(0, 1, 0, RepeatClass::InDoubt))),
        ("leave", Request::Leave.encode(&header)),
        ("fates", Request::Fates(vec![7, u64::MAX]).encode(&header)),
        ("watch", Request::Watch { changes: true }.encode(&header)),
        ("site", Request::Site { text: "at app.js:7:9" }.encode(&header)),
        ("import_begin", Request::Import(ImportStep::Begin(8192)).encode(&header)),
        ("import_chunk", Request::Import(ImportStep::Chunk(b"SQLite format 3\0")).encode(&header)),
        ("import_finish", Request::Import(ImportStep::Finish).encode(&header)),
        ("import_abort", Request::Import(ImportStep::Abort).encode(&header)),
        ("procedure", Request::Procedure(call()).encode(&header)),
    ];
    for (name, begin) in [("execute_immediate", BeginMode::Immediate), ("execute_exclusive", BeginMode::Exclusive)] {
        all.push((name, Request::Execute(Execute { begin, ..execute("SELECT 2") }).encode(&header)));
    }
    all
}

/// A procedure.
pub fn call() -> ProcedureCall<'static> {
    ProcedureCall {
        begin: BeginMode::Auto,
        within: true,
        read_only: false,
        engine: true,
        deadline: 1000,
        module: "https://app.example/procs.js",
        export: "moveAll",
        arguments: b"\x07\x00",
    }
}

/// An error with every field set, and a cause.
pub fn full_error() -> Error {
    Error::new(ErrorKind::Integrity, "UNIQUE constraint failed: users.name")
        .with_sqlite_code(2067)
        .with_offset(Some(7))
        .with_statement("INSERT INTO users (name) VALUES (?)")
        .with_parameters("('Dan')")
        .with_constraint(Constraint {
            kind: ConstraintKind::Unique,
            name: Some("uq_users_name".into()),
            table: Some("users".into()),
            columns: vec!["name".into(), "größe".into()],
        })
        .with_retryable(true)
        .with_cause(Error::storage(StorageReason::Quota, "QuotaExceededError"))
}

/// One of each.
pub fn every_fate() -> Vec<Fate> {
    let committed = Fate::Committed { changes: 2, last_insert_rowid: -9, had_rows: true };
    vec![Fate::NotCommitted, committed, Fate::Unknown]
}

fn party() -> Party {
    Party { client: 0x0123_4567_89ab_cdef, connection: 3 }
}

/// A commit of rows, and one of the schema.
pub fn commits() -> Vec<Commit> {
    let tables = vec!["größe".to_owned(), "users".to_owned()];
    vec![
        Commit { number: 41, by: party(), schema: false, tables },
        Commit { number: 42, by: party(), schema: true, tables: Vec::new() },
    ]
}

/// A writer that waits.
pub fn blocked() -> Blocked {
    Blocked {
        obstacle: Obstacle::WriteLock,
        waiter: Party { client: 1, connection: 2 },
        waited: 1000,
        holder: party(),
        held: 4000,
        site: Some("at app.js:7:9".into()),
        log_bytes: 0,
    }
}

fn notice(notice: Notice) -> Vec<u8> {
    Reply::Notice(notice).encode(&Header { request: 0, ..header() })
}

fn replies() -> Vec<(&'static str, Vec<u8>)> {
    let header = header();
    let error = |error: Error| Reply::Error { error, in_transaction: true }.encode(&header);
    let values = every_value();
    let names = ["id", "", "__proto__", "größe"];
    let cells = [Value::Integer(1), "x".into(), Value::Null, Value::Real(2.5)];
    vec![
        ("reply_hello", Reply::Hello { protocol: 1, version: "0.1.0", sqlite_version: "3.53.4" }.encode(&header)),
        (
            "reply_opened",
            Reply::Opened { storage: Storage::Opfs, journal_mode: "wal", settles_in: 60_000 }.encode(&header),
        ),
        ("reply_rows", rows_frame(false, -1, 0, Some(&names), &batch(4, &cells))),
        ("reply_rows_more", rows_frame(true, -1, i64::MIN, None, &batch(2, &cells))),
        ("reply_rows_values", rows_frame(false, -1, 9, Some(&["value"]), &batch(1, &values))),
        ("reply_rows_empty", rows_frame(false, -1, 0, Some(&["a", "b"]), &BatchWriter::new(2))),
        ("reply_rows_changes", rows_frame(false, 5, i64::MAX, Some(&[]), &BatchWriter::new(0))),
        ("reply_done", Reply::Done { in_transaction: false }.encode(&header)),
        ("reply_done_in_transaction", Reply::Done { in_transaction: true }.encode(&header)),
        ("reply_error", error(Error::new(ErrorKind::WorkerGone, "the worker ended"))),
        ("reply_error_full", error(full_error())),
        ("reply_fates", Reply::Fates(every_fate()).encode(&header)),
        ("reply_returned", Reply::Returned { in_transaction: true, ended: false, value: b"\x03" }.encode(&header)),
        ("reply_progress", Reply::Progress { phase: ImportPhase::Copy, done: 4096, total: 1 << 40 }.encode(&header)),
        ("notice_changed", notice(Notice::Changed(commits()))),
        ("notice_blocked", notice(Notice::Blocked(blocked()))),
        ("notice_holding", notice(Notice::Holding)),
        ("reply_fatal", Reply::Fatal { message: "panicked at 'x'" }.encode(&header)),
    ]
}

/// Every sample.
pub fn all() -> Vec<Sample> {
    let sample = |reply| move |(name, frame)| Sample { name, reply, frame };
    requests().into_iter().map(sample(false)).chain(replies().into_iter().map(sample(true))).collect()
}

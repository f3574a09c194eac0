//! The closed set of messages, and their frames.
//!
//! A frame is a [`Header`] of 32 bytes and a body. Requests and replies are matched by the header's request id. The
//! header also carries what several tabs on one database need: the epoch of the host, the id of the sender, and whether
//! a request may be repeated on a new host.

use crate::codec::malformed;
use crate::{Batch, Error, Reader, Result, Writer};

/// The version of the frame format: the second byte of each frame.
pub const FRAME_VERSION: u8 = 1;
/// The newest protocol version that this crate speaks, said in Hello.
pub const PROTOCOL_VERSION: u16 = 1;
/// How many bytes the header of a frame has.
pub const HEADER_LEN: usize = 32;
/// Where in a Rows frame the `u32` stands that says at which byte of the frame the batch begins.
pub const ROWS_BATCH_OFFSET_AT: usize = HEADER_LEN + 4;

const MAGIC: u8 = 0xA1;

/// Whether a request may be repeated when its host went away before it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RepeatClass {
    /// It changes nothing, or nothing that outlives the host: repeat it.
    Safe = 0,
    /// It belongs to an open transaction, which died with the host: it fails.
    Transaction = 1,
    /// It may have been committed: ask the database before repeating it.
    InDoubt = 2,
}

/// The first 32 bytes of each frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Counts the hosts of one database: a frame of another epoch is stale.
    pub epoch: u32,
    /// Pairs replies with requests; unique per sender. A stream's id is that of its Execute.
    pub request: u64,
    /// The connection it is about, chosen by the client; 0 where there is none.
    pub connection: u32,
    /// The sender, where several share one channel; else 0.
    pub client: u64,
    /// Whether it may be repeated (requests only).
    pub class: RepeatClass,
}

impl Header {
    /// A header for a request of a lone client.
    pub fn new(epoch: u32, request: u64, connection: u32, class: RepeatClass) -> Header {
        Header { epoch, request, connection, client: 0, class }
    }

    fn encode(&self, kind: u8, out: &mut Writer) {
        out.u8(MAGIC);
        out.u8(FRAME_VERSION);
        out.u8(kind);
        out.u8(self.class as u8);
        out.u32(self.epoch);
        out.u64(self.request);
        out.u64(self.client);
        out.u32(self.connection);
        out.u32(0);
    }

    fn decode(input: &mut Reader<'_>) -> Result<(u8, Header)> {
        let magic = input.u8()?;
        if magic != MAGIC {
            return Err(malformed(format!("a frame begins with {MAGIC:#x}, this with {magic:#x}")));
        }
        let version = input.u8()?;
        if version != FRAME_VERSION {
            return Err(malformed(format!("frame format {version}, where {FRAME_VERSION} is spoken")));
        }
        let kind = input.u8()?;
        let class = match input.u8()? {
            0 => RepeatClass::Safe,
            1 => RepeatClass::Transaction,
            2 => RepeatClass::InDoubt,
            other => return Err(malformed(format!("repeat class {other}"))),
        };
        let epoch = input.u32()?;
        let request = input.u64()?;
        let client = input.u64()?;
        let connection = input.u32()?;
        match input.u32()? {
            0 => Ok((kind, Header { epoch, request, connection, client, class })),
            other => Err(malformed(format!("reserved header bytes hold {other:#x}"))),
        }
    }

    /// Reads only the header of a frame: what an error reply to a bad body needs.
    pub fn peek(frame: &[u8]) -> Result<Header> {
        Header::decode(&mut Reader::new(frame)).map(|(_, header)| header)
    }
}

/// Where a database lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Storage {
    /// In the memory of the worker.
    Memory = 0,
    /// In the origin private file system.
    Opfs = 1,
    /// In a file of the host's file system (native only).
    Disk = 2,
}

/// What an acknowledged commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Durability {
    /// The death of tab and browser (WAL with synchronous=NORMAL).
    Normal = 0,
    /// A power cut, too (synchronous=FULL).
    Full = 1,
}

/// What Open needs to make a connection. All of it travels in one frame, pragmas included.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenOptions {
    /// Where the database lives.
    pub storage: Storage,
    /// Its path, with `/` between parts, without a leading one.
    pub path: String,
    /// Whether to create it when it is not there.
    pub create: bool,
    /// What commits survive.
    pub durability: Durability,
    /// Whether foreign keys are enforced.
    pub foreign_keys: bool,
    /// This connection's share of the page cache, in bytes.
    pub cache_bytes: u32,
    /// How many prepared statements it keeps.
    pub statement_cache: u32,
    /// How long a writer waits for its turn, in milliseconds; 0 is forever.
    pub lock_timeout: u32,
}

/// What transaction a statement needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BeginMode {
    /// It runs in the transaction that is open, or else as SQLite's own autocommit.
    None = 0,
    /// Begin first: IMMEDIATE when the statement writes (`sqlite3_stmt_readonly`), else DEFERRED.
    Auto = 1,
    /// Begin DEFERRED first.
    Deferred = 2,
    /// Begin IMMEDIATE first.
    Immediate = 3,
    /// Begin EXCLUSIVE first.
    Exclusive = 4,
    /// The request is a transaction of its own: committed when all of it succeeds, else rolled back.
    Own = 5,
}

/// How the rows of a statement come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// All of them, in as many Rows frames as they need; the last says so.
    Buffered,
    /// As many Rows frames as there are credits; more when Credit grants them.
    Stream {
        /// How many frames may be sent at once.
        credits: u32,
        /// At most how many rows a frame holds; 0 leaves it to `batch_bytes`.
        max_rows: u32,
    },
}

/// A statement to run, with its parameters.
#[derive(Clone, Debug)]
pub struct Execute<'a> {
    /// What transaction it needs.
    pub begin: BeginMode,
    /// How its rows come back.
    pub delivery: Delivery,
    /// Whether the parameters are a list of sets, each of which runs the statement once.
    pub many: bool,
    /// How long it may take from its arrival, in milliseconds, waiting included; 0 is forever.
    pub deadline: u32,
    /// About how many bytes the first Rows frame holds.
    pub first_batch_bytes: u32,
    /// About how many bytes each later Rows frame holds.
    pub batch_bytes: u32,
    /// One SQL statement.
    pub sql: &'a str,
    /// Parameter sets: a row each, a column per SQLite parameter index (from 1).
    pub parameters: Option<Batch<'a>>,
}

/// What is done to a transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum TransactionOp {
    /// `BEGIN` in this mode ([`BeginMode::Auto`] and [`BeginMode::Own`] do not fit and are refused).
    Begin(BeginMode),
    /// `COMMIT`.
    Commit,
    /// `ROLLBACK`; succeeds when no transaction is open.
    Rollback,
    /// `SAVEPOINT name`, after `BEGIN` in the given mode when it is not [`BeginMode::None`].
    Savepoint(String, BeginMode),
    /// `RELEASE name`.
    Release(String),
    /// `ROLLBACK TO name`, then `RELEASE name`.
    RollbackTo(String),
}

/// What the client asks.
#[derive(Clone, Debug)]
pub enum Request<'a> {
    /// The first frame on a channel: the versions of the client. Answered by [`Reply::Hello`] or an error.
    Hello {
        /// The newest protocol version it speaks.
        protocol: u16,
        /// The version of its package.
        version: &'a str,
    },
    /// Opens the header's connection. Answered by [`Reply::Opened`].
    Open(OpenOptions),
    /// Runs a statement. Answered by [`Reply::Rows`] frames.
    Execute(Execute<'a>),
    /// Begins or ends a transaction or savepoint. Answered by [`Reply::Done`].
    Transaction {
        /// What is done.
        op: TransactionOp,
        /// How long it may wait, in milliseconds; 0 is forever.
        deadline: u32,
    },
    /// Grants a stream more frames. Not answered.
    Credit {
        /// The id of the stream's Execute.
        stream: u64,
        /// How many frames more.
        credits: u32,
    },
    /// Closes a stream. Not answered; the stream sends nothing more.
    CloseStream {
        /// The id of the stream's Execute.
        stream: u64,
    },
    /// Cancels a request: it ends as [`crate::ErrorKind::Cancelled`] unless it was done already. Not answered itself.
    Cancel {
        /// The id of the request.
        request: u64,
    },
    /// Ends what a connection was doing (streams, transaction), for its next user. Answered by [`Reply::Done`].
    Reset,
    /// Closes the connection. Answered by [`Reply::Done`].
    Close,
    /// Closes all connections and files of the worker. Answered by [`Reply::Done`]; the worker then takes nothing more.
    Shutdown,
}

/// One frame of rows, or the end of a statement without any.
#[derive(Clone, Debug)]
pub struct RowsReply<'a> {
    /// Whether more frames follow.
    pub more: bool,
    /// Whether a transaction is open on the connection after it.
    pub in_transaction: bool,
    /// Rows changed so far by INSERT, UPDATE or DELETE, all parameter sets together; -1 for any other statement.
    pub changes: i64,
    /// `sqlite3_last_insert_rowid` of the connection.
    pub last_insert_rowid: i64,
    /// The names of the columns; in the first frame only, and empty for a statement that returns no rows.
    pub columns: Option<Vec<&'a str>>,
    /// The rows.
    pub batch: Batch<'a>,
}

/// What the worker answers.
#[derive(Clone, Debug)]
pub enum Reply<'a> {
    /// The worker is ready.
    Hello {
        /// The protocol version that both speak from here on.
        protocol: u16,
        /// The version of its package.
        version: &'a str,
        /// SQLite's version, `"3.53.4"` for instance.
        sqlite_version: &'a str,
    },
    /// The connection is open.
    Opened {
        /// Where the database lives.
        storage: Storage,
        /// The journal mode that SQLite reports.
        journal_mode: &'a str,
    },
    /// Rows, or the end of a statement.
    Rows(RowsReply<'a>),
    /// It is done.
    Done {
        /// Whether a transaction is open on the connection after it.
        in_transaction: bool,
    },
    /// It failed.
    Error {
        /// Why.
        error: Error,
        /// Whether a transaction is open on the connection after it.
        in_transaction: bool,
    },
    /// The worker is broken and answers nothing more, to anyone.
    Fatal {
        /// What broke it.
        message: &'a str,
    },
}

mod kind {
    pub const HELLO: u8 = 0x01;
    pub const OPEN: u8 = 0x02;
    pub const EXECUTE: u8 = 0x03;
    pub const TRANSACTION: u8 = 0x04;
    pub const CREDIT: u8 = 0x05;
    pub const CLOSE_STREAM: u8 = 0x06;
    pub const CANCEL: u8 = 0x07;
    pub const RESET: u8 = 0x08;
    pub const CLOSE: u8 = 0x09;
    pub const SHUTDOWN: u8 = 0x0a;
    pub const HELLO_REPLY: u8 = 0x81;
    pub const OPENED: u8 = 0x82;
    pub const ROWS: u8 = 0x83;
    pub const DONE: u8 = 0x84;
    pub const ERROR: u8 = 0x85;
    pub const FATAL: u8 = 0x86;
}

fn begin_mode(tag: u8) -> Result<BeginMode> {
    use BeginMode::*;
    [None, Auto, Deferred, Immediate, Exclusive, Own]
        .into_iter()
        .find(|mode| *mode as u8 == tag)
        .ok_or_else(|| malformed(format!("begin mode {tag}")))
}

fn storage(tag: u8) -> Result<Storage> {
    [Storage::Memory, Storage::Opfs, Storage::Disk]
        .into_iter()
        .find(|storage| *storage as u8 == tag)
        .ok_or_else(|| malformed(format!("storage {tag}")))
}

impl Execute<'_> {
    /// Writes a whole Execute frame up to where its batch of parameters begins, with room for none. A batch encoded
    /// elsewhere (in JavaScript) may be appended as it is: the frame ends at a multiple of 8 bytes and says that
    /// parameters follow when `parameters_follow` is set. `self.parameters` is not looked at.
    pub fn encode_head(&self, header: &Header, parameters_follow: bool) -> Vec<u8> {
        let mut out = Writer::new();
        header.encode(kind::EXECUTE, &mut out);
        out.u8(self.begin as u8);
        out.u8(self.many.into());
        let (stream, credits, max_rows) = match self.delivery {
            Delivery::Buffered => (false, 0, 0),
            Delivery::Stream { credits, max_rows } => (true, credits, max_rows),
        };
        out.u8(stream.into());
        out.u8(parameters_follow.into());
        out.u32(credits);
        out.u32(max_rows);
        out.u32(self.deadline);
        out.u32(self.first_batch_bytes);
        out.u32(self.batch_bytes);
        out.text(self.sql);
        out.align8();
        out.finish()
    }

    fn decode<'a>(input: &mut Reader<'a>) -> Result<Execute<'a>> {
        let begin = begin_mode(input.u8()?)?;
        let many = input.flag()?;
        let stream = input.flag()?;
        let parameters_follow = input.flag()?;
        let (credits, max_rows) = (input.u32()?, input.u32()?);
        let delivery = if stream {
            Delivery::Stream { credits, max_rows }
        } else if (credits, max_rows) == (0, 0) {
            Delivery::Buffered
        } else {
            return Err(malformed("credits for a result that is no stream".into()));
        };
        let deadline = input.u32()?;
        let first_batch_bytes = input.u32()?;
        let batch_bytes = input.u32()?;
        let sql = input.text()?;
        input.align8()?;
        let parameters = if parameters_follow { Some(Batch::decode(input)?) } else { None };
        Ok(Execute { begin, delivery, many, deadline, first_batch_bytes, batch_bytes, sql, parameters })
    }
}

impl<'a> Request<'a> {
    /// Writes the frame of any request without a batch of parameters; an Execute is written without them.
    pub fn encode(&self, header: &Header) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Request::Hello { protocol, version } => {
                header.encode(kind::HELLO, &mut out);
                out.u16(*protocol);
                out.text(version);
            }
            Request::Open(options) => {
                header.encode(kind::OPEN, &mut out);
                out.u8(options.storage as u8);
                out.u8(options.create.into());
                out.u8(options.durability as u8);
                out.u8(options.foreign_keys.into());
                out.u32(options.cache_bytes);
                out.u32(options.statement_cache);
                out.u32(options.lock_timeout);
                out.text(&options.path);
            }
            Request::Execute(execute) => return execute.encode_head(header, false),
            Request::Transaction { op, deadline } => {
                header.encode(kind::TRANSACTION, &mut out);
                let (tag, mode, name) = match op {
                    TransactionOp::Begin(mode) => (1, *mode, ""),
                    TransactionOp::Commit => (2, BeginMode::None, ""),
                    TransactionOp::Rollback => (3, BeginMode::None, ""),
                    TransactionOp::Savepoint(name, mode) => (4, *mode, name.as_str()),
                    TransactionOp::Release(name) => (5, BeginMode::None, name.as_str()),
                    TransactionOp::RollbackTo(name) => (6, BeginMode::None, name.as_str()),
                };
                out.u8(tag);
                out.u8(mode as u8);
                out.u16(0);
                out.u32(*deadline);
                out.text(name);
            }
            Request::Credit { stream, credits } => {
                header.encode(kind::CREDIT, &mut out);
                out.u64(*stream);
                out.u32(*credits);
            }
            Request::CloseStream { stream } => {
                header.encode(kind::CLOSE_STREAM, &mut out);
                out.u64(*stream);
            }
            Request::Cancel { request } => {
                header.encode(kind::CANCEL, &mut out);
                out.u64(*request);
            }
            Request::Reset => header.encode(kind::RESET, &mut out),
            Request::Close => header.encode(kind::CLOSE, &mut out),
            Request::Shutdown => header.encode(kind::SHUTDOWN, &mut out),
        }
        out.finish()
    }

    /// Reads the frame of a request; bytes after its end are an error.
    pub fn decode(frame: &'a [u8]) -> Result<(Header, Request<'a>)> {
        let mut input = Reader::new(frame);
        let (tag, header) = Header::decode(&mut input)?;
        let request = match tag {
            kind::HELLO => Request::Hello { protocol: input.u16()?, version: input.text()? },
            kind::OPEN => {
                let storage = storage(input.u8()?)?;
                let create = input.flag()?;
                let durability = match input.u8()? {
                    0 => Durability::Normal,
                    1 => Durability::Full,
                    other => return Err(malformed(format!("durability {other}"))),
                };
                Request::Open(OpenOptions {
                    storage,
                    create,
                    durability,
                    foreign_keys: input.flag()?,
                    cache_bytes: input.u32()?,
                    statement_cache: input.u32()?,
                    lock_timeout: input.u32()?,
                    path: input.text()?.to_owned(),
                })
            }
            kind::EXECUTE => Request::Execute(Execute::decode(&mut input)?),
            kind::TRANSACTION => {
                let op = input.u8()?;
                let mode = begin_mode(input.u8()?)?;
                let reserved = input.u16()?;
                let deadline = input.u32()?;
                let name = input.text()?;
                let op = match (op, mode, name, reserved) {
                    (1, mode, "", 0) => TransactionOp::Begin(mode),
                    (2, BeginMode::None, "", 0) => TransactionOp::Commit,
                    (3, BeginMode::None, "", 0) => TransactionOp::Rollback,
                    (4, mode, name, 0) => TransactionOp::Savepoint(name.to_owned(), mode),
                    (5, BeginMode::None, name, 0) => TransactionOp::Release(name.to_owned()),
                    (6, BeginMode::None, name, 0) => TransactionOp::RollbackTo(name.to_owned()),
                    _ => return Err(malformed(format!("transaction op {op} with mode {mode:?} and name {name:?}"))),
                };
                Request::Transaction { op, deadline }
            }
            kind::CREDIT => Request::Credit { stream: input.u64()?, credits: input.u32()? },
            kind::CLOSE_STREAM => Request::CloseStream { stream: input.u64()? },
            kind::CANCEL => Request::Cancel { request: input.u64()? },
            kind::RESET => Request::Reset,
            kind::CLOSE => Request::Close,
            kind::SHUTDOWN => Request::Shutdown,
            other => return Err(malformed(format!("request kind {other:#x}"))),
        };
        input.end()?;
        Ok((header, request))
    }
}

impl<'a> RowsReply<'a> {
    /// Writes a Rows frame up to where its batch begins; append the batch with [`crate::BatchWriter::encode`]. Of
    /// `self`, the batch is not looked at.
    pub fn encode_head(
        header: &Header,
        more: bool,
        in_transaction: bool,
        changes: i64,
        last_insert_rowid: i64,
        columns: Option<&[String]>,
    ) -> Writer {
        let mut out = Writer::new();
        header.encode(kind::ROWS, &mut out);
        out.u8(more.into());
        out.u8(in_transaction.into());
        out.u8(columns.is_some().into());
        out.u8(0);
        out.u32(0);
        out.i64(changes);
        out.i64(last_insert_rowid);
        if let Some(columns) = columns {
            out.u32(columns.len() as u32);
            columns.iter().for_each(|name| out.text(name));
        }
        out.align8();
        let at = out.len() as u32;
        out.patch_u32(ROWS_BATCH_OFFSET_AT, at);
        out
    }

    fn decode_head(input: &mut Reader<'a>) -> Result<(RowsReply<'a>, u32)> {
        let more = input.flag()?;
        let in_transaction = input.flag()?;
        let named = input.flag()?;
        let reserved = input.u8()?;
        let batch_offset = input.u32()?;
        let changes = input.i64()?;
        let last_insert_rowid = input.i64()?;
        let columns = if named {
            let count = input.u32()?;
            // Each name takes four bytes at least, so a lying count fails before it costs memory.
            let mut names = Vec::with_capacity((count as usize).min(input.remaining() / 4));
            for _ in 0..count {
                names.push(input.text()?);
            }
            Some(names)
        } else {
            None
        };
        input.align8()?;
        if reserved != 0 || batch_offset as usize != input.position() {
            return Err(malformed(format!("a batch at byte {} that says byte {batch_offset}", input.position())));
        }
        let mut none = Reader::new(&[0; 24]);
        let batch = Batch::decode(&mut none)?;
        Ok((RowsReply { more, in_transaction, changes, last_insert_rowid, columns, batch }, batch_offset))
    }
}

impl<'a> Reply<'a> {
    /// Writes the frame of any reply. Of a Rows reply, only the head: see [`RowsReply::encode_head`].
    pub fn encode(&self, header: &Header) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Reply::Hello { protocol, version, sqlite_version } => {
                header.encode(kind::HELLO_REPLY, &mut out);
                out.u16(*protocol);
                out.text(version);
                out.text(sqlite_version);
            }
            Reply::Opened { storage, journal_mode } => {
                header.encode(kind::OPENED, &mut out);
                out.u8(*storage as u8);
                out.text(journal_mode);
            }
            Reply::Rows(rows) => {
                let columns: Option<Vec<String>> =
                    rows.columns.as_ref().map(|names| names.iter().map(|name| (*name).to_owned()).collect());
                out = RowsReply::encode_head(
                    header,
                    rows.more,
                    rows.in_transaction,
                    rows.changes,
                    rows.last_insert_rowid,
                    columns.as_deref(),
                );
                let mut batch = crate::BatchWriter::new(rows.batch.columns());
                rows.batch.cells().for_each(|cell| batch.push(cell));
                batch.encode_rows(&mut out, rows.batch.rows());
            }
            Reply::Done { in_transaction } => {
                header.encode(kind::DONE, &mut out);
                out.u8((*in_transaction).into());
            }
            Reply::Error { error, in_transaction } => {
                header.encode(kind::ERROR, &mut out);
                out.u8((*in_transaction).into());
                error.encode(&mut out);
            }
            Reply::Fatal { message } => {
                header.encode(kind::FATAL, &mut out);
                out.text(message);
            }
        }
        out.finish()
    }

    /// Reads the frame of a reply; bytes after its end are an error.
    pub fn decode(frame: &'a [u8]) -> Result<(Header, Reply<'a>)> {
        Reply::decode_parts(frame, |input| {
            let batch = Batch::decode(input)?;
            Ok(Some(batch))
        })
    }

    /// Reads a reply whose batch stays elsewhere (in JavaScript): `head` is a Rows frame up to its batch, or the whole
    /// of any other frame. The batch of a Rows reply is then empty.
    pub fn decode_head(head: &'a [u8]) -> Result<(Header, Reply<'a>)> {
        Reply::decode_parts(head, |_| Ok(None))
    }

    fn decode_parts(
        frame: &'a [u8],
        batch: impl FnOnce(&mut Reader<'a>) -> Result<Option<Batch<'a>>>,
    ) -> Result<(Header, Reply<'a>)> {
        let mut input = Reader::new(frame);
        let (tag, header) = Header::decode(&mut input)?;
        let reply = match tag {
            kind::HELLO_REPLY => {
                Reply::Hello { protocol: input.u16()?, version: input.text()?, sqlite_version: input.text()? }
            }
            kind::OPENED => Reply::Opened { storage: storage(input.u8()?)?, journal_mode: input.text()? },
            kind::ROWS => {
                let (mut rows, _) = RowsReply::decode_head(&mut input)?;
                if let Some(batch) = batch(&mut input)? {
                    rows.batch = batch;
                }
                Reply::Rows(rows)
            }
            kind::DONE => Reply::Done { in_transaction: input.flag()? },
            kind::ERROR => {
                let in_transaction = input.flag()?;
                Reply::Error { error: Error::decode(&mut input)?, in_transaction }
            }
            kind::FATAL => Reply::Fatal { message: input.text()? },
            other => return Err(malformed(format!("reply kind {other:#x}"))),
        };
        input.end()?;
        Ok((header, reply))
    }
}

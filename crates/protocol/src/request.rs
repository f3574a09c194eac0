//! What the client asks: the closed set of requests, and their frames.

use crate::codec::malformed;
use crate::{Batch, Header, OpenOptions, Reader, Result, Writer};

/// The kind of [`Request::Hello`] in the header: it travels alone, so that every version can read it.
pub const HELLO: u8 = 0x01;
const OPEN: u8 = 0x02;
pub(crate) const EXECUTE: u8 = 0x03;
pub(crate) const TRANSACTION: u8 = 0x04;
const CREDIT: u8 = 0x05;
const CLOSE_STREAM: u8 = 0x06;
/// The kind of [`Request::Cancel`] in the header: it leaves at once, with the frames that wait before it.
pub const CANCEL: u8 = 0x07;
const RESET: u8 = 0x08;
const CLOSE: u8 = 0x09;
const SHUTDOWN: u8 = 0x0a;
const LEAVE: u8 = 0x0b;
const FATES: u8 = 0x0c;
const WATCH: u8 = 0x0d;
const SITE: u8 = 0x0e;
const IMPORT: u8 = 0x0f;
pub(crate) const PROCEDURE: u8 = 0x10;

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
#[derive(Clone, Debug, PartialEq)]
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
    /// `BEGIN` in this mode: DEFERRED, IMMEDIATE or EXCLUSIVE. The others do not fit, and a frame with them is refused.
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

/// A step of an import, which replaces the database of the header's connection by the bytes of a SQLite file. Reset and
/// Close of that connection abort it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportStep<'a> {
    /// Makes a scratch file for that many bytes (0: nobody knows); one import at a time.
    Begin(u64),
    /// The next bytes.
    Chunk(&'a [u8]),
    /// Those were all. They are checked, then put in the place of the database as one transaction.
    Finish,
    /// Throws them away. Succeeds when there is no import.
    Abort,
}

/// A function that the worker calls with the header's connection: any number of statements in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcedureCall<'a> {
    /// What transaction each of its statements needs.
    pub begin: BeginMode,
    /// Whether its caller has begun a transaction, which may not be open yet.
    pub within: bool,
    /// Whether it only reads, so that it does not wait for the write lock.
    pub read_only: bool,
    /// Whether it is called with an engine rather than with the connection itself.
    pub engine: bool,
    /// How long it may take from its arrival, in milliseconds, waiting included; 0 is forever.
    pub deadline: u32,
    /// The URL of its module.
    pub module: &'a str,
    /// The name by which the module exports it.
    pub export: &'a str,
    /// Its arguments, as whoever calls and whoever is called know them.
    pub arguments: &'a [u8],
}

/// What the client asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Request<'a> {
    /// The first frame on a channel: the versions of the client. Answered by [`crate::Reply::Hello`] or an error.
    Hello {
        /// The newest protocol version it speaks.
        protocol: u16,
        /// The version of its package.
        version: &'a str,
    },
    /// Opens the header's connection. Answered by [`crate::Reply::Opened`].
    Open(OpenOptions),
    /// Runs a statement. Answered by [`crate::Reply::Rows`] frames.
    Execute(Execute<'a>),
    /// Begins or ends a transaction or savepoint. Answered by [`crate::Reply::Done`].
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
    /// Ends what a connection was doing (streams, transaction), for its next user. Answered by [`crate::Reply::Done`].
    Reset,
    /// Closes the connection. Answered by [`crate::Reply::Done`].
    Close,
    /// Closes all connections and files of the worker. Answered by [`crate::Reply::Done`]; the worker then takes
    /// nothing more.
    Shutdown,
    /// Closes all connections of the header's client, which goes. Answered by [`crate::Reply::Done`].
    Leave,
    /// Asks what became of requests that the header's client had sent to earlier hosts of the database of the header's
    /// connection. Answered by [`crate::Reply::Fates`].
    Fates(Vec<u64>),
    /// Says whether the header's client wants [`crate::Notice::Changed`]. Answered by [`crate::Reply::Done`].
    Watch {
        /// Whether it does.
        changes: bool,
    },
    /// Answers [`crate::Notice::Holding`]. Not answered itself.
    Site {
        /// Where the header's connection was taken.
        text: &'a str,
    },
    /// A step of an import. Answered by [`crate::Reply::Done`], [`ImportStep::Finish`] by [`crate::Reply::Progress`]
    /// before.
    Import(ImportStep<'a>),
    /// Calls a procedure. Answered by [`crate::Reply::Returned`].
    Procedure(ProcedureCall<'a>),
}

fn begin_mode(tag: u8) -> Result<BeginMode> {
    use BeginMode::*;
    [None, Auto, Deferred, Immediate, Exclusive, Own]
        .into_iter()
        .find(|mode| *mode as u8 == tag)
        .ok_or_else(|| malformed(format!("begin mode {tag}")))
}

impl Execute<'_> {
    /// Writes a whole Execute frame up to where its batch of parameters begins, with room for none. A batch encoded
    /// elsewhere (in JavaScript) may be appended as it is: the frame ends at a multiple of 8 bytes and says that
    /// parameters follow when `parameters_follow` is set. `self.parameters` is not looked at.
    pub fn encode_head(&self, header: &Header, parameters_follow: bool) -> Vec<u8> {
        let mut out = Writer::new();
        header.encode(EXECUTE, &mut out);
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

impl ImportStep<'_> {
    /// Writes the frame of a chunk of `len` bytes up to where those begin: they may be appended as they are.
    pub fn encode_chunk_head(header: &Header, len: u32) -> Vec<u8> {
        let mut out = Writer::new();
        header.encode(IMPORT, &mut out);
        out.u8(2);
        out.u32(len);
        out.finish()
    }
}

impl<'a> ProcedureCall<'a> {
    fn encode(&self, out: &mut Writer) {
        out.u8(self.begin as u8);
        out.u8(self.within.into());
        out.u8(self.read_only.into());
        out.u8(self.engine.into());
        out.u32(self.deadline);
        out.text(self.module);
        out.text(self.export);
        out.u32(self.arguments.len() as u32);
        out.raw(self.arguments);
    }

    fn decode(input: &mut Reader<'a>) -> Result<ProcedureCall<'a>> {
        let begin = begin_mode(input.u8()?)?;
        let (within, read_only, engine) = (input.flag()?, input.flag()?, input.flag()?);
        let deadline = input.u32()?;
        let (module, export) = (input.text()?, input.text()?);
        let len = input.u32()?;
        let arguments = input.raw(len as usize)?;
        if begin == BeginMode::Own {
            return Err(malformed(format!("a procedure in mode {begin:?}")));
        }
        Ok(ProcedureCall { begin, within, read_only, engine, deadline, module, export, arguments })
    }
}

impl<'a> Request<'a> {
    /// Writes the frame of any request, parameters included. Parameters that are gathered or encoded elsewhere are
    /// appended to [`Execute::encode_head`] instead.
    pub fn encode(&self, header: &Header) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Request::Hello { protocol, version } => {
                header.encode(HELLO, &mut out);
                out.u16(*protocol);
                out.text(version);
            }
            Request::Open(options) => {
                header.encode(OPEN, &mut out);
                options.encode(&mut out);
            }
            Request::Execute(execute) => {
                out.raw(&execute.encode_head(header, execute.parameters.is_some()));
                if let Some(parameters) = &execute.parameters {
                    parameters.encode(&mut out);
                }
            }
            Request::Transaction { op, deadline } => {
                header.encode(TRANSACTION, &mut out);
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
                header.encode(CREDIT, &mut out);
                out.u64(*stream);
                out.u32(*credits);
            }
            Request::CloseStream { stream } => {
                header.encode(CLOSE_STREAM, &mut out);
                out.u64(*stream);
            }
            Request::Cancel { request } => {
                header.encode(CANCEL, &mut out);
                out.u64(*request);
            }
            Request::Reset => header.encode(RESET, &mut out),
            Request::Close => header.encode(CLOSE, &mut out),
            Request::Shutdown => header.encode(SHUTDOWN, &mut out),
            Request::Leave => header.encode(LEAVE, &mut out),
            Request::Fates(requests) => {
                header.encode(FATES, &mut out);
                out.u32(requests.len() as u32);
                requests.iter().for_each(|request| out.u64(*request));
            }
            Request::Watch { changes } => {
                header.encode(WATCH, &mut out);
                out.u8((*changes).into());
            }
            Request::Site { text } => {
                header.encode(SITE, &mut out);
                out.text(text);
            }
            Request::Import(step) => {
                let mut begin = |tag| {
                    header.encode(IMPORT, &mut out);
                    out.u8(tag);
                };
                match step {
                    ImportStep::Begin(total) => {
                        begin(1);
                        out.u64(*total);
                    }
                    ImportStep::Chunk(bytes) => {
                        out.raw(&ImportStep::encode_chunk_head(header, bytes.len() as u32));
                        out.raw(bytes);
                    }
                    ImportStep::Finish => begin(3),
                    ImportStep::Abort => begin(4),
                }
            }
            Request::Procedure(call) => {
                header.encode(PROCEDURE, &mut out);
                call.encode(&mut out);
            }
        }
        out.finish()
    }

    /// Reads the frame of a request; bytes after its end are an error.
    pub fn decode(frame: &'a [u8]) -> Result<(Header, Request<'a>)> {
        let mut input = Reader::new(frame);
        let (tag, header) = Header::decode(&mut input)?;
        let request = match tag {
            HELLO => Request::Hello { protocol: input.u16()?, version: input.text()? },
            OPEN => Request::Open(OpenOptions::decode(&mut input)?),
            EXECUTE => Request::Execute(Execute::decode(&mut input)?),
            TRANSACTION => {
                let op = input.u8()?;
                let mode = begin_mode(input.u8()?)?;
                let reserved = input.u16()?;
                let deadline = input.u32()?;
                let name = input.text()?;
                let op = match (op, mode, name, reserved) {
                    (1, BeginMode::Deferred | BeginMode::Immediate | BeginMode::Exclusive, "", 0) => {
                        TransactionOp::Begin(mode)
                    }
                    (2, BeginMode::None, "", 0) => TransactionOp::Commit,
                    (3, BeginMode::None, "", 0) => TransactionOp::Rollback,
                    (4, mode, name, 0) => TransactionOp::Savepoint(name.to_owned(), mode),
                    (5, BeginMode::None, name, 0) => TransactionOp::Release(name.to_owned()),
                    (6, BeginMode::None, name, 0) => TransactionOp::RollbackTo(name.to_owned()),
                    _ => return Err(malformed(format!("transaction op {op} with mode {mode:?} and name {name:?}"))),
                };
                Request::Transaction { op, deadline }
            }
            CREDIT => Request::Credit { stream: input.u64()?, credits: input.u32()? },
            CLOSE_STREAM => Request::CloseStream { stream: input.u64()? },
            CANCEL => Request::Cancel { request: input.u64()? },
            RESET => Request::Reset,
            CLOSE => Request::Close,
            SHUTDOWN => Request::Shutdown,
            LEAVE => Request::Leave,
            FATES => {
                let count = input.u32()?;
                let mut requests = Vec::with_capacity((count as usize).min(input.remaining() / 8));
                for _ in 0..count {
                    requests.push(input.u64()?);
                }
                Request::Fates(requests)
            }
            WATCH => Request::Watch { changes: input.flag()? },
            SITE => Request::Site { text: input.text()? },
            IMPORT => Request::Import(match input.u8()? {
                1 => ImportStep::Begin(input.u64()?),
                2 => {
                    let len = input.u32()?;
                    ImportStep::Chunk(input.raw(len as usize)?)
                }
                3 => ImportStep::Finish,
                4 => ImportStep::Abort,
                other => return Err(malformed(format!("import step {other}"))),
            }),
            PROCEDURE => Request::Procedure(ProcedureCall::decode(&mut input)?),
            other => return Err(malformed(format!("request kind {other:#x}"))),
        };
        input.end()?;
        Ok((header, request))
    }
}

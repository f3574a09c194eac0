//! The 32 bytes with which each frame begins.
//!
//! Requests and replies are matched by the header's request id. The header also carries what several tabs on one
//! database need: the epoch of the host, the id of the sender, and whether a request may be repeated on a new host.

use crate::codec::malformed;
use crate::{Reader, Result, Writer};

/// The version of the frame format: the second byte of each frame.
pub const FRAME_VERSION: u8 = 1;
/// The newest protocol version that this crate speaks, said in Hello.
pub const PROTOCOL_VERSION: u16 = 3;
/// How many bytes the header of a frame has.
pub const HEADER_LEN: usize = 32;

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

    pub(crate) fn encode(&self, kind: u8, out: &mut Writer) {
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

    pub(crate) fn decode(input: &mut Reader<'_>) -> Result<(u8, Header)> {
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

//! Several frames in one message: what was said within one turn travels together.

use crate::codec::malformed;
use crate::{HEADER_LEN, Reader, Result};
use std::ops::Range;

/// With what a message of several frames begins, where a frame has its own first byte.
const MAGIC: u8 = 0xA2;
const VERSION: u8 = 1;
/// The bytes before the first frame's length.
const HEAD: usize = 8;
/// The bytes before each frame.
const LENGTH: usize = 8;

/// Frames up to this size may share a message with others; they are copied, where larger ones are given away.
pub const SMALL_FRAME: usize = 4 << 10;
/// How many frames share a message at most: the other side is to begin while others are still being made.
const MOST_FRAMES: u32 = 128;
/// A message that has so many bytes takes no further frame.
const MOST_BYTES: usize = 32 << 10;
/// No message of several frames is longer: what it has before its last frame, and that.
pub const LONGEST_BUNDLE: usize = MOST_BYTES + LENGTH + SMALL_FRAME + 8;

/// Frames that are to travel in one message. One alone travels as it is.
#[derive(Debug, Default)]
pub struct Bundle {
    bytes: Vec<u8>,
    count: u32,
}

impl Bundle {
    /// Adds a frame, given in parts.
    pub fn push(&mut self, parts: &[&[u8]]) {
        if self.count == 0 {
            self.bytes.clear();
            self.bytes.extend_from_slice(&[MAGIC, VERSION, 0, 0, 0, 0, 0, 0]);
        }
        let length: usize = parts.iter().map(|part| part.len()).sum();
        self.bytes.extend_from_slice(&(length as u64).to_le_bytes());
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        self.count += 1;
    }

    /// Whether it is to be sent before another frame is added.
    pub fn is_full(&self) -> bool {
        self.count >= MOST_FRAMES || self.bytes.len() >= MOST_BYTES
    }

    /// How many frames there are.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// About how many bytes the message has.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are no frames.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Gives the message to `send`, unless there are no frames, and begins anew.
    pub fn send<T>(&mut self, send: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let count = std::mem::take(&mut self.count);
        match count {
            0 => None,
            1 => {
                let length = self.bytes[HEAD..].first_chunk().map_or(0, |length| u64::from_le_bytes(*length) as usize);
                Some(send(&self.bytes[HEAD + LENGTH..][..length]))
            }
            _ => {
                self.bytes[4..HEAD].copy_from_slice(&count.to_le_bytes());
                Some(send(&self.bytes))
            }
        }
    }
}

/// Whether a message holds several frames.
pub fn is_bundle(message: &[u8]) -> bool {
    message.first() == Some(&MAGIC)
}

/// Where in a message its frames are. What is no message of several frames is one frame, whatever it is.
pub fn frames(message: &[u8]) -> Result<Vec<Range<usize>>> {
    if !is_bundle(message) {
        return Ok(std::iter::once(0..message.len()).collect());
    }
    let mut input = Reader::new(message);
    let [_, version, a, b] = [input.u8()?, input.u8()?, input.u8()?, input.u8()?];
    if (version, a, b) != (VERSION, 0, 0) {
        return Err(malformed(format!("a message of several frames of format {version}, where {VERSION} is spoken")));
    }
    let count = input.u32()? as usize;
    if count < 2 || count > message.len() / (LENGTH + HEADER_LEN) {
        return Err(malformed(format!("a message of {} bytes cannot hold {count} frames", message.len())));
    }
    let mut frames = Vec::with_capacity(count);
    for _ in 0..count {
        let length = usize::try_from(input.u64()?).unwrap_or(usize::MAX);
        let at = input.position();
        input.raw(length)?;
        frames.push(at..at + length);
        input.align8()?;
    }
    input.end()?;
    Ok(frames)
}

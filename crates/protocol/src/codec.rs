//! A bounded, forward-only codec: little-endian, 8-byte alignment counted from the start of the frame.

use crate::{Error, ErrorKind, Result};

/// Writes a frame, front to back.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty frame.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Appends one byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Appends a `u16`, little-endian.
    pub fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a `u32`, little-endian.
    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a `u64`, little-endian.
    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends an `i64`, little-endian.
    pub fn i64(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a text: its length in UTF-8 bytes as `u32`, then the bytes. A text of 4 GiB or more is cut at a character.
    pub fn text(&mut self, text: &str) {
        let end = text.floor_char_boundary(u32::MAX as usize);
        self.u32(end as u32);
        self.raw(&text.as_bytes()[..end]);
    }

    /// Appends an optional text: a byte 0 or 1, then the text.
    pub fn optional_text(&mut self, text: Option<&str>) {
        self.u8(text.is_some().into());
        if let Some(text) = text {
            self.text(text);
        }
    }

    /// Pads with zeros to the next multiple of 8 bytes.
    pub fn align8(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }

    /// How many bytes stand so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Overwrites four bytes that were written before; does nothing when they were not.
    pub fn patch_u32(&mut self, at: usize, value: u32) {
        if let Some(slot) = self.bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            *slot = value.to_le_bytes();
        }
    }

    /// The frame.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads a frame, front to back, never past its end.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    /// Takes `len` bytes; an error when fewer are left.
    pub fn raw(&mut self, len: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else {
            return Err(malformed(format!(
                "frame ends at byte {} where {len} more were due at byte {}",
                self.bytes.len(),
                self.at
            )));
        };
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.raw(N)?);
        Ok(array)
    }

    /// Takes one byte.
    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    /// Takes a byte that must be 0 or 1.
    pub fn flag(&mut self) -> Result<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(malformed(format!("flag byte {other} at byte {}", self.at - 1))),
        }
    }

    /// Takes a little-endian `u16`.
    pub fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Takes a little-endian `u32`.
    pub fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Takes a little-endian `u64`.
    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Takes a little-endian `i64`.
    pub fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_le_bytes(self.array()?))
    }

    /// Takes a text written by [`Writer::text`].
    pub fn text(&mut self) -> Result<&'a str> {
        let len = self.u32()? as usize;
        let at = self.at;
        std::str::from_utf8(self.raw(len)?).map_err(|e| malformed(format!("text at byte {at} is not UTF-8: {e}")))
    }

    /// Takes an optional text written by [`Writer::optional_text`].
    pub fn optional_text(&mut self) -> Result<Option<&'a str>> {
        if self.flag()? { self.text().map(Some) } else { Ok(None) }
    }

    /// Skips padding to the next multiple of 8; the padding must be zeros.
    pub fn align8(&mut self) -> Result<()> {
        let padding = self.raw(self.at.next_multiple_of(8) - self.at)?;
        if padding.iter().any(|b| *b != 0) {
            return Err(malformed(format!("padding before byte {} is not zero", self.at)));
        }
        Ok(())
    }

    /// How many bytes were read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// An error unless everything was read.
    pub fn end(self) -> Result<()> {
        match self.remaining() {
            0 => Ok(()),
            n => Err(malformed(format!("{n} bytes follow the end of the message at byte {}", self.at))),
        }
    }
}

/// The error of a frame that breaks the format.
pub(crate) fn malformed(message: String) -> Error {
    Error::new(ErrorKind::Protocol, message)
}

//! A batch of cells: rows of a result, or sets of parameters. One layout serves both ways.
//!
//! Row-major: a tag byte per cell, an aligned 8-byte slot per cell, then three heaps (ASCII text, other UTF-8 text,
//! blobs) in the order of the cells. JavaScript decodes each text heap with one `TextDecoder` call and cuts it by the
//! UTF-16 lengths in the slots; Rust cuts it by the byte lengths. Integers that a JavaScript number holds exactly
//! travel as doubles, the others as 64-bit integers, so that no cell needs a BigInt unless its value does.

use crate::codec::malformed;
use crate::{MAX_SAFE_INTEGER, Reader, Result, ValueRef, Writer};

const NULL: u8 = 0;
const SAFE_INTEGER: u8 = 1;
const WIDE_INTEGER: u8 = 2;
const REAL: u8 = 3;
const ASCII: u8 = 4;
const UTF8: u8 = 5;
const BLOB: u8 = 6;

/// Gathers cells, row by row, and writes them as a batch. It keeps its buffers when cleared.
#[derive(Debug, Default)]
pub struct BatchWriter {
    columns: u32,
    tags: Vec<u8>,
    slots: Vec<u8>,
    ascii: Vec<u8>,
    utf8: Vec<u8>,
    utf16_len: u32,
    blob: Vec<u8>,
}

impl BatchWriter {
    /// An empty batch of rows with this many columns.
    pub fn new(columns: u32) -> BatchWriter {
        BatchWriter { columns, ..BatchWriter::default() }
    }

    /// Empties the batch and sets its number of columns.
    pub fn reset(&mut self, columns: u32) {
        self.columns = columns;
        self.tags.clear();
        self.slots.clear();
        self.ascii.clear();
        self.utf8.clear();
        self.utf16_len = 0;
        self.blob.clear();
    }

    /// Appends the next cell of the current row. Text or blob heaps beyond 4 GiB are the caller's to prevent:
    /// SQLite's own length limit and the batch size do.
    pub fn push(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.cell(NULL, 0),
            ValueRef::Integer(i) if (-MAX_SAFE_INTEGER..=MAX_SAFE_INTEGER).contains(&i) => {
                self.cell(SAFE_INTEGER, (i as f64).to_bits());
            }
            ValueRef::Integer(i) => self.cell(WIDE_INTEGER, i as u64),
            ValueRef::Real(r) => self.cell(REAL, r.to_bits()),
            ValueRef::Text(text) if text.is_ascii() => {
                self.cell(ASCII, text.len() as u64);
                self.ascii.extend_from_slice(text.as_bytes());
            }
            ValueRef::Text(text) => {
                let utf16 = text.encode_utf16().count() as u32;
                self.cell(UTF8, u64::from(utf16) | (text.len() as u64) << 32);
                // A heap that large is refused by the decoder; it must not wrap to a length that is believed.
                self.utf16_len = self.utf16_len.saturating_add(utf16);
                self.utf8.extend_from_slice(text.as_bytes());
            }
            ValueRef::Blob(bytes) => {
                self.cell(BLOB, bytes.len() as u64);
                self.blob.extend_from_slice(bytes);
            }
        }
    }

    fn cell(&mut self, tag: u8, slot: u64) {
        self.tags.push(tag);
        self.slots.extend_from_slice(&slot.to_le_bytes());
    }

    /// How many cells stand in the batch.
    pub fn cells(&self) -> usize {
        self.tags.len()
    }

    /// How many whole rows stand in the batch; 0 when it has no columns.
    pub fn rows(&self) -> u32 {
        self.tags.len().checked_div(self.columns as usize).unwrap_or(0) as u32
    }

    /// The number of columns.
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// About how many bytes the batch takes in a frame.
    pub fn byte_len(&self) -> usize {
        24 + self.tags.len() + self.slots.len() + self.ascii.len() + self.utf8.len() + self.blob.len() + 8
    }

    /// Where the next row will begin.
    pub fn mark(&self) -> Mark {
        Mark {
            cells: self.tags.len(),
            ascii: self.ascii.len(),
            utf8: self.utf8.len(),
            utf16_len: self.utf16_len,
            blob: self.blob.len(),
        }
    }

    /// About how many bytes the rows between two marks take in a frame.
    pub fn byte_len_between(&self, from: Mark, to: Mark) -> usize {
        let heaps = (to.ascii - from.ascii) + (to.utf8 - from.utf8) + (to.blob - from.blob);
        24 + (to.cells - from.cells) * 9 + heaps + 8
    }

    /// How many bytes the writer holds on to, used or not.
    pub fn capacity(&self) -> usize {
        [&self.tags, &self.slots, &self.ascii, &self.utf8, &self.blob].iter().map(|heap| heap.capacity()).sum()
    }

    /// The bytes of a batch of the rows between two marks of this batch, as parts to be joined at a multiple of 8 bytes
    /// of a frame; so they are copied once, from here to where they are sent from. The head goes into `head`.
    pub fn parts<'a>(&'a self, from: Mark, to: Mark, head: &'a mut [u8; 24]) -> [&'a [u8]; 7] {
        let rows = (to.cells - from.cells).checked_div(self.columns as usize).unwrap_or(0);
        let fields = [
            rows as u32,
            self.columns,
            (to.ascii - from.ascii) as u32,
            (to.utf8 - from.utf8) as u32,
            to.utf16_len - from.utf16_len,
            (to.blob - from.blob) as u32,
        ];
        for (bytes, field) in head.as_chunks_mut::<4>().0.iter_mut().zip(fields) {
            *bytes = field.to_le_bytes();
        }
        let tags = &self.tags[from.cells..to.cells];
        let padding = &[0; 8][..tags.len().next_multiple_of(8) - tags.len()];
        [
            head,
            tags,
            padding,
            &self.slots[from.cells * 8..to.cells * 8],
            &self.ascii[from.ascii..to.ascii],
            &self.utf8[from.utf8..to.utf8],
            &self.blob[from.blob..to.blob],
        ]
    }

    /// Appends the batch to a frame, which is padded to a multiple of 8 bytes first.
    pub fn encode(&self, out: &mut Writer) {
        self.encode_rows(out, self.rows());
    }

    /// As [`BatchWriter::encode`], for a batch without columns that stands for `rows` empty rows.
    pub fn encode_rows(&self, out: &mut Writer, rows: u32) {
        out.align8();
        out.u32(rows);
        out.u32(self.columns);
        out.u32(self.ascii.len() as u32);
        out.u32(self.utf8.len() as u32);
        out.u32(self.utf16_len);
        out.u32(self.blob.len() as u32);
        out.raw(&self.tags);
        out.align8();
        out.raw(&self.slots);
        out.raw(&self.ascii);
        out.raw(&self.utf8);
        out.raw(&self.blob);
    }
}

/// A place between two rows of a [`BatchWriter`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    cells: usize,
    ascii: usize,
    utf8: usize,
    utf16_len: u32,
    blob: usize,
}

/// A checked batch inside a frame: every tag, length and text in it is sound. Only UTF-16 lengths, which nobody but
/// JavaScript needs, are checked to be possible and to add up, not to be true of each text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Batch<'a> {
    rows: u32,
    columns: u32,
    tags: &'a [u8],
    slots: &'a [u8],
    ascii: &'a str,
    utf8: &'a str,
    utf16_len: u32,
    blob: &'a [u8],
}

impl<'a> Batch<'a> {
    /// A batch of nothing.
    pub const EMPTY: Batch<'static> =
        Batch { rows: 0, columns: 0, tags: &[], slots: &[], ascii: "", utf8: "", utf16_len: 0, blob: &[] };

    /// Takes a batch from a frame and checks all of it, in one pass over its cells.
    pub fn decode(input: &mut Reader<'a>) -> Result<Batch<'a>> {
        input.align8()?;
        let rows = input.u32()?;
        let columns = input.u32()?;
        let ascii_len = input.u32()? as usize;
        let utf8_len = input.u32()? as usize;
        let utf16_len = input.u32()?;
        let blob_len = input.u32()? as usize;
        let too_many = || malformed(format!("a batch of {rows} rows and {columns} columns"));
        let cells = usize::try_from(u64::from(rows) * u64::from(columns)).map_err(|_| too_many())?;
        let slots_len = cells.checked_mul(8).ok_or_else(too_many)?;
        let tags = input.raw(cells)?;
        input.align8()?;
        let slots = input.raw(slots_len)?;
        let ascii = input.raw(ascii_len)?;
        if !ascii.is_ascii() {
            return Err(malformed("the ASCII heap holds other bytes".into()));
        }
        let text = |bytes: &'a [u8]| std::str::from_utf8(bytes).map_err(|e| malformed(format!("a text heap: {e}")));
        let ascii = text(ascii)?;
        let utf8 = text(input.raw(utf8_len)?)?;
        let blob = input.raw(blob_len)?;
        let batch = Batch { rows, columns, tags, slots, ascii, utf8, utf16_len, blob };
        batch.check()?;
        Ok(batch)
    }

    fn check(&self) -> Result<()> {
        let (mut ascii, mut utf8, mut utf16, mut blob) = (0u64, 0u64, 0u64, 0u64);
        for (index, (tag, slot)) in self.tags.iter().zip(slots(self.slots)).enumerate() {
            let (low, high) = (slot & 0xffff_ffff, slot >> 32);
            let sound = match *tag {
                NULL => slot == 0,
                SAFE_INTEGER => safe_integer(slot).is_some(),
                WIDE_INTEGER => true,
                REAL => !f64::from_bits(slot).is_nan(),
                ASCII => {
                    ascii += low;
                    high == 0
                }
                UTF8 => {
                    utf16 += low;
                    utf8 += high;
                    // No UTF-8 text has more UTF-16 units than bytes.
                    low <= high && usize::try_from(utf8).is_ok_and(|at| self.utf8.is_char_boundary(at))
                }
                BLOB => {
                    blob += low;
                    high == 0
                }
                _ => false,
            };
            if !sound {
                return Err(malformed(format!("cell {index} has tag {tag} and slot {slot:#x}")));
            }
        }
        let lengths = [
            ("ASCII", ascii, self.ascii.len()),
            ("UTF-8", utf8, self.utf8.len()),
            ("UTF-16", utf16, self.utf16_len as usize),
            ("blob", blob, self.blob.len()),
        ];
        for (heap, cells, len) in lengths {
            if cells != len as u64 {
                return Err(malformed(format!("the cells name {cells} units of the {heap} heap, which has {len}")));
            }
        }
        Ok(())
    }

    /// Whether all that the batch borrows lies in these bytes: whether it was decoded from them.
    pub fn lies_in(&self, bytes: &[u8]) -> bool {
        let range = bytes.as_ptr_range();
        [self.tags, self.slots, self.ascii.as_bytes(), self.utf8.as_bytes(), self.blob].into_iter().all(|part| {
            let part = part.as_ptr_range();
            part.is_empty() || (range.start <= part.start && part.end <= range.end)
        })
    }

    /// Appends the batch to a frame as it is, after padding to a multiple of 8 bytes.
    pub fn encode(&self, out: &mut Writer) {
        out.align8();
        out.u32(self.rows);
        out.u32(self.columns);
        for len in [self.ascii.len(), self.utf8.len(), self.utf16_len as usize, self.blob.len()] {
            out.u32(len as u32);
        }
        out.raw(self.tags);
        out.align8();
        for part in [self.slots, self.ascii.as_bytes(), self.utf8.as_bytes(), self.blob] {
            out.raw(part);
        }
    }

    /// How many rows the batch has.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// How many columns each row has.
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// The cells, row by row.
    pub fn cells(&self) -> Cells<'a> {
        Cells { tags: self.tags, slots: self.slots, ascii: self.ascii, utf8: self.utf8, blob: self.blob }
    }
}

/// The cells of a [`Batch`], row by row.
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    tags: &'a [u8],
    slots: &'a [u8],
    ascii: &'a str,
    utf8: &'a str,
    blob: &'a [u8],
}

impl<'a> Iterator for Cells<'a> {
    type Item = ValueRef<'a>;

    fn next(&mut self) -> Option<ValueRef<'a>> {
        let (tag, tags) = self.tags.split_first()?;
        let (slot, slots) = self.slots.split_first_chunk::<8>()?;
        self.tags = tags;
        self.slots = slots;
        let slot = u64::from_le_bytes(*slot);
        Some(match *tag {
            SAFE_INTEGER => ValueRef::Integer(f64::from_bits(slot) as i64),
            WIDE_INTEGER => ValueRef::Integer(slot as i64),
            REAL => ValueRef::Real(f64::from_bits(slot)),
            ASCII => ValueRef::Text(cut(&mut self.ascii, slot as u32 as usize)),
            UTF8 => ValueRef::Text(cut(&mut self.utf8, (slot >> 32) as usize)),
            BLOB => {
                let (head, tail) = self.blob.split_at_checked(slot as u32 as usize).unwrap_or((self.blob, &[]));
                self.blob = tail;
                ValueRef::Blob(head)
            }
            _ => ValueRef::Null,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.tags.len(), Some(self.tags.len()))
    }
}

impl ExactSizeIterator for Cells<'_> {}

fn cut<'a>(heap: &mut &'a str, len: usize) -> &'a str {
    let (head, tail) = heap.split_at_checked(len).unwrap_or((heap, ""));
    *heap = tail;
    head
}

fn slots(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.as_chunks::<8>().0.iter().map(|slot| u64::from_le_bytes(*slot))
}

fn safe_integer(slot: u64) -> Option<i64> {
    let real = f64::from_bits(slot);
    let negative_zero = slot == (-0.0f64).to_bits();
    (real.trunc() == real && real.abs() <= MAX_SAFE_INTEGER as f64 && !negative_zero).then_some(real as i64)
}

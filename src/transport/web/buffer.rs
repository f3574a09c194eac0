//! The bytes of frames and batches: large ones in JavaScript's memory, small ones here.

use aludel_protocol::SMALL_FRAME;
use js_sys::{ArrayBuffer, Uint8Array};
use std::ops::Range;
use std::rc::Rc;
use wasm_bindgen::JsCast;

/// How many bytes a batch that JavaScript encodes keeps free in front, for the head of its frame.
pub const HEADROOM: u32 = 1024;
/// Up to here, bytes are copied once and are then at hand; larger ones stay where they are.
pub(super) const SMALL: u32 = SMALL_FRAME as u32;

/// The bytes of a frame or a batch.
#[derive(Clone, Debug)]
pub struct Buffer(Place);

#[derive(Clone, Debug)]
enum Place {
    /// In JavaScript's memory.
    There(Uint8Array),
    /// In this module's.
    Here(Vec<u8>),
    /// In both, as part of a message.
    Both(Rc<Message>, Range<usize>),
}

/// A small message that arrived.
#[derive(Debug)]
struct Message {
    there: Uint8Array,
    here: Vec<u8>,
}

impl Buffer {
    /// Takes bytes.
    pub fn from_vec(bytes: Vec<u8>) -> Buffer {
        Buffer(Place::Here(bytes))
    }

    /// Takes a view. What lies before it in its buffer is overwritten, and the buffer is transferred, when it is sent
    /// as a batch, unless it is small: it should begin at [`HEADROOM`] in a buffer of its own.
    pub fn from_js(view: Uint8Array) -> Buffer {
        Buffer(if view.length() <= SMALL { Place::Here(view.to_vec()) } else { Place::There(view) })
    }

    /// A frame that is a message.
    pub(super) fn message(view: Uint8Array) -> Buffer {
        Buffer(Place::There(view))
    }

    /// Frames of a small message, whose bytes are at hand.
    pub(super) fn parts(there: Uint8Array, here: Vec<u8>, parts: Vec<Range<usize>>) -> impl Iterator<Item = Buffer> {
        let message = Rc::new(Message { there, here });
        parts.into_iter().map(move |part| Buffer(Place::Both(message.clone(), part)))
    }

    /// The bytes, where they are at hand.
    pub(super) fn here(&self) -> Option<&[u8]> {
        match &self.0 {
            Place::There(_) => None,
            Place::Here(bytes) => Some(bytes),
            Place::Both(message, part) => message.here.get(part.clone()),
        }
    }

    /// The view.
    pub fn into_js(self) -> Uint8Array {
        match self.0 {
            Place::There(view) => view,
            Place::Here(bytes) => Uint8Array::from(&bytes[..]),
            Place::Both(message, part) if part.len() == message.here.len() => message.there.clone(),
            Place::Both(message, part) => message.there.subarray(part.start as u32, part.end as u32),
        }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Place::There(view) => view.length() as usize,
            Place::Here(bytes) => bytes.len(),
            Place::Both(_, part) => part.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same bytes once more, for when these are sent: sending takes them away.
    pub fn copy(&self) -> Buffer {
        if let Some(bytes) = self.here() {
            return Buffer(Place::Here(bytes.to_vec()));
        }
        let view = self.clone().into_js();
        let whole = Uint8Array::new_with_length(HEADROOM + view.length());
        whole.set(&view, HEADROOM);
        Buffer(Place::There(whole.subarray(HEADROOM, whole.length())))
    }

    /// Copies the first `len` bytes, or all when there are fewer.
    pub fn prefix(&self, len: usize) -> Vec<u8> {
        match (self.here(), &self.0) {
            (Some(bytes), _) => bytes[..len.min(bytes.len())].to_vec(),
            (None, Place::There(view)) => view.subarray(0, (len as u32).min(view.length())).to_vec(),
            (None, _) => Vec::new(),
        }
    }

    /// Copies all of them.
    pub fn to_vec(&self) -> Vec<u8> {
        self.here().map_or_else(|| self.clone().into_js().to_vec(), <[u8]>::to_vec)
    }

    /// Gives all of them.
    pub fn into_vec(self) -> Vec<u8> {
        match self.0 {
            Place::Here(bytes) => bytes,
            _ => self.to_vec(),
        }
    }
}

/// A frame on its way out.
#[derive(Clone)]
pub(super) enum Frame {
    /// A small one, which may share a message with others.
    Small(Vec<u8>),
    /// A message.
    Large(Uint8Array),
}

impl Frame {
    /// One of a head and a batch: without a copy of the batch where there is room before it.
    pub(super) fn joined(mut head: Vec<u8>, batch: Option<Buffer>) -> Frame {
        let len = head.len() as u32;
        match batch.map(|batch| batch.0) {
            Some(Place::There(batch)) => Frame::Large(around(&head, &batch)),
            Some(place) => {
                let batch = Buffer(place);
                let bytes = batch.here().unwrap_or_default();
                if len + bytes.len() as u32 > SMALL {
                    let message = Uint8Array::new_with_length(len + bytes.len() as u32);
                    message.subarray(0, len).copy_from(&head);
                    message.subarray(len, message.length()).copy_from(bytes);
                    return Frame::Large(message);
                }
                head.extend_from_slice(bytes);
                Frame::Small(head)
            }
            None if len > SMALL => Frame::Large(Uint8Array::from(&head[..])),
            None => Frame::Small(head),
        }
    }
}

fn around(head: &[u8], batch: &Uint8Array) -> Uint8Array {
    let (at, len) = (batch.byte_offset(), head.len() as u32);
    let end_of_buffer = batch.buffer().unchecked_into::<ArrayBuffer>().byte_length();
    if at >= len && at + batch.length() == end_of_buffer {
        let message = Uint8Array::new_with_byte_offset_and_length(&batch.buffer(), at - len, len + batch.length());
        message.subarray(0, len).copy_from(head);
        return message;
    }
    let message = Uint8Array::new_with_length(len + batch.length());
    message.subarray(0, len).copy_from(head);
    message.set(batch, len);
    message
}

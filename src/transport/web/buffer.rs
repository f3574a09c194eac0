//! Bytes in JavaScript's memory.

use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast;

/// How many bytes a batch that JavaScript encodes keeps free in front, for the head of its frame.
pub const HEADROOM: u32 = 1024;

/// The bytes of a frame or a batch, in JavaScript's memory.
#[derive(Clone, Debug)]
pub struct Buffer(Uint8Array);

impl Buffer {
    /// Takes bytes, with room in front for the head of a frame.
    pub fn from_vec(bytes: Vec<u8>) -> Buffer {
        let whole = Uint8Array::new_with_length(HEADROOM + bytes.len() as u32);
        let view = whole.subarray(HEADROOM, whole.length());
        view.copy_from(&bytes);
        Buffer(view)
    }

    /// Takes a view. What lies before it in its buffer is overwritten, and the buffer is transferred, when it is sent
    /// as a batch: it should begin at [`HEADROOM`] in a buffer of its own.
    pub fn from_js(view: Uint8Array) -> Buffer {
        Buffer(view)
    }

    /// The view.
    pub fn into_js(self) -> Uint8Array {
        self.0
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.0.length() as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same bytes once more, for when these are sent: sending takes them away.
    pub fn copy(&self) -> Buffer {
        let whole = Uint8Array::new_with_length(HEADROOM + self.0.length());
        whole.set(&self.0, HEADROOM);
        Buffer(whole.subarray(HEADROOM, whole.length()))
    }

    /// Copies the first `len` bytes, or all when there are fewer.
    pub fn prefix(&self, len: usize) -> Vec<u8> {
        self.0.subarray(0, (len as u32).min(self.0.length())).to_vec()
    }

    /// Copies all of them.
    pub fn to_vec(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// Copies all of them.
    pub fn into_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }
}

/// One message of a head and a batch: without a copy of the batch where there is room before it.
pub(super) fn joined(head: &[u8], batch: Option<Buffer>) -> Uint8Array {
    let Some(Buffer(batch)) = batch else { return Uint8Array::from(head) };
    let (at, len) = (batch.byte_offset(), head.len() as u32);
    let end_of_buffer = batch.buffer().unchecked_into::<ArrayBuffer>().byte_length();
    if at >= len && at + batch.length() == end_of_buffer {
        let message = Uint8Array::new_with_byte_offset_and_length(&batch.buffer(), at - len, len + batch.length());
        message.subarray(0, len).copy_from(head);
        return message;
    }
    let message = Uint8Array::new_with_length(len + batch.length());
    message.subarray(0, len).copy_from(head);
    message.set(&batch, len);
    message
}

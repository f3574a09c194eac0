//! What stands in for a browser's parts on hosts.

/// The bytes of a frame or a batch, as the transport moves them.
#[derive(Debug)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// Takes bytes.
    pub fn from_vec(bytes: Vec<u8>) -> Buffer {
        Buffer(bytes)
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same bytes once more, for when these are sent.
    pub fn copy(&self) -> Buffer {
        Buffer(self.0.clone())
    }

    /// Copies the first `len` bytes, or all when there are fewer.
    pub fn prefix(&self, len: usize) -> Vec<u8> {
        self.0[..len.min(self.0.len())].to_vec()
    }

    /// Copies all of them.
    pub fn to_vec(&self) -> Vec<u8> {
        self.0.clone()
    }

    /// Gives all of them.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

pub(crate) use std::time::Instant;

/// Shows a line of the engine's log: on standard error.
pub(crate) fn log_line(line: &str) {
    eprintln!("{line}");
}

/// How workers come to be unless the engine was told otherwise: without the feature `embedded`, not at all.
#[cfg(not(feature = "embedded"))]
pub(crate) fn default_spawn() -> Option<std::rc::Rc<dyn super::Spawn>> {
    None
}

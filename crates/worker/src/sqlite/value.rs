//! Cells of a result, straight from SQLite's memory.

use super::{Statement, ffi};
use aludel_protocol::ValueRef;
use std::ffi::c_int;

/// A text that holds bytes which are no UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUtf8 {
    /// How many of its bytes are good.
    pub valid_up_to: usize,
}

impl Statement {
    /// The cell in this column (from 0) of the row that the last step gave. It borrows SQLite's memory, which the next
    /// step changes. A column that does not exist is NULL.
    pub fn cell(&self, column: c_int) -> Result<ValueRef<'_>, NotUtf8> {
        let raw = self.raw();
        // SAFETY: the statement is live; SQLite answers a column that does not exist, or no row, with NULL.
        let kind = unsafe { ffi::sqlite3_column_type(raw, column) };
        match kind {
            // SAFETY: as above.
            ffi::SQLITE_INTEGER => Ok(ValueRef::Integer(unsafe { ffi::sqlite3_column_int64(raw, column) })),
            // SAFETY: as above.
            ffi::SQLITE_FLOAT => Ok(ValueRef::Real(unsafe { ffi::sqlite3_column_double(raw, column) })),
            ffi::SQLITE_TEXT => {
                // SAFETY: as above. The text is asked for first, so that the length is that of its UTF-8 form.
                let start = unsafe { ffi::sqlite3_column_text(raw, column) };
                // SAFETY: the pointer was just got from this column, and nothing steps while `self` is borrowed.
                let bytes = unsafe { self.bytes(start, column) };
                match std::str::from_utf8(bytes) {
                    Ok(text) => Ok(ValueRef::Text(text)),
                    Err(error) => Err(NotUtf8 { valid_up_to: error.valid_up_to() }),
                }
            }
            ffi::SQLITE_BLOB => {
                // SAFETY: as above.
                let start = unsafe { ffi::sqlite3_column_blob(raw, column) };
                // SAFETY: the pointer was just got from this column, and nothing steps while `self` is borrowed.
                Ok(ValueRef::Blob(unsafe { self.bytes(start.cast(), column) }))
            }
            _ => Ok(ValueRef::Null),
        }
    }

    /// The bytes of a text or blob.
    ///
    /// # Safety
    ///
    /// `start` is what SQLite last returned for this column.
    unsafe fn bytes(&self, start: *const u8, column: c_int) -> &[u8] {
        // SAFETY: the statement is live.
        let length = unsafe { ffi::sqlite3_column_bytes(self.raw(), column) };
        match usize::try_from(length) {
            // SAFETY: SQLite says that `length` bytes stand there; they stay until the next step, which needs `&mut`.
            Ok(length) if length > 0 && !start.is_null() => unsafe { std::slice::from_raw_parts(start, length) },
            _ => &[],
        }
    }
}

//! The header of a SQLite file (<https://www.sqlite.org/fileformat.html>).

use crate::vfs::Scratch;
use aludel_protocol::{Error, Result, StorageReason};

const MAGIC: &[u8; 16] = b"SQLite format 3\0";
const HEADER: usize = 100;
/// Where it says with which journals it was written and is to be read: 1 for a rollback journal, 2 for a log.
const VERSIONS_AT: usize = 18;

/// Looks whether a scratch file of that length begins as a database and is as long as one; its page size. A file that
/// was used with a log is changed into one that was not: whatever its log had, it has not come along.
pub(super) fn check_header(scratch: &Scratch, len: u64) -> Result<u32> {
    let mut header = [0; HEADER];
    if len < HEADER as u64 {
        return Err(not_a_database(format!("it has {len} bytes")));
    }
    scratch.read(&mut header, 0)?;
    if !header.starts_with(MAGIC) {
        return Err(not_a_database("it does not begin as one (an encrypted one does not either)".into()));
    }
    let page_size = match u32::from(u16::from_be_bytes([header[16], header[17]])) {
        1 => 65_536,
        size if size.is_power_of_two() && size >= 512 => size,
        size => return Err(not_a_database(format!("its page size is {size}"))),
    };
    if !matches!((header[VERSIONS_AT], header[VERSIONS_AT + 1]), (1 | 2, 1 | 2)) {
        return Err(not_a_database("it is of a version that is not known".into()));
    }
    let pages = len / u64::from(page_size);
    if !len.is_multiple_of(u64::from(page_size)) {
        return Err(damaged(format!("it has {len} bytes, which are no whole pages of {page_size}")));
    }
    // The number of pages in the header counts where it was written along with the last change.
    let number =
        |at: usize| header.get(at..at + 4).and_then(|bytes| bytes.first_chunk()).map(|b| u32::from_be_bytes(*b));
    let said = number(28).filter(|said| *said > 0 && number(24) == number(92));
    if let Some(said) = said.filter(|said| u64::from(*said) > pages) {
        return Err(damaged(format!("{pages} of its {said} pages are there")));
    }
    scratch.write(&[1, 1], VERSIONS_AT as u64)?;
    Ok(page_size)
}

fn not_a_database(why: String) -> Error {
    Error::storage(StorageReason::NotADatabase, format!("the imported file is no SQLite database: {why}"))
}

fn damaged(why: String) -> Error {
    Error::storage(StorageReason::Corrupt, format!("the imported file is damaged: {why}"))
}

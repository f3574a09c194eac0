//! Sending a request once more, as the bytes that it was.

use crate::request::{EXECUTE, PROCEDURE, TRANSACTION};
use crate::{HEADER_LEN, Request};

/// Where the epoch stands in each frame.
const EPOCH_AT: usize = 4;
/// Where the deadline stands in an Execute.
const EXECUTE_DEADLINE_AT: usize = HEADER_LEN + 12;
/// Where the deadline stands in a Transaction and in a Procedure.
const TRANSACTION_DEADLINE_AT: usize = HEADER_LEN + 4;

impl Request<'_> {
    /// Makes the head of a frame fit to be sent to the host with that epoch, `elapsed` milliseconds after it was first
    /// to be sent: of a deadline, as much is left, and at least a millisecond.
    pub fn renew(head: &mut [u8], epoch: u32, elapsed: u32) {
        let deadline_at = match head.get(2) {
            Some(&EXECUTE) => Some(EXECUTE_DEADLINE_AT),
            Some(&TRANSACTION | &PROCEDURE) => Some(TRANSACTION_DEADLINE_AT),
            _ => None,
        };
        if let Some(bytes) = word(head, EPOCH_AT) {
            *bytes = epoch.to_le_bytes();
        }
        if let Some(bytes) = deadline_at.and_then(|at| word(head, at))
            && *bytes != [0; 4]
        {
            *bytes = u32::from_le_bytes(*bytes).saturating_sub(elapsed).max(1).to_le_bytes();
        }
    }
}

fn word(head: &mut [u8], at: usize) -> Option<&mut [u8; 4]> {
    head.get_mut(at..)?.first_chunk_mut::<4>()
}

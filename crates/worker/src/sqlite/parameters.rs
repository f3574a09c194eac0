//! Parameter sets of a request, bound from where they lie in its frame.

use super::{Failure, Statement};
use aludel_protocol::{Batch, Cells};
use std::ffi::c_int;
use std::rc::Rc;

/// The parameter sets of a request, and how many of them were bound. It owns the frame that they lie in.
#[derive(Debug)]
pub struct Parameters {
    // Truly borrowed from `frame`.
    cells: Cells<'static>,
    columns: u32,
    left: u32,
    frame: Rc<Vec<u8>>,
}

impl Parameters {
    /// The parameter sets of a batch that was decoded from `frame`; nothing when it was decoded from another place.
    pub fn new(frame: &Rc<Vec<u8>>, batch: &Batch<'_>) -> Option<Parameters> {
        if !batch.lies_in(frame) {
            return None;
        }
        // SAFETY: all that the batch borrows lies in `frame`, as was just asked. The vector behind an `Rc` that is
        // shared is neither changed nor freed, and the `Rc` that is kept beside the cells lives as long as they do.
        let cells = unsafe { std::mem::transmute::<Cells<'_>, Cells<'static>>(batch.cells()) };
        Some(Parameters { cells, columns: batch.columns(), left: batch.rows(), frame: Rc::clone(frame) })
    }

    /// How many parameters each set has.
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// How many sets are still to be bound.
    pub fn left(&self) -> u32 {
        self.left
    }

    /// Binds the next set, over the one before; says whether there was one.
    pub fn bind_next(&mut self, statement: &mut Statement) -> Result<bool, Failure> {
        if self.left == 0 {
            return Ok(false);
        }
        self.left -= 1;
        statement.keep_only(&self.frame);
        let columns = c_int::try_from(self.columns).unwrap_or(c_int::MAX);
        for (index, value) in (1..=columns).zip(&mut self.cells) {
            statement.bind(index, value, &self.frame)?;
        }
        Ok(true)
    }
}

//! Where the worker is not in this process, functions of the program cannot get there.

use super::Work;
use aludel_protocol::{Error, ErrorKind, Result};

/// A function that waits to be called: there is none.
pub(super) enum Offer {}

impl Offer {
    pub(super) fn id(&self) -> u64 {
        match *self {}
    }
}

pub(super) fn offer(_work: Work) -> Result<Offer> {
    let message = "a function of this program cannot run in a worker, which is another program";
    Err(Error::new(ErrorKind::NotSupported, message))
}

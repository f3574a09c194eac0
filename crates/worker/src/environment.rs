//! What the worker needs from where it runs, and what it asks of it.
#![forbid(unsafe_code)]

use crate::procedure::Finding;
use crate::vfs;
use aludel_protocol::{Error, ErrorKind, Header, ProcedureCall, Result, StorageReason};

/// What a [`crate::Service`] needs from where it runs.
pub trait Environment {
    /// A clock that never goes back, in milliseconds.
    fn now(&self) -> f64;

    /// The time on the wall, in milliseconds since 1970.
    fn wall_clock(&self) -> u64 {
        vfs::wall_clock()
    }

    /// Sends one reply frame to a client, given in parts that are to be joined. A client that has gone is sent nothing. It may
    /// hold the frame back until the next [`Environment::flush`], or until it has waited for a moment: see
    /// [`Environment::hurry`].
    fn post(&mut self, client: u64, parts: &[&[u8]]);

    /// Whether it holds frames back.
    fn holds(&self) -> bool {
        false
    }

    /// Called now and then while something runs, which may take long: what was held back long enough is to leave.
    fn hurry(&self, now: f64) {
        let _ = now;
    }

    /// Called before something that may take long, in which there is no [`Environment::hurry`]. Before the commit of a statement
    /// that is a transaction of its own only where it waits for the storage: else it is one write, and many of these follow each
    /// other.
    fn flush(&mut self) {}

    /// Makes the files of an OPFS database ready for `vfs`; [`Preparation::Later`] promises a call of
    /// [`crate::Service::files_ready`]. An environment that has no OPFS leaves this as it is.
    fn prepare_files(&mut self, path: &str, create: bool) -> Preparation {
        let _ = create;
        let message = format!("there is no origin private file system here to open {path} in");
        Preparation::Ready(Err(Error::storage(StorageReason::Unavailable, message)))
    }

    /// Makes an empty scratch file of OPFS ready for `vfs`, with an import's bytes in it later; [`Preparation::Later`]
    /// promises a call of [`crate::Service::scratch_ready`].
    fn prepare_scratch(&mut self, name: &str) -> Preparation {
        let message = format!("there is no origin private file system here to open {name} in");
        Preparation::Ready(Err(Error::storage(StorageReason::Unavailable, message)))
    }

    /// Finds a procedure that the request with this header is to call.
    fn procedure(&mut self, header: &Header, call: &ProcedureCall<'_>) -> Finding {
        let (_, message) =
            (header, format!("there is nothing here that could call {} of {}", call.export, call.module));
        Finding::Found(Err(Error::new(ErrorKind::NotSupported, message)))
    }

    /// Gives up the files of an OPFS database after its last connection was closed.
    fn release_files(&mut self, path: &str) {
        let _ = path;
    }
}

/// What [`Environment::prepare_files`] answers.
#[derive(Debug)]
pub enum Preparation {
    /// The files are ready, or will never be.
    Ready(Result<()>),
    /// [`crate::Service::files_ready`] will be called with the outcome.
    Later,
}

/// What a [`crate::Service`] wants after a turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Turn {
    /// Nothing until the next frame.
    Idle,
    /// Another turn, soon, after the environment has looked for frames.
    Again,
    /// Another turn, after the statement in [`crate::Service::take_stepping`] was run and given back.
    Step,
    /// Another turn, after the statement with this number has gone on and pauses again, or was given back.
    Resume(u64),
    /// Another turn at this time of [`Environment::now`], or after the next frame.
    WaitUntil(f64),
}

//! Bytes in, bytes out.

use aludel_protocol::{Error, ErrorKind, Header, PROTOCOL_VERSION, RepeatClass, Reply, Request, Result};

/// What a [`Service`] needs from where it runs.
pub trait Host {
    /// A clock that never goes back, in milliseconds.
    fn now(&self) -> f64;

    /// Sends one reply frame, given in parts that are to be joined.
    fn post(&mut self, parts: &[&[u8]]);

    /// Makes the files of an OPFS database ready; [`Preparation::Later`] promises a call of [`Service::files_ready`].
    fn prepare_files(&mut self, path: &str) -> Preparation {
        let _ = path;
        Preparation::Ready(Ok(()))
    }

    /// Gives up the files of a database after its last connection was closed.
    fn release_files(&mut self, path: &str) {
        let _ = path;
    }
}

/// What [`Host::prepare_files`] answers.
#[derive(Debug)]
pub enum Preparation {
    /// The files are ready, or will never be.
    Ready(Result<()>),
    /// [`Service::files_ready`] will be called with the outcome.
    Later,
}

/// What a [`Service`] wants after a turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Turn {
    /// Nothing until the next frame.
    Idle,
    /// Another turn, soon, after the host has looked for frames.
    Again,
    /// Another turn at this time of [`Host::now`], or after the next frame.
    WaitUntil(f64),
}

/// The worker without its shell: takes request frames, posts reply frames.
#[derive(Debug)]
pub struct Service<H> {
    host: H,
}

impl<H: Host> Service<H> {
    /// A service that runs on this host.
    pub fn new(host: H) -> Service<H> {
        Service { host }
    }

    /// The host.
    pub fn host_mut(&mut self) -> &mut H {
        &mut self.host
    }

    /// Takes a frame. Never panics, whatever the bytes; work that takes time waits for [`Service::turn`].
    pub fn receive(&mut self, frame: Vec<u8>) {
        let error = match Request::decode(&frame) {
            Ok((header, Request::Hello { protocol, .. })) => {
                let protocol = protocol.min(PROTOCOL_VERSION);
                let reply = Reply::Hello { protocol, version: env!("CARGO_PKG_VERSION"), sqlite_version: "" };
                return self.host.post(&[&reply.encode(&header)]);
            }
            Ok(_) => Error::new(ErrorKind::NotSupported, "the worker knows no such request yet"),
            Err(error) => error,
        };
        let header = Header::peek(&frame).unwrap_or(Header::new(0, 0, 0, RepeatClass::Safe));
        self.host.post(&[&Reply::Error { error, in_transaction: false }.encode(&header)]);
    }

    /// Works for a few milliseconds, then says when to come back.
    pub fn turn(&mut self) -> Turn {
        Turn::Idle
    }

    /// Tells that the files of a database are ready, or why not.
    pub fn files_ready(&mut self, path: &str, result: Result<()>) {
        let _ = (path, result);
    }
}

//! What a wire tells its channel.

use super::Channel;
use super::losses::gone;
use crate::listen::Event;
use crate::transport::Buffer;
use aludel_protocol::Error;
use std::rc::Weak;

/// Why a host is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// It went away: its tab was closed, crashed or frozen, or it gave the database up.
    Gone,
    /// There was none that answers: what was sent has only waited, and has reached nobody.
    Absent,
    /// Its worker broke, and what it was doing may be the cause.
    Broke(String),
}

/// Where a wire puts what arrives.
#[derive(Clone, Debug)]
pub struct Inbox(pub(super) Weak<Channel>);

impl Inbox {
    /// A frame arrived.
    pub fn frame(&self, frame: Buffer) {
        if let Some(channel) = self.0.upgrade() {
            channel.receive(frame);
        }
    }

    /// The worker is gone: it could not be loaded, crashed or was ended.
    pub fn fatal(&self, message: &str) {
        if let Some(channel) = self.0.upgrade() {
            channel.die(gone(message));
        }
    }

    /// There is no worker, and this is why.
    pub fn refuse(&self, error: Error) {
        if let Some(channel) = self.0.upgrade() {
            channel.die(error);
        }
    }

    /// The host is gone, and another will be found. Of what was sent and not answered, nobody knows what was done; until
    /// [`Inbox::found`], nothing is sent.
    pub fn lost(&self, loss: Loss) {
        if let Some(channel) = self.0.upgrade() {
            channel.lose(&loss);
        }
    }

    /// Frames reach a host again: one that knows nothing of this channel.
    pub fn found(&self) {
        if let Some(channel) = self.0.upgrade() {
            channel.find();
        }
    }

    /// Whether an answer is waited for.
    pub fn awaits(&self) -> bool {
        self.0.upgrade().is_some_and(|channel| channel.awaits())
    }

    /// Something happened that those who use the database may want to know: another tab hosts it, or cannot share it.
    pub fn event(&self, event: &Event) {
        if let Some(channel) = self.0.upgrade() {
            channel.emit(event);
        }
    }

    /// Wakes whoever waits for a reply.
    pub fn wake_all(&self) {
        if let Some(channel) = self.0.upgrade() {
            channel.wake_all();
        }
    }
}

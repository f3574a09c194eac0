//! A connection of the worker, as the pool keeps it.

use crate::limit::Clock;
use crate::listen::Events;
use crate::transport::{Answer, ChannelUse};
use aludel_protocol::{RepeatClass, Request};
use std::any::Any;
use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::Duration;

/// A connection of the worker.
#[derive(Debug)]
pub(crate) struct Link {
    pub channel: ChannelUse,
    pub id: u32,
    /// It failed to be made clean for its next user.
    pub broken: Rc<Cell<bool>>,
    /// What its users keep with it, one after the other.
    pub info: Rc<OnceCell<Box<dyn Any>>>,
    /// Whose it was when somebody had it last, if somebody did: the number of the host.
    pub used: Cell<Option<u64>>,
    refused: bool,
    opened: Clock,
    /// Know it as one of their engine.
    events: Rc<Events>,
}

impl Link {
    /// A connection that is being opened.
    pub(crate) fn new(channel: ChannelUse, events: &Rc<Events>) -> Link {
        let (id, opened, events) = (channel.new_connection(), Clock::now(), events.clone());
        events.owns(id);
        Link {
            channel,
            id,
            broken: Rc::default(),
            info: Rc::default(),
            used: Cell::new(None),
            refused: false,
            opened,
            events,
        }
    }

    /// It could not be opened.
    pub(crate) fn refused(&mut self) {
        self.refused = true;
    }

    pub(super) fn is_sound(&self) -> bool {
        self.channel.has(self.id) && !self.broken.get()
    }

    /// How long ago it was opened.
    pub(super) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Asks the worker whether the connection lives: a Reset does nothing to one that is clean.
    pub(super) async fn answers(&self) -> bool {
        let mut ping = self.channel.request(self.id, RepeatClass::Safe, &Request::Reset, None);
        matches!(ping.answer().await, Answer::Done { .. })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.channel.set_site(self.id, None);
        self.events.closes(&self.channel, self.id);
        // One whose opening was cancelled may be open all the same, so that it is closed, too.
        if self.channel.is_alive() && !self.refused {
            self.channel.request(self.id, RepeatClass::Safe, &Request::Close, None).detach();
        }
    }
}

//! Who holds a connection, since when, and whether it does anything with it.

use crate::limit::Clock;
use crate::site::Site;
use std::cell::Cell;
use std::time::Duration;

/// Who has taken a connection out of the pool.
#[derive(Debug)]
pub(crate) struct Holder {
    site: Site,
    taken: Clock,
    /// Requests that were not answered yet.
    in_flight: Cell<usize>,
    /// When the last answer came.
    last: Cell<Clock>,
    /// It was said of it that it holds others up.
    pub(super) reported: Cell<bool>,
}

impl Holder {
    pub(super) fn new(site: Site) -> Holder {
        let taken = Clock::now();
        Holder { site, taken, in_flight: Cell::new(0), last: Cell::new(taken), reported: Cell::new(false) }
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    /// For how long it has had the connection.
    pub(super) fn age(&self) -> Duration {
        self.taken.elapsed()
    }

    /// A request was sent.
    pub(crate) fn sent(&self) {
        self.in_flight.set(self.in_flight.get() + 1);
    }

    /// The first answer to a request came.
    pub(crate) fn answered(&self) {
        self.in_flight.set(self.in_flight.get() - 1);
        self.last.set(Clock::now());
    }

    /// Another answer to a request came: a frame of a stream.
    pub(crate) fn answered_again(&self) {
        self.last.set(Clock::now());
    }

    /// Whether all its requests were answered.
    pub(crate) fn is_quiet(&self) -> bool {
        self.in_flight.get() == 0
    }

    /// For how long it has done nothing with the connection; zero while it does.
    pub(super) fn idle(&self) -> Duration {
        if self.is_quiet() { self.last.get().elapsed() } else { Duration::ZERO }
    }
}

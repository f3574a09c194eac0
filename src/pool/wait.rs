//! Those who wait for a connection, and what they are told of those who hold one.

use super::{Grant, Holder, Pool};
use crate::limit::Clock;
use crate::listen::{Blocked, BlockedBy, Blocker, Event, Party, Tab};
use crate::site::Site;
use aludel_protocol::{Error, ErrorKind, Result};
use futures_timer::Delay;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

/// For how long somebody waits for one who does nothing before it is told.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a wait is looked into: a little less often, since timers and clocks differ by some milliseconds.
const LOOK: Duration = Duration::from_millis(1020);
/// How many holders an error names.
const NAMED: usize = 5;

/// Somebody who waits.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    grant: RefCell<Option<Grant>>,
    granted: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// A place in the queue; given up when dropped, with what was granted meanwhile.
struct Waiting<'a> {
    pool: &'a Rc<Pool>,
    waiter: &'a Rc<Waiter>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // Who was granted something has left the queue already.
        if !self.waiter.granted.get() {
            self.pool.waiters.borrow_mut().retain(|other| !Rc::ptr_eq(other, self.waiter));
        }
        if let Some(grant) = self.waiter.grant.take() {
            self.pool.give_back(grant);
        }
    }
}

impl Pool {
    pub(super) async fn wait(self: &Rc<Pool>, site: &Site) -> Result<Grant> {
        let waiter = Rc::new(Waiter::default());
        self.waiters.borrow_mut().push_back(waiter.clone());
        let _place = Waiting { pool: self, waiter: &waiter };
        let (started, timeout) = (Clock::now(), self.rules.timeout);
        let mut timer = Delay::new(LOOK.min(timeout));
        poll_fn(|cx| {
            if let Some(grant) = waiter.grant.take() {
                return Poll::Ready(Ok(grant));
            }
            while Pin::new(&mut timer).poll(cx).is_ready() {
                let waited = started.elapsed();
                // Who comes later waits for the same holders.
                let first = self.waiters.borrow().front().is_some_and(|first| Rc::ptr_eq(first, &waiter));
                if first && waited >= PATIENCE {
                    self.look(waited, site);
                }
                if waited >= timeout {
                    return Poll::Ready(Err(self.timed_out()));
                }
                timer.reset(LOOK.min(timeout - waited));
            }
            *waiter.waker.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Hands something to the first who waits.
    pub(super) fn hand_over(&self, grant: Grant) -> Result<(), Grant> {
        let Some(waiter) = self.waiters.borrow_mut().pop_front() else { return Err(grant) };
        *waiter.grant.borrow_mut() = Some(grant);
        waiter.granted.set(true);
        if let Some(waker) = waiter.waker.take() {
            waker.wake();
        }
        Ok(())
    }

    /// Tells of holders that have done nothing for a second, once of each.
    fn look(&self, waited: Duration, site: &Site) {
        let holders = self.oldest_first();
        let at_rest = |holder: &&Rc<Holder>| holder.idle() >= PATIENCE;
        let new = holders.iter().filter(at_rest).filter(|holder| !holder.reported.replace(true)).count();
        if new == 0 {
            return;
        }
        let blocker = |holder: &Rc<Holder>| Blocker {
            site: holder.site().text(),
            tab: Tab::This,
            age: holder.age(),
            idle: Some(holder.idle()),
        };
        self.events.emit(&Event::Blocked(Blocked {
            what: BlockedBy::Pool,
            waited,
            waiter: Some(Party { site: site.text(), tab: Tab::This }),
            holders: holders.iter().map(blocker).collect(),
            log_bytes: 0,
        }));
    }

    fn timed_out(&self) -> Error {
        let mut message = format!(
            "{} limit of size {} overflow {} reached, connection timed out, timeout {:.2}",
            self.rules.class.as_str(),
            self.rules.size,
            self.overflow(),
            self.rules.timeout.as_secs_f64()
        );
        let holders = self.oldest_first();
        for holder in holders.iter().take(NAMED) {
            let site = holder.site().text().map_or(String::new(), |site| format!(" at {site}"));
            let doing = match holder.idle() {
                Duration::ZERO if !holder.is_quiet() => "waiting for the worker".to_owned(),
                idle => format!("idle for {:.1} s", idle.as_secs_f64()),
            };
            message += &format!("\n[taken {:.1} s ago{site}, {doing}]", holder.age().as_secs_f64());
        }
        if holders.len() > NAMED {
            message += &format!("\n[and {} more]", holders.len() - NAMED);
        }
        Error::new(ErrorKind::Timeout, message)
    }

    /// Those who hold a connection.
    fn oldest_first(&self) -> Vec<Rc<Holder>> {
        // They are kept in the order in which they came.
        self.holders.borrow().clone()
    }
}

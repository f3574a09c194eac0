//! First come, first served: one caller at a time, in the order of their calls.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};

/// A queue in which each caller waits until those before it are through.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    next: Cell<u64>,
    queue: RefCell<VecDeque<(u64, Option<Waker>)>>,
}

impl Gate {
    /// Takes a place in the queue now, and waits until it is the first. The place is left when the guard, or the
    /// future, is dropped.
    pub(crate) fn enter(self: &Rc<Gate>) -> impl Future<Output = Entry> {
        let ticket = self.next.replace(self.next.get() + 1);
        self.queue.borrow_mut().push_back((ticket, None));
        let mut entry = Some(Entry { gate: self.clone(), ticket });
        poll_fn(move |cx| {
            let first = entry.as_ref().is_some_and(|entry| entry.poll(cx.waker()));
            entry.take_if(|_| first).map_or(Poll::Pending, Poll::Ready)
        })
    }
}

/// A place in the queue.
#[derive(Debug)]
pub(crate) struct Entry {
    gate: Rc<Gate>,
    ticket: u64,
}

impl Entry {
    fn poll(&self, waker: &Waker) -> bool {
        let mut queue = self.gate.queue.borrow_mut();
        if queue.front().is_some_and(|(ticket, _)| *ticket == self.ticket) {
            return true;
        }
        if let Some(at) = self.place(&queue) {
            queue[at].1 = Some(waker.clone());
        }
        false
    }

    /// Where in the queue it is. Tickets are in order, so thousands of callers do not slow each other down.
    fn place(&self, queue: &VecDeque<(u64, Option<Waker>)>) -> Option<usize> {
        queue.binary_search_by_key(&self.ticket, |(ticket, _)| *ticket).ok()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut queue = self.gate.queue.borrow_mut();
        if let Some(at) = self.place(&queue) {
            queue.remove(at);
        }
        let next = queue.front_mut().and_then(|(_, waker)| waker.take());
        drop(queue);
        if let Some(waker) = next {
            waker.wake();
        }
    }
}

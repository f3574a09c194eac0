//! The worker in this very thread: it works whenever one of its replies is awaited.

use super::{Buffer, Inbox, Place, Spawn, Wire};
use aludel_protocol::{Header, ProcedureCall, Result, Storage};
use aludel_worker::{Environment, Finding, Service, Turn};
use futures_timer::Delay;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::time::{Duration, Instant};

pub(crate) fn default_spawn() -> Option<Rc<dyn Spawn>> {
    Some(Rc::new(InProcess))
}

struct InProcess;

impl Spawn for InProcess {
    fn spawn(&self, _place: &Place, inbox: Inbox) -> Result<Rc<dyn Wire>> {
        let desk = Desk { start: Instant::now(), replies: Vec::new() };
        Ok(Rc::new(Local {
            inbox,
            service: RefCell::new(Some(Service::new(desk))),
            arrived: RefCell::default(),
            timer: RefCell::default(),
            working: Cell::new(false),
        }))
    }

    fn file_storage(&self) -> Storage {
        Storage::Disk
    }
}

/// What the service sees of this process.
struct Desk {
    start: Instant,
    replies: Vec<Vec<u8>>,
}

impl Environment for Desk {
    fn now(&self) -> f64 {
        self.start.elapsed().as_secs_f64() * 1000.0
    }

    fn post(&mut self, _client: u64, parts: &[&[u8]]) {
        self.replies.push(parts.concat());
    }

    fn procedure(&mut self, _header: &Header, call: &ProcedureCall<'_>) -> Finding {
        crate::sync::find(call)
    }
}

struct Local {
    inbox: Inbox,
    /// None once it was ended.
    service: RefCell<Option<Service<Desk>>>,
    /// Frames that the service has not taken yet.
    arrived: RefCell<Vec<Vec<u8>>>,
    timer: RefCell<Option<Delay>>,
    working: Cell<bool>,
}

impl Local {
    /// One turn of the service; its replies are delivered after it.
    fn turn(&self) -> Turn {
        if self.working.replace(true) {
            // A waker that polls at once came back here while the service works.
            return Turn::Again;
        }
        let outcome = {
            let mut service = self.service.borrow_mut();
            service.as_mut().map(|service| {
                let frames = std::mem::take(&mut *self.arrived.borrow_mut());
                let turn = catch_unwind(AssertUnwindSafe(|| {
                    frames.into_iter().for_each(|frame| service.receive(frame));
                    service.turn()
                }));
                let (turn, message) = match turn {
                    Ok(turn) => (turn, None),
                    Err(panic) => (Turn::Idle, Some(panic_message(&*panic))),
                };
                (turn, std::mem::take(&mut service.environment_mut().replies), message)
            })
        };
        self.working.set(false);
        let Some((turn, replies, panic)) = outcome else { return Turn::Idle };
        for reply in replies {
            self.inbox.frame(Buffer::from_vec(reply));
        }
        if let Some(message) = panic {
            self.inbox.fatal(&format!("the worker broke: {message}"));
        }
        turn
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".into())
}

impl Wire for Local {
    fn send(&self, mut head: Vec<u8>, batch: Option<Buffer>) {
        if let Some(batch) = batch {
            head.extend_from_slice(&batch.into_vec());
        }
        self.arrived.borrow_mut().push(head);
        // Whoever waits gives the service its turn, since the sender may not wait for anything.
        self.inbox.wake_all();
    }

    fn drive(&self, cx: &mut Context<'_>) {
        match self.turn() {
            // Nothing is lent out here, so nothing pauses.
            Turn::Again | Turn::Step | Turn::Resume(_) => cx.waker().wake_by_ref(),
            Turn::WaitUntil(at) => {
                let now = self.service.borrow_mut().as_mut().map_or(at, |service| service.environment_mut().now());
                let mut timer = Delay::new(Duration::from_secs_f64((at - now).max(0.0) / 1000.0));
                if Pin::new(&mut timer).poll(cx).is_ready() {
                    cx.waker().wake_by_ref();
                }
                *self.timer.borrow_mut() = Some(timer);
            }
            Turn::Idle => {}
        }
    }

    fn rest(&self) {
        self.inbox.wake_all();
    }

    fn finish(&self) {
        while !self.working.get() && matches!(self.turn(), Turn::Again) {}
    }

    fn terminate(&self) {
        self.timer.take();
        if !self.working.get() {
            self.service.take();
        }
    }
}

//! A statement that is stepped while nothing of the service is borrowed, so that others run when it pauses.
#![forbid(unsafe_code)]

use crate::changes::Changes;
use crate::cursor::{Cursor, Halt};
use crate::scheduler::{Looks, SLICE_MS, Slice};
use crate::sqlite::{Connection, Failure, Prepared, Step};
use crate::vfs;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// How long a statement runs within a step, in milliseconds, before it pauses.
const STEP_MS: f64 = 5.0;

/// The same while nobody else wants anything: whoever is the first to want something waits so much longer. Not where the text is
/// long: who stops that waits for what was made of it to be dropped, too.
const ALONE_MS: f64 = 15.0;

/// Statements that pause as often as they can, for tests.
#[cfg(feature = "faults")]
pub(crate) mod often {
    use std::cell::Cell;

    /// After how many steps of SQLite's virtual machine they look.
    pub(crate) const STEPS: i32 = 20;

    thread_local! {
        static ON: Cell<bool> = const { Cell::new(false) };
    }

    /// From here on.
    pub(crate) fn start() {
        ON.set(true);
    }

    /// Whether they do.
    pub(crate) fn is_on() -> bool {
        ON.get()
    }
}

/// How far a statement came.
#[derive(Debug)]
pub(crate) enum Came {
    /// To be prepared, or not.
    Prepared(Result<Prepared, Failure>),
    /// To its end with a set of parameters, and perhaps over the end of its slice.
    Done { over: bool },
    /// To a row after which its slice is over.
    Over,
    /// To a row after which a frame is due.
    Full,
    /// Nowhere.
    Failed(Halt),
}

/// Steps a statement until a frame is due, its slice is over, or it ends with the last of its sets of parameters. `stop` is
/// asked now and then, also within a step, whether to interrupt it.
pub(crate) fn advance(
    cursor: &mut Cursor,
    db: &Connection,
    changes: &RefCell<Changes>,
    slice: &mut Slice,
    now: impl Fn() -> f64,
    stop: Option<&dyn Fn() -> bool>,
) -> Came {
    loop {
        match cursor.step(stop) {
            Ok(Step::Row) if slice.is_over(&now) => return Came::Over,
            Ok(Step::Row) if cursor.is_full() => return Came::Full,
            Ok(Step::Row) => continue,
            Ok(Step::Done) => {}
            Err(halt) => return Came::Failed(halt),
        }
        cursor.end_set(db, &mut changes.borrow_mut());
        // What is done, and perhaps committed, is answered at once, whatever the clock says.
        if cursor.sets.left() == 0 {
            return Came::Done { over: false };
        }
        if slice.is_over(&now) {
            return Came::Done { over: true };
        }
        if let Err(failure) = cursor.begin_next() {
            return Came::Failed(Halt::Sqlite(failure));
        }
        cursor.expect(db, &mut changes.borrow_mut());
    }
}

/// When a statement that is stepped pauses or ends; shared by the one that steps it and its connection.
#[derive(Debug)]
pub(crate) struct Pace {
    /// When its slice ends.
    until: Cell<f64>,
    /// How long the next one will be.
    step_ms: Cell<f64>,
    /// How long it is while nobody else wants anything.
    alone_ms: f64,
    /// When it is to be interrupted.
    deadline: f64,
    /// Whether it is to be interrupted as soon as it is asked.
    stopped: Cell<bool>,
}

impl Pace {
    /// After a pause.
    pub(crate) fn go_on(&self, alone: bool) {
        self.step_ms.set(if alone { self.alone_ms } else { STEP_MS });
    }

    /// Has the statement interrupted when it is asked next.
    pub(crate) fn stop(&self) {
        self.stopped.set(true);
    }

    /// Whether somebody wants it interrupted.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.get()
    }
}

/// Where statements pause.
pub trait Pausing {
    /// The clock of the service's [`crate::Environment`].
    fn now(&self) -> f64;

    /// As [`crate::Environment::hurry`].
    fn hurry(&self, now: f64) {
        let _ = now;
    }

    /// Lets others run until the service says [`crate::Turn::Resume`] with this number. It calls [`crate::Service::paused`]
    /// before, and [`crate::Service::resumed`] after that.
    fn pause(&self, statement: u64);
}

/// A statement that a service has lent out: whoever has it runs it, and gives it back by [`crate::Service::stepped`].
#[derive(Debug)]
pub struct Stepping {
    pub(crate) number: u64,
    pub(crate) cursor: Cursor,
    /// The text that is still to be prepared. Nothing else of it is done then.
    pub(crate) text: Option<Rc<str>>,
    pub(crate) db: Connection,
    pub(crate) changes: Rc<RefCell<Changes>>,
    pub(crate) slice: Slice,
    pub(crate) pace: Rc<Pace>,
    pub(crate) came: Option<Came>,
}

impl Stepping {
    pub(crate) fn new(
        cursor: Cursor,
        text: Option<Rc<str>>,
        long_text: bool,
        db: Connection,
        changes: Rc<RefCell<Changes>>,
        slice: Slice,
        deadline: f64,
    ) -> Stepping {
        let pace = Pace {
            until: Cell::new(slice.end() + STEP_MS - SLICE_MS),
            step_ms: Cell::new(STEP_MS),
            alone_ms: if long_text { STEP_MS } else { ALONE_MS },
            deadline,
            stopped: Cell::new(false),
        };
        Stepping { number: 0, cursor, text, db, changes, slice, pace: Rc::new(pace), came: None }
    }

    /// Prepares the statement or steps it, and pauses as often as its slice is over meanwhile. To be called while nothing of
    /// the service is borrowed.
    pub fn run(&mut self, pausing: &dyn Pausing) {
        let (pace, number) = (Rc::clone(&self.pace), self.number);
        #[cfg(feature = "faults")]
        let often = often::is_on();
        #[cfg(not(feature = "faults"))]
        let often = false;
        if often {
            pace.until.set(0.0);
        }
        let looks = Looks::new(self.slice.last());
        let stop = || {
            if pace.stopped.get() {
                return true;
            }
            if !often && !looks.is_due() {
                return false;
            }
            let now = pausing.now();
            looks.saw(now);
            pausing.hurry(now);
            if now >= pace.deadline {
                return true;
            }
            if now < pace.until.get() {
                return false;
            }
            // What others fail with meanwhile is theirs.
            let errors = vfs::take_errors();
            pausing.pause(number);
            vfs::put_errors(errors);
            let now = pausing.now();
            looks.resume(now);
            pace.until.set(if often { 0.0 } else { now + pace.step_ms.get() });
            pace.stopped.get() || now >= pace.deadline
        };
        self.came = Some(match self.text.take() {
            Some(sql) => Came::Prepared(self.db.prepare_until(&sql, &stop)),
            None => {
                let (changes, slice) = (&self.changes, &mut self.slice);
                advance(&mut self.cursor, &self.db, changes, slice, || pausing.now(), Some(&stop))
            }
        });
    }
}

//! Statements that pause: entered by an export that can be suspended, left by an import that suspends it, where the browser
//! knows how (JSPI). Elsewhere nothing pauses, and turns run where their reason is.
// wasm-bindgen calls both attributes deprecated to say that they are experimental.
#![allow(deprecated)]

use super::outbox::Outbox;
use super::{Shell, reach_shell, with_shell};
use crate::Pausing;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::Performance;

#[wasm_bindgen]
extern "C" {
    /// `slices.ts`.
    pub type SliceHost;
    /// Whether the browser can suspend what runs.
    #[wasm_bindgen(method)]
    fn can(this: &SliceHost) -> bool;
    /// Calls [`run`] from the event loop.
    #[wasm_bindgen(method)]
    fn enter(this: &SliceHost);
    /// Has the statement with this number go on, once nothing runs.
    #[wasm_bindgen(method)]
    fn resume(this: &SliceHost, statement: f64);
    /// Suspends what runs until the statement with this number is to go on.
    #[wasm_bindgen(method, suspending)]
    fn pause(this: &SliceHost, statement: f64) -> JsValue;
}

thread_local! {
    /// Nothing where nothing pauses.
    static HOST: RefCell<Option<SliceHost>> = const { RefCell::new(None) };
    /// Whether a statement is being stepped right now, with nothing borrowed.
    static STEPPING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a statement is being stepped. Whoever asks from outside has come after a trap in it.
pub(super) fn is_stepping() -> bool {
    STEPPING.get()
}

/// Takes note of who suspends; says whether anything can be.
pub(super) fn set_host(host: SliceHost) -> bool {
    let can = host.can();
    if can {
        HOST.with_borrow_mut(|slot| *slot = Some(host));
    }
    can
}

fn host() -> Option<SliceHost> {
    HOST.with_borrow(|host| host.as_ref().map(|host| JsCast::unchecked_into(JsValue::from(host))))
}

/// Has [`run`] called, after nothing is borrowed any more.
pub(super) fn enter() {
    if let Some(host) = host() {
        host.enter();
    }
}

/// Has a statement go on.
pub(super) fn resume(statement: u64) {
    if let Some(host) = host() {
        host.resume(statement as f64);
    }
}

/// Takes turns, and steps the statements that they ask for. While one of them pauses, this is called anew.
#[wasm_bindgen(jspi)]
pub fn run() {
    let mut next = reach_shell(false, Shell::begin).flatten();
    while let Some((mut stepping, clock)) = next {
        STEPPING.set(true);
        stepping.run(&Clock { clock, outbox: Outbox::get() });
        STEPPING.set(false);
        // What was answered leaves together, unless it has waited for long, when there is nothing to step any more.
        next = reach_shell(false, |shell| shell.stepped(stepping)).flatten();
    }
    with_shell(|_| ());
}

/// Where a statement pauses.
struct Clock {
    clock: Performance,
    outbox: Rc<Outbox>,
}

impl Pausing for Clock {
    fn now(&self) -> f64 {
        self.clock.now()
    }

    fn hurry(&self, now: f64) {
        self.outbox.hurry(now);
    }

    fn pause(&self, statement: u64) {
        let Some(host) = host() else { return };
        STEPPING.set(false);
        with_shell(|shell| shell.paused(statement));
        drop(host.pause(statement as f64));
        if with_shell(|shell| shell.resumed(statement)).is_none() {
            // Another one has trapped meanwhile: SQLite must not go on.
            std::process::abort();
        }
        STEPPING.set(true);
    }
}

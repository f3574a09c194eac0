//! Web Locks: held until dropped, or watched. A lock is the only thing that tells of a death that nobody announced.

use super::js::{Locks, member};
use js_sys::{Array, Function, Object, Promise, Reflect};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// A lock that is held or waited for until this is dropped.
pub(super) struct Lock(Rc<State>);

#[derive(Default)]
struct State {
    dropped: Cell<bool>,
    /// Ends the promise for as long as which the lock is held.
    release: RefCell<Option<Function>>,
    /// Aborts the request.
    abort: RefCell<Option<web_sys::AbortController>>,
}

impl Lock {
    /// Waits in line for a lock and holds it. `granted` is called when it is ours, `refused` when the browser gives no
    /// locks here.
    pub(super) fn hold(
        locks: &Locks,
        name: &str,
        granted: impl FnOnce() + 'static,
        refused: impl FnOnce() + 'static,
    ) -> Lock {
        Lock::request(locks, name, "exclusive", granted, refused)
    }

    /// Waits until nobody holds a lock: then `free` is called, once.
    pub(super) fn watch(locks: &Locks, name: &str, free: impl FnOnce() + 'static) -> Lock {
        Lock::request(locks, name, "shared", free, || {})
    }

    /// Takes a lock if nobody has it, without standing in line.
    pub(super) async fn if_free(locks: &Locks, name: &str) -> Result<Option<Lock>, JsValue> {
        let state = Rc::new(State::default());
        let given = state.clone();
        let mut answer = None;
        let answered = Promise::new(&mut |resolve, _| answer = Some(resolve));
        let callback = Closure::<dyn FnMut(JsValue) -> JsValue>::new(move |lock: JsValue| {
            // Calling a promise's own resolver cannot fail.
            let _ = answer.as_ref().map(|answer| answer.call0(&JsValue::UNDEFINED));
            if lock.is_null() {
                return JsValue::UNDEFINED;
            }
            Promise::new(&mut |resolve, _| *given.release.borrow_mut() = Some(resolve)).into()
        });
        let options = Object::new();
        Reflect::set(&options, &"ifAvailable".into(), &true.into())?;
        let requested = locks.request(name, &options, callback.as_ref().unchecked_ref())?;
        // The request itself settles when the lock is given back, or fails.
        JsFuture::from(Promise::race(&Array::of2(&answered, &requested))).await?;
        let free = state.release.borrow().is_some();
        Ok(free.then(|| Lock(state)))
    }

    fn request(
        locks: &Locks,
        name: &str,
        mode: &str,
        granted: impl FnOnce() + 'static,
        refused: impl FnOnce() + 'static,
    ) -> Lock {
        let state = Rc::new(State::default());
        let (given, mut granted) = (state.clone(), Some(granted));
        let hold = mode == "exclusive";
        let callback = Closure::<dyn FnMut(JsValue) -> JsValue>::new(move |_lock| {
            let (false, Some(granted)) = (given.dropped.get(), granted.take()) else { return JsValue::UNDEFINED };
            if !hold {
                granted();
                return JsValue::UNDEFINED;
            }
            let held = Promise::new(&mut |resolve, _| *given.release.borrow_mut() = Some(resolve));
            granted();
            held.into()
        });
        let options = Object::new();
        // A new object takes any property.
        let _ = Reflect::set(&options, &"mode".into(), &mode.into());
        if let Ok(abort) = web_sys::AbortController::new() {
            let _ = Reflect::set(&options, &"signal".into(), &abort.signal());
            *state.abort.borrow_mut() = Some(abort);
        }
        let requested = locks.request(name, &options, callback.as_ref().unchecked_ref());
        let over = state.clone();
        spawn_local(async move {
            let outcome = match requested {
                Ok(promise) => JsFuture::from(promise).await.map(drop),
                Err(error) => Err(error),
            };
            // The browser may call it until here.
            drop(callback);
            if outcome.is_err() && !over.dropped.get() && over.release.borrow().is_none() {
                refused();
            }
        });
        Lock(state)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.dropped.set(true);
        if let Some(release) = self.0.release.take() {
            // Calling a promise's own resolver cannot fail.
            let _ = release.call0(&JsValue::UNDEFINED);
        } else if let Some(abort) = self.0.abort.take() {
            abort.abort();
        }
    }
}

/// How many others wait for a lock at the moment.
pub(super) async fn waiting(locks: &Locks, name: &str) -> usize {
    count(locks, "pending", name).await.unwrap_or(0)
}

/// Whether anybody is seen to hold a lock; nothing where the browser does not tell.
pub(super) async fn is_held(locks: &Locks, name: &str) -> Option<bool> {
    count(locks, "held", name).await.map(|count| count > 0)
}

async fn count(locks: &Locks, what: &str, name: &str) -> Option<usize> {
    let snapshot = JsFuture::from(locks.query().ok()?).await.ok()?;
    let list = member(&snapshot, what)?.dyn_into::<Array>().ok()?;
    let of_name = |lock: &JsValue| member(lock, "name").and_then(|name| name.as_string()).as_deref() == Some(name);
    Some(list.iter().filter(of_name).count())
}

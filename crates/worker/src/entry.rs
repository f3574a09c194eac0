//! The shell of the worker in a browser: frames from and to the page, turns as macrotasks, files in OPFS.

use crate::{Environment, Preparation, Service, Turn, vfs};
use aludel_protocol::{Header, RepeatClass, Reply};
use js_sys::{Array, ArrayBuffer, Function, Uint8Array};
use std::cell::RefCell;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessagePort, Performance};

/// Frames up to this size are joined before they leave wasm's memory: one crossing instead of one per part.
const SMALL_FRAME: usize = 4 << 10;
/// The longest delay that timers know.
const LONGEST_DELAY_MS: f64 = 2_147_483_647.0;

thread_local! {
    static SHELL: RefCell<Option<Shell>> = const { RefCell::new(None) };
}

/// Starts the service. To be called once, before the first frame is received.
#[wasm_bindgen]
pub fn start() -> Result<(), JsValue> {
    std::panic::set_hook(Box::new(|info| {
        // This leaves before the trap, which ends the worker. Nothing of the shell can be relied on here.
        let scope = js_sys::global().unchecked_into::<DedicatedWorkerGlobalScope>();
        let header = Header::new(0, 0, 0, RepeatClass::Safe);
        let frame = Reply::Fatal { message: &info.to_string() }.encode(&header);
        send(&scope, &[&frame]);
    }));
    let shell = Shell::new()?;
    SHELL.with_borrow_mut(|slot| *slot = Some(shell));
    Ok(())
}

/// Takes a frame from the page.
#[wasm_bindgen]
pub fn receive(frame: Vec<u8>) {
    with_shell(|shell| {
        shell.service.receive(frame);
        // While work is under way, a frame only adds to it: what matters may be a cancel behind it.
        if !shell.due {
            shell.turn();
        }
    });
}

fn with_shell(work: impl FnOnce(&mut Shell)) {
    SHELL.with(|slot| {
        // It is borrowed only after a trap, when nothing can be done any more.
        if let Ok(mut slot) = slot.try_borrow_mut()
            && let Some(shell) = slot.as_mut()
        {
            work(shell);
        }
    });
}

struct Shell {
    service: Service<Page>,
    scope: DedicatedWorkerGlobalScope,
    /// Posting to it is the shortest way to a turn that lets messages in before.
    again: MessagePort,
    /// Whether such a turn is on its way.
    due: bool,
    /// The timer that is set, and for when.
    timer: Option<(i32, f64)>,
    on_timer: Closure<dyn FnMut()>,
    // Held for as long as the other port may call it.
    _on_again: Closure<dyn FnMut()>,
    _port: MessagePort,
}

impl Shell {
    fn new() -> Result<Shell, JsValue> {
        let scope = js_sys::global().unchecked_into::<DedicatedWorkerGlobalScope>();
        let clock = scope.performance().ok_or_else(|| JsValue::from_str("this worker has no clock"))?;
        let channel = MessageChannel::new()?;
        let on_again = Closure::<dyn FnMut()>::new(|| {
            with_shell(|shell| {
                shell.due = false;
                shell.turn();
            });
        });
        let port = channel.port1();
        port.set_onmessage(Some(on_again.as_ref().unchecked_ref()));
        let on_timer = Closure::<dyn FnMut()>::new(|| {
            with_shell(|shell| {
                shell.timer = None;
                if !shell.due {
                    shell.turn();
                }
            });
        });
        Ok(Shell {
            service: Service::new(Page { scope: scope.clone(), clock }),
            scope,
            again: channel.port2(),
            due: false,
            timer: None,
            on_timer,
            _on_again: on_again,
            _port: port,
        })
    }

    fn turn(&mut self) {
        match self.service.turn() {
            Turn::Idle => self.set_timer(None),
            Turn::Again => {
                self.set_timer(None);
                self.due = self.again.post_message(&JsValue::NULL).is_ok();
            }
            Turn::WaitUntil(time) => self.set_timer(Some(time)),
        }
    }

    fn set_timer(&mut self, time: Option<f64>) {
        if self.timer.map(|(_, time)| time) == time {
            return;
        }
        if let Some((id, _)) = self.timer.take() {
            self.scope.clear_timeout_with_handle(id);
        }
        let Some(time) = time else { return };
        let delay = (time - self.service.environment_mut().now()).ceil().clamp(0.0, LONGEST_DELAY_MS);
        let callback: &Function = self.on_timer.as_ref().unchecked_ref();
        let set = self.scope.set_timeout_with_callback_and_timeout_and_arguments_0(callback, delay as i32);
        self.timer = set.ok().map(|id| (id, time));
    }
}

/// What the service sees of the page.
struct Page {
    scope: DedicatedWorkerGlobalScope,
    clock: Performance,
}

impl Environment for Page {
    fn now(&self) -> f64 {
        self.clock.now()
    }

    fn post(&mut self, _client: u64, parts: &[&[u8]]) {
        send(&self.scope, parts);
    }

    fn prepare_files(&mut self, path: &str, create: bool) -> Preparation {
        let path = path.to_owned();
        wasm_bindgen_futures::spawn_local(async move {
            let result = vfs::attach_opfs(&path, create).await;
            with_shell(|shell| {
                shell.service.files_ready(&path, result);
                if !shell.due {
                    shell.turn();
                }
            });
        });
        Preparation::Later
    }

    fn release_files(&mut self, path: &str) {
        vfs::detach(path);
    }
}

/// Posts a frame to the page, and gives its buffer away.
fn send(scope: &DedicatedWorkerGlobalScope, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let buffer = if length <= SMALL_FRAME {
        Uint8Array::from(&parts.concat()[..]).buffer()
    } else {
        let buffer = ArrayBuffer::new(length as u32);
        let (bytes, mut at) = (Uint8Array::new(&buffer), 0);
        for part in parts.iter().filter(|part| !part.is_empty()) {
            let end = at + part.len() as u32;
            bytes.subarray(at, end).copy_from(part);
            at = end;
        }
        buffer
    };
    // It cannot fail: the buffer is new and nobody else's. If it did, there would be nobody to tell.
    let _ = scope.post_message_with_transfer(&buffer, &Array::of1(&buffer));
}

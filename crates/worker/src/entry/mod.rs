//! The shell of the worker in a browser: frames from and to the page and its guests, turns as macrotasks, files in OPFS.

mod liveness;
mod outbox;
mod ports;
mod procedures;
mod slices;

use crate::scheduler::TURN_MS;
use crate::{Environment, Finding, Preparation, Service, Stepping, Turn, vfs};
use aludel_protocol::{Header, ProcedureCall, RepeatClass, Reply, frames, is_bundle};
use js_sys::{Function, Uint8Array};
use liveness::Watch;
use outbox::{Outbox, Way};
use ports::{End, Ports, client_of};
use procedures::ProcedureHost;
use slices::SliceHost;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessagePort, Performance};

/// How often it is looked whether files still have their names, at most, in milliseconds.
const LOOK_EVERY_MS: f64 = 2_000.0;
/// The longest delay that timers know.
const LONGEST_DELAY_MS: f64 = 2_147_483_647.0;

/// SQLite's memory, too.
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

thread_local! {
    static SHELL: RefCell<Option<Shell>> = const { RefCell::new(None) };
}

/// Starts the service. To be called once, before the first frame is received. `procedures` finds and calls functions,
/// `slices` suspends statements.
#[wasm_bindgen]
pub fn start(procedures: ProcedureHost, slices: SliceHost) -> Result<(), JsValue> {
    std::panic::set_hook(Box::new(|info| {
        // This leaves before the trap, which ends the worker. Nothing of the shell can be relied on here.
        say_fatal(&info.to_string());
    }));
    let mut shell = Shell::new(procedures)?;
    shell.pauses = slices::set_host(slices);
    if shell.pauses {
        shell.service.lend_statements();
    }
    SHELL.with_borrow_mut(|slot| *slot = Some(shell));
    Ok(())
}

/// The last word to the page.
fn say_fatal(message: &str) {
    Outbox::get().flush();
    let header = Header::new(0, 0, 0, RepeatClass::Safe);
    let frame = Uint8Array::from(&Reply::Fatal { message }.encode(&header)[..]).buffer();
    js_sys::global().unchecked_into::<Way>().post_alone(&frame, true);
}

/// Takes a message from the page: a frame, or several.
#[wasm_bindgen]
pub fn receive(message: Vec<u8>) {
    with_shell(|shell| shell.receive(message, None));
}

/// Takes a guest: a client that lives in another tab, and a port to it or the name of a broadcast channel.
#[wasm_bindgen]
pub fn join(client: String, end: JsValue) -> Result<(), JsValue> {
    let id = u64::from_str_radix(&client, 16).map_err(|_| JsValue::from_str("a client is 16 hexadecimal digits"))?;
    let end = End::of(end)?;
    let name = client.clone();
    let watch = Watch::over(&client, move || {
        with_shell(|shell| {
            shell.drop_guest(id);
            shell.service.environment_mut().ports.say_left(&name);
        });
    });
    with_shell(|shell| {
        // It may have been here before, when it did not hear from this worker for long: it begins anew.
        shell.drop_guest(id);
        let ports = &mut shell.service.environment_mut().ports;
        ports.add(id, end, watch, move |message| {
            with_shell(|shell| shell.receive(message, Some(id)));
        });
    });
    Ok(())
}

fn with_shell<T>(work: impl FnOnce(&mut Shell) -> T) -> Option<T> {
    reach_shell(true, work)
}

/// With `flushes`, what was answered leaves at once.
fn reach_shell<T>(flushes: bool, work: impl FnOnce(&mut Shell) -> T) -> Option<T> {
    // After a trap nothing can be done any more: it is borrowed then, or the statement that trapped is taken for one that is stepped.
    if slices::is_stepping() {
        return None;
    }
    let done = SHELL.with(|slot| {
        let mut slot = slot.try_borrow_mut().ok()?;
        let shell = slot.as_mut()?;
        let done = work(shell);
        let enters = std::mem::take(&mut shell.enters);
        if flushes {
            // Nobody waits for what this task has answered until the next one has something to say.
            shell.service.environment_mut().flush();
        }
        Some((done, enters))
    });
    let (done, enters) = done?;
    if enters {
        slices::enter();
    }
    Some(done)
}

struct Shell {
    service: Service<Page>,
    scope: DedicatedWorkerGlobalScope,
    /// Posting to it is the shortest way to a turn that lets messages in before.
    again: MessagePort,
    /// Whether such a turn is on its way.
    due: bool,
    /// Whether statements can pause. Turns are then taken where that is possible.
    pauses: bool,
    /// Whether turns are to be taken as soon as nothing is borrowed.
    enters: bool,
    /// Whether a statement is about to go on. Nothing else is begun before.
    resuming: bool,
    /// When the first of the turns began that are taken in one go.
    began_at: f64,
    /// When it was looked last whether files still have their names.
    looked_at: f64,
    /// Whether it takes nothing any more.
    over: bool,
    /// The timer that is set, and for when.
    timer: Option<(i32, f64)>,
    on_timer: Closure<dyn FnMut()>,
    // Held for as long as the other port may call it.
    _on_again: Closure<dyn FnMut()>,
    _port: MessagePort,
}

impl Shell {
    fn new(procedures: ProcedureHost) -> Result<Shell, JsValue> {
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
            service: Service::new(Page { ports: Ports::new(scope.clone()), clock, procedures: Rc::new(procedures) }),
            scope,
            again: channel.port2(),
            due: false,
            pauses: false,
            enters: false,
            resuming: false,
            began_at: 0.0,
            looked_at: 0.0,
            over: false,
            timer: None,
            on_timer,
            _on_again: on_again,
            _port: port,
        })
    }

    /// Takes a message of the page's, or of a guest's.
    fn receive(&mut self, message: Vec<u8>, from: Option<u64>) {
        if self.over {
            return;
        }
        self.look_for_files();
        match frames(&message) {
            Ok(frames) if is_bundle(&message) => {
                frames.into_iter().for_each(|at| self.take(message[at].to_vec(), from));
            }
            // A message that breaks the protocol is refused as a frame that does. A guest's is dropped where it does not name
            // the guest, as the head of several frames does not.
            Ok(_) | Err(_) => self.take(message, from),
        }
        // While work is under way, a frame only adds to it: what matters may be a cancel behind it.
        if !self.due {
            self.turn();
        }
    }

    fn take(&mut self, frame: Vec<u8>, from: Option<u64>) {
        match from {
            None => self.service.environment_mut().ports.note_own(&frame),
            // Who speaks for somebody else is not listened to.
            Some(client) if client_of(&frame) != Some(client) => return,
            Some(_) => {}
        }
        self.service.receive_from(from.unwrap_or_default(), frame);
    }

    /// Looks now and then whether the files still have their names. If not, the user has cleared the data of the site: what
    /// is acknowledged from then on would be gone with the worker, without a word. So the worker ends, and the next one
    /// begins with what is there: nothing.
    fn look_for_files(&mut self) {
        let now = self.service.environment_mut().now();
        if now < self.looked_at + LOOK_EVERY_MS {
            return;
        }
        self.looked_at = now;
        for path in self.service.opfs_paths() {
            wasm_bindgen_futures::spawn_local(async move {
                if vfs::opfs_is_gone(&path).await {
                    with_shell(|shell| shell.lose(&path));
                }
            });
        }
    }

    /// A file has lost its name.
    fn lose(&mut self, path: &str) {
        // It may have been closed and removed meanwhile.
        if !self.over && self.service.opfs_paths().iter().any(|open| open == path) {
            self.over = true;
            self.set_timer(None);
            say_fatal(&format!("the browser's data of this site was cleared while {path} was open"));
        }
    }

    /// Ends what a guest was doing, and its way to here: nothing of it arrives any more.
    fn drop_guest(&mut self, client: u64) {
        if self.service.environment_mut().ports.remove(client) {
            self.service.drop_client(client);
            if !self.due {
                self.turn();
            }
        }
    }

    /// Has a turn taken.
    fn turn(&mut self) {
        if self.pauses {
            self.enters = true;
        } else {
            self.take_turn();
        }
    }

    /// Takes a turn; gives the statement that is to be stepped, if one is.
    fn take_turn(&mut self) -> Option<(Stepping, Performance)> {
        if self.over || self.resuming {
            return None;
        }
        match self.service.turn() {
            Turn::Idle => self.set_timer(None),
            Turn::Again => {
                self.set_timer(None);
                self.come_again();
            }
            Turn::WaitUntil(time) => self.set_timer(Some(time)),
            Turn::Step => return self.service.take_stepping().map(|stepping| (stepping, self.clock())),
            Turn::Resume(statement) => {
                self.set_timer(None);
                self.resuming = true;
                slices::resume(statement);
            }
        }
        None
    }

    fn clock(&mut self) -> Performance {
        self.service.environment_mut().clock.clone()
    }

    fn come_again(&mut self) {
        self.due = self.due || self.again.post_message(&JsValue::NULL).is_ok();
    }

    /// The first of the turns that are taken in one go.
    fn begin(&mut self) -> Option<(Stepping, Performance)> {
        self.began_at = self.service.environment_mut().now();
        self.take_turn()
    }

    /// A statement was stepped: what is next?
    fn stepped(&mut self, stepping: Stepping) -> Option<(Stepping, Performance)> {
        self.service.stepped(stepping);
        let now = self.service.environment_mut().now();
        // Messages are let in now and then.
        if now >= self.began_at + TURN_MS {
            self.come_again();
            return None;
        }
        self.take_turn()
    }

    /// A statement pauses: others have their turns, and messages are let in.
    fn paused(&mut self, statement: u64) {
        self.service.paused(statement);
        self.come_again();
    }

    /// A statement goes on.
    fn resumed(&mut self, statement: u64) {
        self.resuming = false;
        self.service.resumed(statement);
        self.began_at = self.service.environment_mut().now();
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
    ports: Ports,
    clock: Performance,
    procedures: Rc<ProcedureHost>,
}

impl Environment for Page {
    fn now(&self) -> f64 {
        self.clock.now()
    }

    fn post(&mut self, client: u64, parts: &[&[u8]]) {
        self.ports.send(client, parts, self.clock.now());
    }

    fn holds(&self) -> bool {
        self.ports.outbox().holds()
    }

    fn hurry(&self, now: f64) {
        self.ports.outbox().hurry(now);
    }

    fn flush(&mut self) {
        self.ports.outbox().flush();
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

    fn prepare_scratch(&mut self, name: &str) -> Preparation {
        let name = name.to_owned();
        wasm_bindgen_futures::spawn_local(async move {
            let result = vfs::attach_opfs_scratch(&name).await;
            with_shell(|shell| {
                shell.service.scratch_ready(&name, result);
                if !shell.due {
                    shell.turn();
                }
            });
        });
        Preparation::Later
    }

    fn procedure(&mut self, header: &Header, call: &ProcedureCall<'_>) -> Finding {
        procedures::find(&self.procedures, header, call, |header, outcome| {
            with_shell(|shell| {
                shell.service.procedure_ready(header, outcome);
                if !shell.due {
                    shell.turn();
                }
            });
        })
    }

    fn release_files(&mut self, path: &str) {
        vfs::detach(path);
    }
}

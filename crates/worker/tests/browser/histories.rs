//! Hundreds of the random histories that the native tests play by thousands, on files of this browser.

use crate::history::{History, Outcome, Stage, is_open, open_keeper};
use crate::script::fresh_path;
use aludel_protocol::{Error, Storage};
use aludel_worker::{Environment, Preparation, Service, vfs};
use futures::StreamExt;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

/// How many are played on one file, and on how many files.
const ROUNDS: u64 = 50;
const FILES: u64 = 4;

struct Browser {
    clock: Rc<Cell<f64>>,
    tick: f64,
    posted: Vec<(u64, Vec<u8>)>,
    prepared: UnboundedSender<Result<(), Error>>,
}

impl Environment for Browser {
    fn now(&self) -> f64 {
        self.clock.set(self.clock.get() + self.tick);
        self.clock.get()
    }

    fn post(&mut self, client: u64, parts: &[&[u8]]) {
        self.posted.push((client, parts.concat()));
    }

    fn prepare_files(&mut self, path: &str, create: bool) -> Preparation {
        let (path, prepared) = (path.to_owned(), self.prepared.clone());
        wasm_bindgen_futures::spawn_local(async move {
            let _ = prepared.unbounded_send(vfs::attach_opfs(&path, create).await);
        });
        Preparation::Later
    }

    fn release_files(&mut self, path: &str) {
        vfs::detach(path);
    }
}

impl Stage for Browser {
    fn clock(&self) -> &Rc<Cell<f64>> {
        &self.clock
    }

    fn set_tick(&mut self, ms: f64) {
        self.tick = ms;
    }

    fn take_posted(&mut self) -> Vec<(u64, Vec<u8>)> {
        std::mem::take(&mut self.posted)
    }
}

/// Plays one history on a file, which is closed afterwards.
async fn play(path: &str, seed: u64) -> Outcome {
    let (prepared, mut ready) = unbounded();
    let clock = Rc::new(Cell::new(1_000.0));
    let mut service = Service::new(Browser { clock, tick: 0.001, posted: vec![], prepared });
    open_keeper(&mut service, Storage::Opfs, path);
    let files = ready.next().await.unwrap();
    service.files_ready(path, files);
    assert!(is_open(&mut service), "seed {seed}");
    let mut history = History::new(&mut service, Storage::Opfs, path, seed);
    if let Err(complaint) = history.play() {
        console_log!("{}", history.log.join("\n"));
        panic!("{complaint}; built with ALUDEL_SEED={seed}, this plays it alone");
    }
    history.outcome
}

#[wasm_bindgen_test]
async fn connections_do_on_files_of_the_browser_what_a_serial_model_does() {
    if let Some(seed) = option_env!("ALUDEL_SEED").and_then(|seed| seed.parse().ok()) {
        play(&fresh_path("history"), seed).await;
        return;
    }
    let first = js_sys::Date::now() as u64 * 1_000;
    let mut sum = Outcome::default();
    for file in 0..FILES {
        let path = fresh_path("histories");
        for round in 0..ROUNDS {
            let outcome = play(&path, first + file * ROUNDS + round).await;
            sum.add(&outcome);
        }
    }
    console_log!("{} histories from ALUDEL_SEED={first} on: {sum:?}", FILES * ROUNDS);
    assert!(sum.commits as u64 > FILES * ROUNDS, "too little happens: {sum:?}");
}

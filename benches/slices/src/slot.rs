//! Connections by number, each with its cached statements and the statement that it runs.
//!
//! Nothing here is borrowed while a statement runs: others run while it is suspended.

use crate::pause::pause;
use crate::probe::stack_address;
use aludel_protocol::ValueRef;
use aludel_worker::sqlite::{Connection, Failure, Prepared, Statement, Step};
use aludel_worker::vfs;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::Write;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// Longer results are told by their length and a sum.
const LONGEST: usize = 400;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

thread_local! {
    static SLOTS: RefCell<Vec<Option<Rc<Slot>>>> = const { RefCell::new(Vec::new()) };
}

struct Slot {
    connection: Connection,
    cache: RefCell<HashMap<String, Statement>>,
    sql: RefCell<String>,
    outcome: RefCell<String>,
    pace: Pace,
}

/// When a statement pauses next.
#[derive(Default)]
struct Pace {
    /// After so many looks, where that is what counts.
    looks: Cell<f64>,
    /// How long it runs between two pauses, in milliseconds, where the clock counts.
    slice: Cell<f64>,
    until: Cell<f64>,
    pauses: Cell<u32>,
    /// When it last asked, and the longest time between two times that it did.
    asked: Cell<f64>,
    gap: Cell<f64>,
    /// The lowest address of the shadow stack at which it paused.
    lowest: Cell<u32>,
}

impl Pace {
    /// Whether the statement is to be interrupted.
    fn look(&self, slot: u32) -> bool {
        if self.slice.get() > 0.0 {
            let now = now();
            self.note(now);
            if now < self.until.get() {
                return false;
            }
        } else {
            self.looks.set(self.looks.get() - 1.0);
            if self.looks.get() > 0.0 {
                return false;
            }
        }
        self.pauses.set(self.pauses.get() + 1);
        self.lowest.set(self.lowest.get().min(stack_address()));
        let looks = pause(slot).as_f64().unwrap_or(f64::INFINITY);
        self.looks.set(looks);
        self.asked.set(now());
        self.until.set(self.asked.get() + self.slice.get());
        looks == 0.0
    }

    fn note(&self, now: f64) {
        self.gap.set(self.gap.get().max(now - self.asked.replace(now)));
    }
}

fn find(slot: u32) -> Option<Rc<Slot>> {
    SLOTS.with_borrow(|slots| slots.get(slot as usize).cloned().flatten())
}

/// Opens a connection on files that are attached; its number.
#[wasm_bindgen]
pub fn open(path: &str) -> Result<u32, JsValue> {
    let told = |failure: Failure| JsValue::from_str(&told(&failure));
    let connection = Connection::open(path, vfs::VFS_NAME, true).map_err(told)?;
    for sql in ["PRAGMA journal_mode = wal", "PRAGMA synchronous = NORMAL", "PRAGMA cell_size_check = ON"] {
        connection.query(sql).map_err(told)?;
    }
    let (sql, outcome) = Default::default();
    let opened = Slot { connection, cache: RefCell::default(), sql, outcome, pace: Pace::default() };
    Ok(SLOTS.with_borrow_mut(|slots| {
        let free = slots.iter().position(Option::is_none).unwrap_or(slots.len());
        if free == slots.len() {
            slots.push(None);
        }
        slots[free] = Some(Rc::new(opened));
        free as u32
    }))
}

/// Closes a connection that runs nothing.
#[wasm_bindgen]
pub fn close(slot: u32) {
    let closed = SLOTS.with_borrow_mut(|slots| slots.get_mut(slot as usize).and_then(Option::take));
    drop(closed);
}

/// Has the clock or JavaScript asked after so many steps of SQLite's virtual machine.
#[wasm_bindgen]
pub fn look_every(slot: u32, steps: i32) {
    if let Some(slot) = find(slot) {
        slot.connection.look_every(steps);
    }
}

/// Puts a statement into a slot, to pause after so many looks, or after each `slice` milliseconds.
#[wasm_bindgen]
pub fn put(slot: u32, sql: String, looks: f64, slice: f64) {
    if let Some(slot) = find(slot) {
        slot.sql.replace(sql);
        slot.pace.looks.set(looks);
        slot.pace.slice.set(slice);
        slot.pace.asked.set(now());
        slot.pace.until.set(slot.pace.asked.get() + slice);
        slot.pace.pauses.set(0);
        slot.pace.gap.set(0.0);
        slot.pace.lowest.set(u32::MAX);
    }
}

/// Runs a statement to its end at once. `watched` has it ask the clock at each look, and not pause.
#[wasm_bindgen]
pub fn run_at_once(slot: u32, sql: &str, watched: bool) -> String {
    let Some(slot) = find(slot) else { return "no slot".into() };
    let late = || now() < 0.0;
    slot.run(sql, if watched { Some(&late) } else { None })
}

/// What the statement that was put there came to.
#[wasm_bindgen]
pub fn outcome(slot: u32) -> String {
    find(slot).map(|slot| slot.outcome.take()).unwrap_or_default()
}

/// How often it was paused.
#[wasm_bindgen]
pub fn pauses_of(slot: u32) -> u32 {
    find(slot).map_or(0, |slot| slot.pace.pauses.get())
}

/// The longest time during which it did not ask whether to pause, in milliseconds.
#[wasm_bindgen]
pub fn gap_of(slot: u32) -> f64 {
    find(slot).map_or(0.0, |slot| slot.pace.gap.get())
}

/// The lowest address of the shadow stack at which it paused.
#[wasm_bindgen]
pub fn lowest_of(slot: u32) -> u32 {
    find(slot).map_or(0, |slot| slot.pace.lowest.get())
}

/// Whether a transaction is open.
#[wasm_bindgen]
pub fn in_transaction(slot: u32) -> bool {
    find(slot).is_some_and(|slot| slot.connection.in_transaction())
}

/// Copies the log into the database as far as readers allow.
#[wasm_bindgen]
pub fn checkpoint(slot: u32, restart: bool) -> String {
    match find(slot).map(|slot| slot.connection.checkpoint(restart)) {
        Some(Ok(copied)) => format!("{} of {}", copied.copied, copied.frames),
        Some(Err(failure)) => told(&failure),
        None => "no slot".into(),
    }
}

/// Runs what was put into a slot, and pauses as it was told to.
pub(crate) fn go(number: u32) {
    let Some(slot) = find(number) else { return };
    let sql = slot.sql.take();
    let outcome = slot.run(&sql, Some(&|| slot.pace.look(number)));
    slot.pace.note(now());
    slot.outcome.replace(outcome);
}

impl Slot {
    fn run(&self, sql: &str, stop: Option<&dyn Fn() -> bool>) -> String {
        match self.rows(sql, stop) {
            Ok(rows) => rows,
            Err(failure) => told(&failure),
        }
    }

    fn rows(&self, sql: &str, stop: Option<&dyn Fn() -> bool>) -> Result<String, Failure> {
        // The borrow is over before anything runs.
        let kept = self.cache.borrow_mut().remove(sql);
        let mut statement = match kept {
            Some(statement) => statement,
            None => match self.connection.prepare(sql)? {
                Prepared::One(statement) => statement,
                Prepared::Empty | Prepared::Several(_) => return Ok("not one statement".into()),
            },
        };
        let (mut text, mut sum, mut rows) = (String::new(), Sum::default(), 0_u32);
        loop {
            match statement.step(stop) {
                Ok(Step::Row) => {
                    rows += 1;
                    let start = text.len();
                    for column in 0..statement.column_count() {
                        write_cell(&mut text, &statement, column);
                    }
                    text.push('\n');
                    sum.add(&text.as_bytes()[start..]);
                    if text.len() > LONGEST {
                        text.truncate(text.floor_char_boundary(LONGEST));
                    }
                }
                Ok(Step::Done) => break,
                Err(failure) => {
                    statement.reset();
                    return Err(failure);
                }
            }
        }
        statement.reset();
        self.cache.borrow_mut().insert(sql.to_owned(), statement);
        Ok(format!("{text}= {rows} rows, {:016x}", sum.0))
    }
}

fn write_cell(text: &mut String, statement: &Statement, column: i32) {
    let _ = match statement.cell(column) {
        Ok(ValueRef::Null) => write!(text, "NULL|"),
        Ok(ValueRef::Integer(integer)) => write!(text, "{integer}|"),
        Ok(ValueRef::Real(real)) => write!(text, "{real}|"),
        Ok(ValueRef::Text(cell)) => write!(text, "{cell}|"),
        Ok(ValueRef::Blob(blob)) => write!(text, "{blob:02x?}|"),
        Err(bad) => write!(text, "not UTF-8 from {}|", bad.valid_up_to),
    };
}

/// FNV-1a.
struct Sum(u64);

impl Default for Sum {
    fn default() -> Sum {
        Sum(0xcbf2_9ce4_8422_2325)
    }
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

fn told(failure: &Failure) -> String {
    format!("error {}: {failure:?}", failure.code())
}

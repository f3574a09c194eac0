//! What crosses the border besides errors: statements on their way in, frames on their way out.

use aludel::raw::{Buffer, Later, RawCall, RowsFrame, Text};
use aludel::{BeginMode, ExecutionOptions, IsolationLevel};
use aludel_protocol::{Error, ErrorKind, Result};
use js_sys::{Array, BigInt, Function, Promise, Uint8Array};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// How many texts of SQL are kept, so that one that is executed often is read once.
const TEXTS_KEPT: usize = 500;

thread_local! {
    static TEXTS: RefCell<HashMap<(String, bool), Rc<Text>>> = RefCell::default();
}

/// Reads a text of SQL, or finds it read.
pub fn text(source: &str, verbatim: bool) -> Result<Rc<Text>> {
    let key = (source.to_owned(), verbatim);
    if let Some(text) = TEXTS.with_borrow(|texts| texts.get(&key).cloned()) {
        return Ok(text);
    }
    let text = if verbatim { Text::verbatim(source) } else { Text::compile(source) };
    let text = Rc::new(text.map_err(|error| error.with_statement(source))?);
    TEXTS.with_borrow_mut(|texts| {
        // Rare enough that starting over is cheaper than keeping an order.
        if texts.len() >= TEXTS_KEPT {
            texts.clear();
        }
        texts.insert(key, text.clone());
    });
    Ok(text)
}

/// Parameters that TypeScript has encoded, or the promise of them, with room for the head of the frame in front.
type Parameters = (Option<Uint8Array>, Option<Promise>);

/// A statement with its parameters.
pub fn raw_call(source: &str, verbatim: bool, (batch, later): Parameters, many: bool) -> Result<RawCall> {
    let batch = batch.map(Buffer::from_js);
    let later = later.map(|promise| {
        let encoded = JsFuture::from(promise);
        // TypeScript knows what went wrong, and says so.
        let refused = |_| Error::new(ErrorKind::Data, "the parameters could not be encoded");
        let encoded = async move { encoded.await.map(|view| Buffer::from_js(view.unchecked_into())).map_err(refused) };
        Later::new(encoded)
    });
    Ok(RawCall { text: text(source, verbatim)?, batch, later, many, driver_sql: verbatim })
}

/// Options that execution.ts has checked, but for the name of the level.
pub fn execution_options(isolation: Option<String>, token: Option<String>) -> Result<ExecutionOptions> {
    let isolation_level = isolation.map(|level| IsolationLevel::parse(&level)).transpose()?;
    // How many rows come at a time, JavaScript says with each call.
    Ok(ExecutionOptions { isolation_level, logging_token: token.map(Rc::from), yield_per: None })
}

/// The mode that call.ts has checked.
pub fn begin_mode(mode: &str) -> BeginMode {
    match mode {
        "deferred" => BeginMode::Deferred,
        "exclusive" => BeginMode::Exclusive,
        _ => BeginMode::Immediate,
    }
}

/// Gives a frame to the callback of frames.ts. What it throws is a frame that breaks the protocol.
pub fn give(take: &Function, frame: RowsFrame) -> Result<()> {
    let columns = frame
        .columns
        .map_or(JsValue::UNDEFINED, |names| names.iter().map(|name| JsValue::from_str(name)).collect::<Array>().into());
    let (batch_at, changes) = (frame.batch_at as u32, frame.changes as f64);
    let arguments = [
        frame.frame.into_js().into(),
        batch_at.into(),
        columns,
        changes.into(),
        BigInt::from(frame.last_insert_rowid).into(),
    ];
    let given = take.apply(&JsValue::UNDEFINED, &arguments.iter().collect::<Array>());
    given.map(drop).map_err(|cause| {
        let why = cause.dyn_ref::<js_sys::Error>().map_or(String::new(), |error| String::from(error.message()));
        Error::new(ErrorKind::Protocol, why)
    })
}

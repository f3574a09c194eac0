//! Procedures of JavaScript: functions that modules of the page's origin export.

use crate::sqlite::{Aggregate, Collation, FunctionOptions, NewAggregate, Scalar};
use crate::{Finding, Procedure, SyncConnection};
use aludel_protocol::{Error, ErrorKind, Header, MAX_SAFE_INTEGER, ProcedureCall, Reply, Result, Value};
use js_sys::{Array, BigInt, Function, Object, Promise, Reflect, Uint8Array};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

#[wasm_bindgen]
extern "C" {
    /// `procedure_host.ts`.
    pub type ProcedureHost;
    /// Imports a module, and gives the function that it exports under a name.
    #[wasm_bindgen(method)]
    fn load(this: &ProcedureHost, module: &str, export: &str) -> Promise;
    /// Calls a function, which reaches the connection by `door`, and gives what it returned or threw.
    #[wasm_bindgen(method, catch)]
    fn call(
        this: &ProcedureHost,
        function: &JsValue,
        name: &str,
        arguments: &Uint8Array,
        engine: bool,
        door: &mut dyn FnMut(u32, String, JsValue, bool) -> JsValue,
    ) -> std::result::Result<Uint8Array, JsValue>;
}

/// Has a procedure looked for; `ready` is told what came of it.
pub(super) fn find(
    host: &Rc<ProcedureHost>,
    header: &Header,
    call: &ProcedureCall<'_>,
    ready: impl FnOnce(&Header, Result<Box<dyn Procedure>>) + 'static,
) -> Finding {
    let (host, header, engine) = (Rc::clone(host), *header, call.engine);
    let (name, arguments) = (call.export.to_owned(), call.arguments.to_vec());
    let loading = host.load(call.module, call.export);
    spawn_local(async move {
        let outcome = match JsFuture::from(loading).await {
            Ok(function) => Ok(Box::new(Exported { host, function, name, arguments, engine }) as Box<dyn Procedure>),
            Err(thrown) => Err(refused(&thrown)),
        };
        ready(&header, outcome);
    });
    Finding::Later
}

fn refused(thrown: &JsValue) -> Error {
    Error::new(ErrorKind::Procedure, said(thrown, "the procedure cannot be called"))
}

/// What was thrown says: a text says itself, an error its message.
fn said(thrown: &JsValue, otherwise: &str) -> String {
    let message = || Reflect::get(thrown, &"message".into()).ok().and_then(|message| message.as_string());
    thrown.as_string().or_else(message).unwrap_or_else(|| otherwise.to_owned())
}

/// A function that a module exports, with its arguments.
struct Exported {
    host: Rc<ProcedureHost>,
    function: JsValue,
    name: String,
    arguments: Vec<u8>,
    engine: bool,
}

impl Procedure for Exported {
    fn call(self: Box<Self>, connection: &mut SyncConnection<'_>) -> Result<Vec<u8>> {
        let arguments = Uint8Array::from(&self.arguments[..]);
        let inside = Cell::new(0_u32);
        let mut door = |op: u32, text: String, batch: JsValue, many: bool| {
            inside.set(inside.get() + 1);
            let answer = answer(connection, op, &text, batch, many).unwrap_or_else(|error| record(&error));
            inside.set(inside.get() - 1);
            answer
        };
        let outcome = self.host.call(&self.function, &self.name, &arguments, self.engine, &mut door);
        if inside.get() > 0 {
            // A trap left the call of a statement, whatever the procedure made of it. Nothing here can be relied on.
            let message = format!("{}() broke the worker within a statement", self.name);
            super::say_fatal(&message);
            wasm_bindgen::throw_str(&message);
        }
        outcome.map(|value| value.to_vec()).map_err(|thrown| refused(&thrown))
    }
}

/// What `sync_connection.ts` asks of its connection, by the numbers that it has for it.
fn answer(connection: &mut SyncConnection<'_>, op: u32, text: &str, batch: JsValue, many: bool) -> Result<JsValue> {
    let nothing = |()| JsValue::UNDEFINED;
    match op {
        0 => Ok(connection.in_transaction().into()),
        1 => {
            let names = connection.parameter_names(text)?.into_iter();
            let names: Array = names.map(|name| name.map_or(JsValue::NULL, |name| name.as_str().into())).collect();
            Ok(names.into())
        }
        2 => {
            let batch = batch.dyn_into::<Uint8Array>().ok().map(|batch| batch.to_vec());
            rows(&connection.execute(text, batch, many)?)
        }
        3 => connection.execute_script(text).map(nothing),
        4 => connection.begin().map(nothing),
        5 => connection.commit().map(nothing),
        6 => connection.roll_back().map(nothing),
        7 => connection.savepoint().map(|name| name.as_str().into()),
        8 => connection.release(text).map(nothing),
        9 => connection.roll_back_to(text).map(nothing),
        10 | 11 => {
            let options = FunctionOptions { deterministic: many, innocuous: op == 11 };
            connection.create_function(text, options, function(batch)).map(nothing)
        }
        12 => connection.create_collation(text, collation(batch)).map(nothing),
        13 | 14 => {
            let options = FunctionOptions { deterministic: false, innocuous: op == 14 };
            connection.create_aggregate(text, options, many, aggregate(batch)).map(nothing)
        }
        other => Err(Error::new(ErrorKind::Protocol, format!("a connection is not asked {other}"))),
    }
}

/// A function of JavaScript as one of SQL. What it throws, the statement fails with.
fn function(function: JsValue) -> Scalar {
    let function: Function = function.unchecked_into();
    Box::new(move |arguments| {
        let arguments: Array = arguments.iter().map(to_js).collect();
        match function.apply(&JsValue::UNDEFINED, &arguments) {
            Ok(value) => from_js(value),
            Err(thrown) => Err(said(&thrown, "the function threw what is no error")),
        }
    })
}

/// What begins groups of an aggregate, as `sync_functions.ts` makes it: a function that gives one for each.
fn aggregate(begin: JsValue) -> NewAggregate {
    let begin: Function = begin.unchecked_into();
    Box::new(move || match begin.call0(&JsValue::UNDEFINED) {
        Ok(group) => Ok(Box::new(Group(group.unchecked_into()))),
        Err(thrown) => Err(thrown_by_aggregate(&thrown)),
    })
}

/// What JavaScript keeps of a group: a function that is asked by number, with the values of a row.
struct Group(Function);

impl Group {
    fn ask(&self, what: u32, arguments: &[Value]) -> std::result::Result<JsValue, String> {
        let arguments: Array = arguments.iter().map(to_js).collect();
        let answer = self.0.call2(&JsValue::UNDEFINED, &what.into(), &arguments);
        answer.map_err(|thrown| thrown_by_aggregate(&thrown))
    }
}

impl Aggregate for Group {
    fn step(&mut self, arguments: &[Value]) -> std::result::Result<(), String> {
        self.ask(0, arguments).map(drop)
    }

    fn finalize(&mut self) -> std::result::Result<Value, String> {
        self.ask(1, &[]).and_then(from_js)
    }

    fn inverse(&mut self, arguments: &[Value]) -> std::result::Result<(), String> {
        self.ask(2, arguments).map(drop)
    }

    fn value(&mut self) -> std::result::Result<Value, String> {
        self.ask(3, &[]).and_then(from_js)
    }
}

fn thrown_by_aggregate(thrown: &JsValue) -> String {
    said(thrown, "the aggregate threw what is no error")
}

/// A function of JavaScript as a collation, of which `sort()` could make use. What it throws, the statement fails with.
fn collation(function: JsValue) -> Collation {
    let function: Function = function.unchecked_into();
    Box::new(move |one, other| {
        let order = function.call2(&JsValue::UNDEFINED, &one.into(), &other.into());
        // As `sort()` converts it: a boolean is a number, what is none throws or is NaN.
        let order = order.map_err(|thrown| said(&thrown, "the collation threw what is no error"))?;
        // What `valueOf()` throws, or what is no number to JavaScript, as a symbol.
        let order = f64::try_from(order).map_err(|thrown| said(&thrown, "a collation returned what is no number"))?;
        order.partial_cmp(&0.0).ok_or_else(|| "a collation returned what is no number".to_owned())
    })
}

fn to_js(value: &Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        Value::Integer(integer) if integer.unsigned_abs() <= MAX_SAFE_INTEGER as u64 => (*integer as f64).into(),
        Value::Integer(integer) => BigInt::from(*integer).into(),
        Value::Real(real) => (*real).into(),
        Value::Text(text) => text.into(),
        Value::Blob(blob) => Uint8Array::from(&blob[..]).into(),
    }
}

fn from_js(value: JsValue) -> std::result::Result<Value, String> {
    if value.is_null() || value.is_undefined() {
        return Ok(Value::Null);
    }
    if let Some(flag) = value.as_bool() {
        return Ok(Value::Integer(flag.into()));
    }
    if let Some(number) = value.as_f64() {
        // As parameters are bound.
        let whole = number.trunc() == number && number.abs() <= MAX_SAFE_INTEGER as f64;
        let integer = whole && !(number == 0.0 && number.is_sign_negative());
        return Ok(if integer { Value::Integer(number as i64) } else { Value::Real(number) });
    }
    if let Some(text) = value.as_string() {
        return Ok(Value::Text(text));
    }
    let value = match value.dyn_into::<Uint8Array>() {
        Ok(bytes) => return Ok(Value::Blob(bytes.to_vec())),
        Err(value) => value,
    };
    let integer = value.dyn_into::<BigInt>().ok().and_then(|integer| i64::try_from(integer).ok());
    let wrong =
        "a function of SQL returned what SQLite cannot store: it gives null, numbers, BigInts, strings or bytes";
    integer.map(Value::Integer).ok_or_else(|| wrong.to_owned())
}

/// Frames of rows as a list: changes, last insert rowid, names of the columns; then each frame, and where its batch begins.
fn rows(frames: &[Vec<u8>]) -> Result<JsValue> {
    let list = Array::new();
    for frame in frames {
        let head = Reply::head_len(frame, frame.len());
        let (_, Reply::Rows(rows)) = Reply::decode_head(&frame[..head])? else { continue };
        if let Some(names) = rows.columns {
            list.set(2, names.into_iter().map(JsValue::from_str).collect::<Array>().into());
        }
        list.set(0, (rows.changes as f64).into());
        list.set(1, BigInt::from(rows.last_insert_rowid).into());
        list.push(&Uint8Array::from(&frame[..]));
        list.push(&(head as f64).into());
    }
    Ok(list.into())
}

/// An error as `rehydrate()` of errors.ts takes it.
fn record(error: &Error) -> JsValue {
    let record = Object::new();
    let set = |name: &str, value: JsValue| {
        // A new object takes any property.
        let _ = Reflect::set(&record, &name.into(), &value);
    };
    let text = |text: Option<&str>| text.map_or(JsValue::UNDEFINED, JsValue::from_str);
    set("class", error.kind().class().into());
    set("code", text(error.code()));
    set("message", error.message().into());
    set("sqliteCode", error.sqlite_code().into());
    set("offset", error.offset().map_or(-1.0, f64::from).into());
    set("statement", text(error.statement()));
    set("parameters", text(error.parameters()));
    set("reason", text(error.reason().map(|reason| reason.as_str())));
    set("retryable", error.retryable().into());
    set("cause", error.cause().map_or(JsValue::UNDEFINED, self::record));
    if let Some(constraint) = error.constraint() {
        let object = Object::new();
        let nullable = |text: &Option<String>| text.as_deref().map_or(JsValue::NULL, JsValue::from_str);
        let columns: Array = constraint.columns.iter().map(|column| JsValue::from_str(column)).collect();
        let fields = [
            ("kind", JsValue::from_str(constraint.kind.as_str())),
            ("name", nullable(&constraint.name)),
            ("table", nullable(&constraint.table)),
            ("columns", columns.into()),
        ];
        for (name, value) in fields {
            // As above.
            let _ = Reflect::set(&object, &name.into(), &value);
        }
        set("constraint", object.into());
    }
    record.into()
}

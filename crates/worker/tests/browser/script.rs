//! JavaScript, where a test needs it.

use js_sys::{Function, Promise};
use std::cell::Cell;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// A path of a database that no other test and no earlier run has used.
pub fn fresh_path(name: &str) -> String {
    thread_local!(static COUNT: Cell<u32> = const { Cell::new(0) });
    let count = COUNT.replace(COUNT.get() + 1);
    format!("worker-tests/{name}-{}-{count}.db", js_sys::Date::now())
}

/// Runs the body of an asynchronous function of JavaScript on `argument`.
pub async fn script(argument: &str, body: &str) -> Result<JsValue, JsValue> {
    let function = Function::new_with_args("argument", &format!("return (async () => {{ {body} }})()"));
    let promise: Promise = function.call1(&JsValue::UNDEFINED, &argument.into())?.into();
    JsFuture::from(promise).await
}

/// What an expression of JavaScript gives.
pub fn evaluate(expression: &str) -> JsValue {
    Function::new_no_args(&format!("return {expression}")).call0(&JsValue::UNDEFINED).unwrap()
}

/// A property of an object that was replaced; dropping this puts back what was there.
pub struct Replaced(Function);

impl Replaced {
    /// Replaces a property of what `object` names by what `value` says, both in JavaScript.
    pub fn new(object: &str, key: &str, value: &str) -> Replaced {
        Replaced::with(
            object,
            key,
            &format!("Object.defineProperty(object, key, {{ configurable: true, value: {value} }})"),
        )
    }

    /// Takes a property of what `object` names away.
    pub fn removed(object: &str, key: &str) -> Replaced {
        Replaced::with(object, key, "delete object[key]")
    }

    fn with(object: &str, key: &str, replace: &str) -> Replaced {
        let undo = "own ? Object.defineProperty(object, key, own) : delete object[key]";
        let body = format!(
            "(() => {{ const object = {object}, key = '{key}', own = Object.getOwnPropertyDescriptor(object, key);
                {replace}; return () => {undo}; }})()"
        );
        Replaced(evaluate(&body).unchecked_into())
    }
}

impl Drop for Replaced {
    fn drop(&mut self) {
        self.0.call0(&JsValue::UNDEFINED).unwrap();
    }
}

/// Runs the body of an asynchronous function on an OPFS file, whose sync access handle is `handle`. In workers only.
pub async fn with_file(path: &str, body: &str) -> JsValue {
    let walk = "let directory = await navigator.storage.getDirectory();
        const parts = argument.split('/').filter((part) => part), name = parts.pop();
        for (const part of parts) directory = await directory.getDirectoryHandle(part, { create: true });
        const file = await directory.getFileHandle(name, { create: true });
        const handle = await file.createSyncAccessHandle();";
    script(path, &format!("{walk} try {{ {body} }} finally {{ handle.close(); }}")).await.unwrap()
}

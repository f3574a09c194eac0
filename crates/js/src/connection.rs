//! Connections: forwards to `aludel::Connection`.

use crate::call::{Call, Running, nothing, promise};
use crate::convert::{begin_mode, execution_options, give, raw_call};
use crate::error::thrown;
use crate::transaction::{NativeBlock, NativeTransaction};
use aludel::raw::{RawProcedure, RawStream};
use aludel::{BeginMode, Connection};
use js_sys::{Function, Object, Promise, Uint8Array};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// A connection.
#[wasm_bindgen]
pub struct NativeConnection(Rc<Connection>);

impl NativeConnection {
    pub(crate) fn new(connection: Connection) -> NativeConnection {
        NativeConnection(Rc::new(connection))
    }
}

#[wasm_bindgen]
impl NativeConnection {
    /// Runs a statement and gives its frames to `take`, one by one.
    #[expect(clippy::too_many_arguments, reason = "each part of an object would be a crossing of its own")]
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn execute(
        &self,
        source: &str,
        verbatim: bool,
        batch: Option<Uint8Array>,
        later: Option<Promise>,
        many: bool,
        call: &Call,
        take: Function,
    ) -> Promise {
        let connection = self.0.clone();
        let running = Running::new(call);
        let raw = raw_call(source, verbatim, (batch, later), many);
        promise(async move {
            connection.execute_raw(raw?, running.options(), &mut |frame| give(&take, frame)).await.map(nothing)
        })
    }

    /// Runs a statement and gives its first frame to `take`.
    #[expect(clippy::too_many_arguments, reason = "each part of an object would be a crossing of its own")]
    #[wasm_bindgen(unchecked_return_type = "Promise<NativeStream>")]
    pub fn stream(
        &self,
        source: &str,
        verbatim: bool,
        batch: Option<Uint8Array>,
        later: Option<Promise>,
        many: bool,
        call: &Call,
        take: Function,
    ) -> Promise {
        let connection = self.0.clone();
        let running = Running::new(call);
        let raw = raw_call(source, verbatim, (batch, later), many);
        promise(async move {
            let stream = connection.stream_raw(raw?, running.options()).await?;
            let stream = NativeStream { stream, more: Rc::new(Cell::new(true)), _running: Rc::new(running) };
            stream.take_next(take, true).await?;
            Ok(stream)
        })
    }

    /// Calls a procedure, and gives what it returned or threw.
    #[wasm_bindgen(unchecked_return_type = "Promise<Uint8Array>")]
    pub fn call(
        &self,
        module: String,
        export: String,
        arguments: Vec<u8>,
        read_only: bool,
        engine: bool,
        call: &Call,
    ) -> Promise {
        let connection = self.0.clone();
        let running = Running::new(call);
        promise(async move {
            let (module, export, arguments) = (&*module, &*export, &*arguments);
            let procedure = RawProcedure { module, export, arguments, read_only, engine };
            let value = connection.call_raw(procedure, running.options()).await?;
            Ok(Uint8Array::from(&value[..]))
        })
    }

    /// Begins a transaction, in the mode of the first statement unless it is given.
    #[wasm_bindgen(unchecked_return_type = "Promise<NativeTransaction>")]
    pub fn begin(&self, mode: Option<String>, call: &Call) -> Promise {
        let connection = self.0.clone();
        let running = Running::new(call);
        let mode = mode.as_deref().map_or(BeginMode::Auto, begin_mode);
        promise(async move {
            let begun = running.options().limit(connection.begin_with(mode)).await;
            begun.map(NativeTransaction::new)
        })
    }

    /// Begins a savepoint.
    #[wasm_bindgen(js_name = beginNested, unchecked_return_type = "Promise<NativeTransaction>")]
    pub fn begin_nested(&self, call: &Call) -> Promise {
        let connection = self.0.clone();
        let running = Running::new(call);
        promise(async move {
            let begun = running.options().limit(connection.begin_nested()).await;
            begun.map(NativeTransaction::new)
        })
    }

    /// Commits.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn commit(&self, call: &Call) -> Promise {
        let connection = self.0.clone();
        let running = Running::new(call);
        promise(async move { running.options().limit(connection.commit()).await.map(nothing) })
    }

    /// Rolls back.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn rollback(&self, call: &Call) -> Promise {
        let connection = self.0.clone();
        let running = Running::new(call);
        promise(async move { running.options().limit(connection.rollback()).await.map(nothing) })
    }

    /// Gives the connection back.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn close(&self) -> Promise {
        let connection = self.0.clone();
        promise(async move { connection.close().await.map(nothing) })
    }

    /// Drops the worker's connection.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn invalidate(&self) -> Promise {
        let connection = self.0.clone();
        promise(async move { connection.invalidate().await.map(nothing) })
    }

    /// Whether it was closed.
    #[wasm_bindgen(getter)]
    pub fn closed(&self) -> bool {
        self.0.closed()
    }

    /// Whether the worker's connection is gone.
    #[wasm_bindgen(getter)]
    pub fn invalidated(&self) -> bool {
        self.0.invalidated()
    }

    /// Whether nobody had the worker's connection before.
    #[wasm_bindgen(getter, js_name = isNew)]
    pub fn is_new(&self) -> bool {
        self.0.is_new()
    }

    /// Whether a transaction is open.
    #[wasm_bindgen(js_name = inTransaction)]
    pub fn in_transaction(&self) -> bool {
        self.0.in_transaction()
    }

    /// Whether SQLite has begun the transaction.
    #[wasm_bindgen(getter, js_name = hasBegun)]
    pub fn has_begun(&self) -> bool {
        self.0.has_begun()
    }

    /// Whether a savepoint is open.
    #[wasm_bindgen(js_name = inNestedTransaction)]
    pub fn in_nested_transaction(&self) -> bool {
        self.0.in_nested_transaction()
    }

    /// The transaction that is open.
    #[wasm_bindgen(js_name = getTransaction)]
    pub fn get_transaction(&self) -> Option<NativeTransaction> {
        self.0.get_transaction().map(NativeTransaction::new)
    }

    /// The innermost savepoint that is open.
    #[wasm_bindgen(js_name = getNestedTransaction)]
    pub fn get_nested_transaction(&self) -> Option<NativeTransaction> {
        self.0.get_nested_transaction().map(NativeTransaction::new)
    }

    /// From here on, statements are errors once the transaction has ended.
    #[wasm_bindgen(js_name = enterBlock)]
    pub fn enter_block(&self, transaction: &NativeTransaction) -> NativeBlock {
        NativeBlock::new(self.0.enter_block(transaction.get()))
    }

    /// Ends a block: commits if all went well and the transaction is active, else rolls back.
    #[wasm_bindgen(js_name = leaveBlock, unchecked_return_type = "Promise<void>")]
    pub fn leave_block(&self, transaction: &NativeTransaction, block: NativeBlock, well: bool) -> Promise {
        let connection = self.0.clone();
        let transaction = transaction.share();
        let outer = block.into_inner();
        promise(async move { connection.leave_block(&transaction, outer, well).await.map(nothing) })
    }

    /// The object that is kept with the worker's connection; `made` unless there is one.
    pub fn info(&self, made: Object) -> Result<Object, JsValue> {
        self.0.info(|| made).map_err(thrown)
    }

    /// The isolation level.
    #[wasm_bindgen(getter, js_name = isolationLevel)]
    pub fn isolation_level(&self) -> String {
        self.0.get_isolation_level().as_str().to_owned()
    }

    /// The isolation level of connections that ask for no other.
    #[wasm_bindgen(getter, js_name = defaultIsolationLevel)]
    pub fn default_isolation_level(&self) -> String {
        self.0.default_isolation_level().as_str().to_owned()
    }

    /// Sets options for what follows.
    #[wasm_bindgen(js_name = setOptions)]
    pub fn set_options(&self, isolation: Option<String>, token: Option<String>) -> Result<(), JsValue> {
        execution_options(isolation, token).and_then(|options| self.0.execution_options(&options)).map_err(thrown)
    }
}

/// A stream of frames.
#[wasm_bindgen]
pub struct NativeStream {
    stream: RawStream,
    more: Rc<Cell<bool>>,
    // The signal of the call aborts the stream as long as it lives.
    _running: Rc<Running>,
}

#[wasm_bindgen]
impl NativeStream {
    /// Gives the next frame to `take`, if there is one.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn next(&self, take: Function) -> Promise {
        let taken = self.take_next(take, false);
        promise(async move { taken.await.map(nothing) })
    }

    /// Whether there may be another frame.
    #[wasm_bindgen(getter)]
    pub fn more(&self) -> bool {
        self.more.get()
    }

    /// Closes the stream and the cursor in the worker.
    pub fn close(&self) {
        self.more.set(false);
        self.stream.close();
    }
}

impl NativeStream {
    /// Gives the next frame; the first one names the columns, as only that does which begins a result.
    fn take_next(&self, take: Function, first: bool) -> impl Future<Output = aludel::Result<()>> + use<> {
        let (stream, more) = (self.stream.clone(), self.more.clone());
        async move {
            let frame = stream.next().await?;
            more.set(frame.as_ref().is_some_and(|frame| frame.more));
            let Some(mut frame) = frame else { return Ok(()) };
            frame.columns = first.then(|| stream.columns().to_vec());
            give(&take, frame)
        }
    }
}

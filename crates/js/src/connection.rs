//! Connections: forwards to `aludel::Connection`.

use crate::call::{Call, Running};
use crate::convert::{begin_mode, give, raw_call};
use crate::error::thrown;
use crate::transaction::{NativeBlock, NativeTransaction};
use aludel::raw::RawStream;
use aludel::{BeginMode, Connection, IsolationLevel};
use js_sys::{Function, Uint8Array};
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
    pub async fn execute(
        &self,
        source: &str,
        verbatim: bool,
        batch: Option<Uint8Array>,
        many: bool,
        call: &Call,
        take: Function,
    ) -> Result<(), JsValue> {
        let connection = self.0.clone();
        let running = Running::new(call);
        let raw = raw_call(source, verbatim, batch, many).map_err(thrown)?;
        connection.execute_raw(raw, &running.options, &mut |frame| give(&take, frame)).await.map_err(thrown)
    }

    /// Runs a statement and gives its first frame to `take`.
    pub async fn stream(
        &self,
        source: &str,
        verbatim: bool,
        batch: Option<Uint8Array>,
        many: bool,
        call: &Call,
        take: Function,
    ) -> Result<NativeStream, JsValue> {
        let connection = self.0.clone();
        let running = Running::new(call);
        let raw = raw_call(source, verbatim, batch, many).map_err(thrown)?;
        let stream = connection.stream_raw(raw, &running.options).await.map_err(thrown)?;
        let stream = NativeStream { stream, more: Rc::new(Cell::new(true)), _running: Rc::new(running) };
        stream.take_next(take).await?;
        Ok(stream)
    }

    /// Begins a transaction, in the mode of the first statement unless it is given.
    pub async fn begin(&self, mode: Option<String>, call: &Call) -> Result<NativeTransaction, JsValue> {
        let connection = self.0.clone();
        let running = Running::new(call);
        let mode = mode.as_deref().map_or(BeginMode::Auto, begin_mode);
        let begun = running.options.limit(connection.begin_with(mode)).await;
        begun.map(NativeTransaction::new).map_err(thrown)
    }

    /// Begins a savepoint.
    #[wasm_bindgen(js_name = beginNested)]
    pub async fn begin_nested(&self, call: &Call) -> Result<NativeTransaction, JsValue> {
        let connection = self.0.clone();
        let running = Running::new(call);
        let begun = running.options.limit(connection.begin_nested()).await;
        begun.map(NativeTransaction::new).map_err(thrown)
    }

    /// Commits.
    pub async fn commit(&self, call: &Call) -> Result<(), JsValue> {
        let connection = self.0.clone();
        let running = Running::new(call);
        running.options.limit(connection.commit()).await.map_err(thrown)
    }

    /// Rolls back.
    pub async fn rollback(&self, call: &Call) -> Result<(), JsValue> {
        let connection = self.0.clone();
        let running = Running::new(call);
        running.options.limit(connection.rollback()).await.map_err(thrown)
    }

    /// Gives the connection back.
    pub async fn close(&self) -> Result<(), JsValue> {
        let connection = self.0.clone();
        connection.close().await.map_err(thrown)
    }

    /// Drops the worker's connection.
    pub async fn invalidate(&self) -> Result<(), JsValue> {
        let connection = self.0.clone();
        connection.invalidate().await.map_err(thrown)
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

    /// Whether a transaction is open.
    #[wasm_bindgen(js_name = inTransaction)]
    pub fn in_transaction(&self) -> bool {
        self.0.in_transaction()
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
    #[wasm_bindgen(js_name = leaveBlock)]
    pub async fn leave_block(
        &self,
        transaction: &NativeTransaction,
        block: NativeBlock,
        well: bool,
    ) -> Result<(), JsValue> {
        let connection = self.0.clone();
        let transaction = transaction.share();
        connection.leave_block(&transaction, block.into_inner(), well).await.map_err(thrown)
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

    /// Sets the isolation level.
    #[wasm_bindgen(js_name = setIsolationLevel)]
    pub fn set_isolation_level(&self, level: &str) -> Result<(), JsValue> {
        IsolationLevel::parse(level).and_then(|level| self.0.set_isolation_level(level)).map_err(thrown)
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
    pub async fn next(&self, take: Function) -> Result<(), JsValue> {
        self.take_next(take).await
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
    fn take_next(&self, take: Function) -> impl Future<Output = Result<(), JsValue>> + use<> {
        let (stream, more) = (self.stream.clone(), self.more.clone());
        async move {
            let frame = stream.next().await.map_err(thrown)?;
            more.set(frame.as_ref().is_some_and(|frame| frame.more));
            let Some(mut frame) = frame else { return Ok(()) };
            frame.columns = Some(stream.columns().to_vec());
            give(&take, frame).map_err(thrown)
        }
    }
}

//! Transactions and savepoints: forwards to `aludel::Transaction`.

use crate::call::{Call, Running, nothing, promise};
use aludel::Transaction;
use aludel::raw::OuterBlock;
use js_sys::Promise;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// A transaction or savepoint.
#[wasm_bindgen]
pub struct NativeTransaction(Rc<Transaction>);

impl NativeTransaction {
    pub(crate) fn new(transaction: Transaction) -> NativeTransaction {
        // The garbage collector may take the handle while the transaction goes on.
        transaction.disown();
        NativeTransaction(Rc::new(transaction))
    }

    pub(crate) fn get(&self) -> &Transaction {
        &self.0
    }

    pub(crate) fn share(&self) -> Rc<Transaction> {
        self.0.clone()
    }
}

#[wasm_bindgen]
impl NativeTransaction {
    /// Commits, or releases the savepoint.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn commit(&self, call: &Call) -> Promise {
        let transaction = self.share();
        let running = Running::new(call);
        promise(async move { running.options().limit(transaction.commit()).await.map(nothing) })
    }

    /// Rolls back.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn rollback(&self, call: &Call) -> Promise {
        let transaction = self.share();
        let running = Running::new(call);
        promise(async move { running.options().limit(transaction.rollback()).await.map(nothing) })
    }

    /// Rolls back if it is active.
    #[wasm_bindgen(unchecked_return_type = "Promise<void>")]
    pub fn close(&self, call: &Call) -> Promise {
        let transaction = self.share();
        let running = Running::new(call);
        promise(async move { running.options().limit(transaction.close()).await.map(nothing) })
    }

    /// Whether it can be committed.
    #[wasm_bindgen(getter, js_name = isActive)]
    pub fn is_active(&self) -> bool {
        self.0.is_active()
    }

    /// Whether it is active on a sound connection.
    #[wasm_bindgen(getter, js_name = isValid)]
    pub fn is_valid(&self) -> bool {
        self.0.is_valid()
    }

    /// Whether it is a savepoint.
    #[wasm_bindgen(getter)]
    pub fn nested(&self) -> bool {
        self.0.nested()
    }

    /// Whether both stand for the same transaction.
    pub fn same(&self, other: &NativeTransaction) -> bool {
        self.0 == other.0
    }
}

/// What a block gives back when it ends.
#[wasm_bindgen]
pub struct NativeBlock(OuterBlock);

impl NativeBlock {
    pub(crate) fn new(outer: OuterBlock) -> NativeBlock {
        NativeBlock(outer)
    }

    pub(crate) fn into_inner(self) -> OuterBlock {
        self.0
    }
}

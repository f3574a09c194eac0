//! Statements that were compiled before, by their shape.

use aludel_protocol::Result;
use aludel_sql::compile::{Compiled, Options, compile};
use aludel_sql::shape::{Mold, Shape};
use aludel_sql::statement::Statement;
use std::cell::RefCell;
use std::collections::HashMap;

/// Compiled statements of an engine: one for each shape, so that a statement that differs in its values only is not
/// compiled again. The one that was used least recently goes when another needs its place.
#[derive(Debug)]
pub(crate) struct CompiledCache {
    /// How many are kept.
    size: usize,
    kept: RefCell<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    molds: HashMap<Box<[u8]>, (Mold, u64)>,
    /// Counts the uses, so that each has a time.
    now: u64,
    hits: u64,
    misses: u64,
}

/// How an engine's cache of compiled statements is used; see [`Engine::compiled_cache_info`](crate::Engine::compiled_cache_info).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheInfo {
    /// How many statements did not have to be compiled.
    pub hits: u64,
    /// How many had to.
    pub misses: u64,
    /// How many are kept.
    pub len: usize,
    /// How many may be kept.
    pub size: usize,
}

impl CompiledCache {
    pub(crate) fn new(size: usize) -> CompiledCache {
        CompiledCache { size, kept: RefCell::default() }
    }

    /// Compiles a statement for a call that names these parameters, unless one of its shape was.
    pub(crate) fn compile(&self, statement: &Statement, keys: &[&str]) -> Result<Compiled> {
        let shape = if self.size == 0 { None } else { Shape::of(statement, keys) };
        let mut kept = self.kept.borrow_mut();
        kept.now += 1;
        let now = kept.now;
        if let Some(shape) = &shape
            && let Some((mold, used)) = kept.molds.get_mut(shape.bytes())
        {
            *used = now;
            let compiled = shape.cast(mold);
            kept.hits += 1;
            return Ok(compiled);
        }
        kept.misses += 1;
        let compiled = compile(statement, Options { keys: Some(keys), ..Options::default() })?;
        if let Some((shape, mold)) = shape.and_then(|shape| shape.mold(&compiled).map(|mold| (shape, mold))) {
            if kept.molds.len() >= self.size {
                let oldest = kept.molds.iter().min_by_key(|(_, (_, used))| *used).map(|(bytes, _)| bytes.clone());
                oldest.iter().for_each(|bytes| drop(kept.molds.remove(bytes)));
            }
            kept.molds.insert(shape.bytes().into(), (mold, now));
        }
        Ok(compiled)
    }

    pub(crate) fn clear(&self) {
        self.kept.borrow_mut().molds.clear();
    }

    pub(crate) fn info(&self) -> CacheInfo {
        let kept = self.kept.borrow();
        CacheInfo { hits: kept.hits, misses: kept.misses, len: kept.molds.len(), size: self.size }
    }
}

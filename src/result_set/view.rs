//! A way to look at a result: as rows, as the values of a column, or as mappings.

use super::core::Core;
use crate::row::{ColumnIndex, Columns, Mapping, Row};
use aludel_protocol::{Error, ErrorKind, Result, Value};
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::rc::Rc;

/// What a view gives.
pub(super) trait Item: Sized {
    fn of(row: Row) -> Self;

    /// The values by which two of them are the same.
    fn values(&self) -> &[Value];
}

impl Item for Row {
    fn of(row: Row) -> Row {
        row
    }

    fn values(&self) -> &[Value] {
        self.values()
    }
}

impl Item for Value {
    fn of(row: Row) -> Value {
        row.values().first().cloned().unwrap_or(Value::Null)
    }

    fn values(&self) -> &[Value] {
        std::slice::from_ref(self)
    }
}

impl Item for Mapping {
    fn of(row: Row) -> Mapping {
        row.mapping()
    }

    fn values(&self) -> &[Value] {
        self.row().values()
    }
}

type Key<T> = Rc<dyn Fn(&T) -> Value>;

/// What was there before, and by which key it is known; no key is all values.
struct Seen<T> {
    keys: RefCell<HashSet<Vec<u8>>>,
    key: Option<Key<T>>,
}

impl<T: Item> Seen<T> {
    fn key_of(&self, item: &T) -> Vec<u8> {
        match &self.key {
            Some(key) => identity(std::slice::from_ref(&key(item))),
            None => identity(item.values()),
        }
    }
}

/// Bytes that are equal when the values are; a real without a fraction is the same as the integer.
fn identity(values: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        let (tag, bytes): (u8, &[u8]) = match value {
            Value::Null => (0, &[]),
            Value::Integer(i) => (1, &i.to_le_bytes()),
            Value::Real(r) if *r as i64 as f64 == *r && r.abs() < 9.2e18 => (1, &(*r as i64).to_le_bytes()),
            Value::Real(r) => (2, &r.to_le_bytes()),
            Value::Text(text) => (3, text.as_bytes()),
            Value::Blob(bytes) => (4, bytes),
        };
        out.push(tag);
        out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        out.extend_from_slice(bytes);
    }
    out
}

pub(super) struct View<T> {
    pub(super) core: Rc<Core>,
    /// Which columns it has, when not all in their order.
    pick: Option<(Rc<[usize]>, Rc<Columns>)>,
    seen: Option<Seen<T>>,
    /// `unique()` was asked for before the shape changed.
    unique: bool,
}

impl<T> fmt::Debug for View<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("core", &self.core).field("pick", &self.pick).finish_non_exhaustive()
    }
}

impl<T: Item> View<T> {
    pub(super) fn new(core: Rc<Core>) -> View<T> {
        View { core, pick: None, seen: None, unique: false }
    }

    fn shaped(&self, row: Row) -> T {
        T::of(match &self.pick {
            None => row,
            Some((pick, columns)) => {
                let value = |at: &usize| row.values().get(*at).cloned().unwrap_or(Value::Null);
                Row::new(columns.clone(), pick.iter().map(value).collect())
            }
        })
    }

    pub(super) async fn fetchone(&self) -> Result<Option<T>> {
        while let Some(row) = self.core.next(false).await? {
            let item = self.shaped(row);
            if self.is_new(&item) {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    fn is_new(&self, item: &T) -> bool {
        self.seen.as_ref().is_none_or(|seen| seen.keys.borrow_mut().insert(seen.key_of(item)))
    }

    pub(super) async fn fetchmany(&self, size: Option<usize>) -> Result<Vec<T>> {
        let size = size.unwrap_or_else(|| self.core.default_size());
        let mut items = Vec::new();
        while items.len() < size
            && let Some(item) = self.fetchone().await?
        {
            items.push(item);
        }
        Ok(items)
    }

    pub(super) async fn fetchall(&self) -> Result<Vec<T>> {
        let mut items = Vec::new();
        while let Some(item) = self.fetchone().await? {
            items.push(item);
        }
        Ok(items)
    }

    /// The first; an error if a second one follows and must not, or if there is none and must be. Closes the result.
    pub(super) async fn only(&self, alone: bool, required: bool) -> Result<Option<T>> {
        let Some(row) = self.core.next(true).await? else {
            let none = || Error::new(ErrorKind::NoResultFound, "No row was found when one was required");
            return if required { Err(none()) } else { Ok(None) };
        };
        let item = self.shaped(row);
        while alone && let Some(row) = self.core.next(true).await? {
            let other = self.shaped(row);
            if self.seen.as_ref().is_some_and(|seen| seen.key_of(&item) == seen.key_of(&other)) {
                continue;
            }
            self.core.close();
            let wanted = if required { "exactly one was" } else { "one or none was" };
            let message = format!("Multiple rows were found when {wanted} required");
            return Err(Error::new(ErrorKind::MultipleResultsFound, message));
        }
        self.core.close();
        Ok(Some(item))
    }

    pub(super) async fn one(&self) -> Result<T> {
        let none = || Error::new(ErrorKind::NoResultFound, "No row was found when one was required");
        self.only(true, true).await?.ok_or_else(none)
    }

    pub(super) fn unique(mut self, key: Option<Key<T>>) -> View<T> {
        self.unique = true;
        self.seen = Some(Seen { keys: RefCell::default(), key });
        self
    }

    /// A view of other rows, which leaves out what this one would, and fetches as many at a time.
    pub(super) fn following(&self, core: Rc<Core>) -> View<T> {
        core.follow(&self.core);
        let seen = self.seen.as_ref().map(|seen| Seen { keys: RefCell::default(), key: seen.key.clone() });
        View { core, pick: None, seen, unique: self.unique }
    }

    fn names(&self) -> Result<&Rc<Columns>> {
        let all = self.core.columns()?;
        Ok(self.pick.as_ref().map_or(all, |(_, columns)| columns))
    }

    pub(super) fn keys(&self) -> Result<Vec<String>> {
        Ok(self.names()?.names().to_vec())
    }

    fn picked(&self, columns: &[&dyn ColumnIndex]) -> Result<(Rc<[usize]>, Rc<Columns>)> {
        let names = self.names()?;
        let picked: Vec<usize> = columns.iter().map(|column| names.find(*column)).collect::<Result<_>>()?;
        let columns = Columns::new(picked.iter().filter_map(|at| names.names().get(*at).cloned()).collect());
        let all = |at: usize| self.pick.as_ref().map_or(at, |(pick, _)| pick.get(at).copied().unwrap_or(at));
        Ok((picked.into_iter().map(all).collect(), Rc::new(columns)))
    }

    /// Another view of the same rows; it leaves out repeated ones if this does, by its own values.
    fn reshaped<U: Item>(&self, pick: Option<(Rc<[usize]>, Rc<Columns>)>) -> View<U> {
        let seen = self.unique.then(|| Seen { keys: RefCell::default(), key: None });
        View { core: self.core.clone(), pick, seen, unique: self.unique }
    }
}

impl View<Row> {
    pub(super) async fn scalar(&self, alone: bool, required: bool) -> Result<Option<Value>> {
        Ok(self.only(alone, required).await?.and_then(|row| row.values().first().cloned()))
    }

    pub(super) fn scalars(&self, column: &dyn ColumnIndex) -> Result<View<Value>> {
        Ok(self.reshaped(Some(self.picked(&[column])?)))
    }

    pub(super) fn mappings(&self) -> View<Mapping> {
        self.reshaped(self.pick.clone())
    }

    pub(super) fn columns(self, columns: &[&dyn ColumnIndex]) -> Result<View<Row>> {
        let pick = self.picked(columns)?;
        Ok(View { pick: Some(pick), ..self })
    }
}

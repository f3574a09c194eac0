//! One result of several.

use super::{Core, ResultSet};
use aludel_protocol::{Error, ErrorKind, Result, Value};
use std::rc::Rc;

/// Takes what is left of the results, in their order.
pub(super) fn merged(first: &ResultSet, others: &[&ResultSet]) -> Result<ResultSet> {
    let results = || std::iter::once(first).chain(others.iter().copied());
    let names = |result: &ResultSet| if result.returns_rows() { result.keys().map(Some) } else { Ok(None) };
    let columns = names(first)?;
    for other in others {
        let (ours, theirs) = (columns.as_ref().map_or(0, Vec::len), names(other)?.map_or(0, |names| names.len()));
        if ours != theirs {
            let message = format!("merge() takes results of {ours} columns, as this one has, and one has {theirs}");
            return Err(Error::new(ErrorKind::Argument, message));
        }
    }
    // Before anything is taken: what is refused leaves all of them as they were.
    results().try_for_each(|result| result.0.core.check_open())?;
    let mut rows: Vec<Vec<Value>> = Vec::new();
    if columns.is_some() {
        for result in results() {
            rows.extend(result.fetchall()?.iter().map(|row| row.values().to_vec()));
        }
    }
    let counts = || results().map(ResultSet::rowcount).filter(|count| *count >= 0);
    let rowcount = if counts().next().is_none() { -1 } else { counts().sum() };
    let lastrowid = results().last().map_or(0, ResultSet::lastrowid);
    let core = Rc::new(Core::of_outcome(columns, rows, rowcount, lastrowid));
    Ok(ResultSet(first.0.following(core)))
}

//! What the result of an INSERT or UPDATE knows of it: the keys of its rows, and the values that went into them.

use super::ResultSet;
use crate::binding::About;
use crate::row::{Columns, Row};
use aludel_protocol::{Error, ErrorKind, Result, Value};
use aludel_sql::compile::{InsertedKey, Verb};
use std::rc::Rc;

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, message)
}

impl ResultSet {
    fn about(&self, verb: Verb, name: &str) -> Result<&About> {
        let known = self.0.core.known.as_deref();
        let about = known.ok_or_else(|| invalid("Statement is not a compiled expression construct."))?;
        if about.verb != verb {
            return Err(invalid(&format!("Statement is not an {name}() expression construct.")));
        }
        Ok(about)
    }

    pub(super) fn key_of_row(&self) -> Result<Option<Row>> {
        if self.0.core.known.as_ref().is_some_and(|about| about.many) {
            return Err(invalid(
                "This statement was an executemany call; if primary key returning is supported, please use \
                 .inserted_primary_key_rows.",
            ));
        }
        Ok(self.keys_of_rows()?.into_iter().next())
    }

    pub(super) fn keys_of_rows(&self) -> Result<Vec<Row>> {
        let about = self.about(Verb::Insert, "insert")?;
        if about.returning {
            return Err(invalid("Can't call inserted_primary_key when returning() is used."));
        }
        let columns = Rc::new(Columns::new(about.key.iter().map(|(name, _)| name.clone()).collect()));
        let row = |set: &Vec<Value>| {
            let value = |(_, key): &(String, InsertedKey)| match key {
                // A row that was left out has no key, and the last rowid is that of another.
                _ if self.rowcount() == 0 => Value::Null,
                InsertedKey::Slot(at) => match set.get(*at) {
                    Some(Value::Null) | None if about.has_chosen_key && !about.many => Value::Integer(self.lastrowid()),
                    found => found.cloned().unwrap_or(Value::Null),
                },
                InsertedKey::Rowid if !about.many => Value::Integer(self.lastrowid()),
                InsertedKey::Rowid | InsertedKey::Unknown => Value::Null,
            };
            Row::new(columns.clone(), about.key.iter().map(value).collect())
        };
        Ok(about.sets.iter().map(row).collect())
    }

    pub(super) fn last_params(&self, verb: Verb, name: &str) -> Result<Vec<Vec<(String, Value)>>> {
        let about = self.about(verb, name)?;
        Ok((0..about.sets.len()).map(|run| about.params(run)).collect())
    }
}

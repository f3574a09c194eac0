//! Prepared statements that wait to be used again.
#![forbid(unsafe_code)]

use crate::sqlite::Statement;
use aludel_protocol::SortedMap;
use std::collections::HashMap;
use std::rc::Rc;

/// From how many bytes on a text is not kept: what a schema change makes stale is prepared anew in one piece.
const MOST_TEXT_BYTES: usize = 128 << 10;

/// A bounded cache of prepared statements by their text, for one connection. A statement in use is not in it, so that
/// two executions never share one. What a schema change makes stale, SQLite prepares anew by itself.
#[derive(Debug)]
pub(crate) struct StatementCache {
    capacity: usize,
    clock: u64,
    statements: HashMap<Rc<str>, (u64, Statement)>,
    /// Texts by when they were last put back: the first is the next to go.
    order: SortedMap<u64, Rc<str>>,
}

impl StatementCache {
    pub(crate) fn new(capacity: usize) -> StatementCache {
        StatementCache { capacity, clock: 0, statements: HashMap::new(), order: SortedMap::new() }
    }

    /// Takes the statement with this text, if one waits here.
    pub(crate) fn take(&mut self, sql: &str) -> Option<Statement> {
        let (used, statement) = self.statements.remove(sql)?;
        self.order.remove(&used);
        Some(statement)
    }

    /// Puts a statement back, which lets go of its parameters. The one that waited longest may have to go.
    pub(crate) fn put(&mut self, sql: &Rc<str>, mut statement: Statement) {
        statement.reset();
        if self.capacity == 0 || sql.len() >= MOST_TEXT_BYTES {
            return;
        }
        self.clock += 1;
        self.order.insert(self.clock, Rc::clone(sql));
        if let Some((used, _)) = self.statements.insert(Rc::clone(sql), (self.clock, statement)) {
            self.order.remove(&used);
        }
        if self.statements.len() > self.capacity
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.statements.remove(&oldest);
        }
    }

    /// How many statements wait here.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.statements.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{Connection, Prepared, Step};
    use crate::vfs;

    fn connection(name: &str) -> Connection {
        vfs::register().unwrap();
        vfs::attach_memory(name);
        Connection::open(name, vfs::VFS_NAME, true).unwrap()
    }

    fn prepare(connection: &Connection, sql: &str) -> (Rc<str>, Statement) {
        let Prepared::One(statement) = connection.prepare(sql).unwrap() else { panic!("{sql}") };
        (sql.into(), statement)
    }

    #[test]
    fn the_statement_that_waited_longest_goes_first() {
        let connection = connection("cache-lru");
        let mut cache = StatementCache::new(2);
        for sql in ["select 1", "select 2"] {
            let (sql, statement) = prepare(&connection, sql);
            cache.put(&sql, statement);
        }
        let used = cache.take("select 1").unwrap();
        cache.put(&"select 1".into(), used);
        let (sql, statement) = prepare(&connection, "select 3");
        cache.put(&sql, statement);
        assert_eq!((cache.len(), cache.order.len()), (2, 2));
        assert!(cache.take("select 2").is_none());
        assert!(cache.take("select 1").is_some() && cache.take("select 3").is_some());
        assert_eq!((cache.len(), cache.order.len()), (0, 0));
    }

    #[test]
    fn a_statement_in_use_is_not_given_twice() {
        let connection = connection("cache-shared");
        let mut cache = StatementCache::new(2);
        let (sql, first) = prepare(&connection, "select 1");
        cache.put(&sql, first);
        let first = cache.take(&sql).unwrap();
        assert!(cache.take(&sql).is_none());
        let (_, second) = prepare(&connection, &sql);
        cache.put(&sql, first);
        cache.put(&sql, second);
        assert_eq!((cache.len(), cache.order.len()), (1, 1));
    }

    #[test]
    fn a_schema_change_shows_after_the_first_step() {
        let connection = connection("cache-schema");
        connection.query("create table t (a)").unwrap();
        connection.query("insert into t values (1)").unwrap();
        let mut cache = StatementCache::new(2);
        let (sql, mut statement) = prepare(&connection, "select * from t");
        assert_eq!(statement.step(None).unwrap(), Step::Row);
        assert_eq!(statement.column_names(), ["a"]);
        cache.put(&sql, statement);
        connection.query("alter table t add column b").unwrap();
        let mut statement = cache.take(&sql).unwrap();
        assert_eq!(statement.step(None).unwrap(), Step::Row);
        assert_eq!(statement.column_names(), ["a", "b"]);
    }

    #[test]
    fn no_capacity_keeps_nothing() {
        let connection = connection("cache-none");
        let mut cache = StatementCache::new(0);
        let (sql, statement) = prepare(&connection, "select 1");
        cache.put(&sql, statement);
        assert!(cache.take(&sql).is_none());
    }
}

//! What its connection may ask of an execution.

use super::{Execution, Stage};
use crate::cursor::{Cursor, Limits};
use crate::keyword::first_keyword;
use crate::sets::Sets;
use std::rc::Rc;

impl Execution {
    /// The text of the statement.
    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    /// Whether it is a ROLLBACK, of the whole transaction.
    pub(crate) fn is_rollback(&self) -> bool {
        let mut words = self.sql.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        first_keyword(&self.sql).eq_ignore_ascii_case("ROLLBACK") && !words.any(|word| word.eq_ignore_ascii_case("TO"))
    }

    /// Whether the open transaction is its own, and ends with it.
    pub(crate) fn owns_transaction(&self) -> bool {
        self.owns
    }

    /// Whether it writes in a transaction of its own.
    pub(crate) fn commits_by_itself(&self) -> bool {
        self.owns && self.changing
    }

    /// Whether it may write.
    pub(crate) fn writes(&self) -> bool {
        !self.readonly
    }

    /// Whether it is a stream.
    pub(crate) fn is_stream(&self) -> bool {
        self.credits.is_some()
    }

    /// Whether it attaches or detaches a database.
    pub(crate) fn attaches(&self) -> bool {
        self.attaches
    }

    /// Whether it has sent a frame.
    pub(crate) fn has_answered(&self) -> bool {
        self.frames > 0
    }

    /// Whether it was prepared.
    pub(crate) fn has_begun(&self) -> bool {
        self.stage != Stage::Prepare
    }

    /// Takes note that it was interrupted.
    pub(crate) fn break_off(&mut self) {
        self.broken = true;
    }

    /// Whether it was interrupted, and can not go on.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether nothing is left of it but its end.
    pub(crate) fn is_done(&self) -> bool {
        self.stage == Stage::Next && self.cursor.sets.left() == 0
    }

    /// Whether all that its current set writes is written, and rows are left to be fetched, of which nobody has had any yet:
    /// SQLite hands out what RETURNING returns when all is written. What is its own transaction ends with it in any case.
    pub(super) fn has_written_unheard(&self) -> bool {
        let midst = self.stage == Stage::Step && self.cursor.sets.rows;
        midst && !self.readonly && !self.owns && !self.is_stream()
    }

    /// Whether it has read or written something.
    pub(crate) fn is_under_way(&self) -> bool {
        self.cursor.sets.rows || self.owns
    }

    /// Whether it began a transaction that is to outlive it.
    pub(crate) fn has_begun_transaction(&self) -> bool {
        self.begins
    }

    /// Lends its cursor out, to be stepped.
    pub(crate) fn lend(&mut self) -> Cursor {
        std::mem::replace(&mut self.cursor, Cursor::new(Limits { first: 0, later: 0, rows: 0 }, Sets::default()))
    }

    /// What is still to be prepared, if it is lent out for that.
    pub(crate) fn unprepared(&self) -> Option<Rc<str>> {
        (self.stage == Stage::Prepare).then(|| Rc::clone(&self.sql))
    }

    /// Takes its cursor back.
    pub(crate) fn take_back(&mut self, cursor: Cursor) {
        self.cursor = cursor;
    }

    /// Whether it has to wait for credits. Nobody waits for the reader of what a transaction of its own has written: SQLite
    /// has all of these rows in memory anyway.
    pub(crate) fn is_starved(&self) -> bool {
        self.credits == Some(0) && !self.commits_by_itself()
    }

    /// Lets it send more frames.
    pub(crate) fn grant(&mut self, credits: u32) {
        if let Some(left) = &mut self.credits {
            *left = left.saturating_add(credits);
        }
    }
}

//! How a request's text becomes a statement.

use super::{Context, Execution, Progress, Stage};
use crate::sqlite::{Prepared, Statement};
#[cfg(feature = "faults")]
use crate::stepping::often;
use aludel_protocol::ErrorKind;

/// How long a text is, in bytes, that is prepared like a statement that may take long: some milliseconds' worth.
const LONG_TEXT_BYTES: usize = 64 << 10;

impl Execution {
    pub(super) fn prepare(&mut self, cx: &mut Context<'_>) -> Result<(), Progress> {
        if self.sql.contains('\0') {
            return Err(self.failed(ErrorKind::Programming, "the query contains a null character"));
        }
        match cx.cache.take(&self.sql) {
            Some(statement) => self.prepared(cx, Prepared::One(statement)),
            None if cx.lends && self.has_long_text() => Err(Progress::Lend),
            None => {
                let prepared = cx.db.prepare(&self.sql).map_err(|failure| self.failure(failure, false))?;
                self.prepared(cx, prepared)
            }
        }
    }

    /// Whether preparing it may take long, and dropping it.
    pub(crate) fn has_long_text(&self) -> bool {
        #[cfg(feature = "faults")]
        if often::is_on() {
            return true;
        }
        self.sql.len() >= LONG_TEXT_BYTES
    }

    /// Takes in what its text was prepared to.
    pub(super) fn prepared(&mut self, cx: &mut Context<'_>, prepared: Prepared) -> Result<(), Progress> {
        let statement = match prepared {
            Prepared::Empty => None,
            Prepared::One(statement) => Some(statement),
            Prepared::Several(_) => {
                let message = "You can only execute one statement at a time.";
                return Err(self.failed(ErrorKind::Programming, message));
            }
        };
        let checked = self.check_parameters(statement.as_ref());
        let Some(statement) = statement else {
            checked?;
            self.changing = false;
            self.cursor.sets.clear();
            self.stage = Stage::Finish;
            return Ok(());
        };
        self.readonly = statement.is_readonly();
        self.attaches = statement.attaches();
        self.returns = statement.column_count() > 0;
        // The name of a file means nothing later on.
        self.cacheable &= !self.attaches;
        // WITH may begin a SELECT, too.
        self.changing &= !self.readonly;
        self.cursor.attach(statement, cx.spare.take().unwrap_or_default());
        self.stage = Stage::Begin;
        checked
    }

    fn check_parameters(&self, statement: Option<&Statement>) -> Result<(), Progress> {
        let (supplied, sets) = (self.cursor.sets.columns(), self.cursor.sets.left());
        let uses = statement.map_or(0, Statement::parameter_count);
        if !self.many && sets != 1 {
            let message = format!("{sets} parameter sets for a statement that runs once");
            return Err(self.failed(ErrorKind::Protocol, message));
        }
        if supplied != uses && sets > 0 {
            let message = format!(
                "Incorrect number of bindings supplied. The current statement uses {uses}, and there are {supplied} \
                 supplied."
            );
            return Err(self.failed(ErrorKind::Programming, message));
        }
        Ok(())
    }
}

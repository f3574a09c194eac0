//! What an engine logs and warns of.

use super::{Engine, STATEMENTS_NOTED, WARNINGS_KEPT};
use crate::events::EchoLevel;
use crate::execution::with_token;
use crate::limit::Clock;
use crate::transport::RowsFrame;
use aludel_protocol::Value;
use aludel_sql::describe;
use std::time::Duration;

impl Engine {
    pub(crate) fn logs(&self) -> bool {
        self.0.options.echo.level() >= EchoLevel::Info
    }

    /// Says something of a statement that is no error, once.
    pub(crate) fn warn(&self, warning: &str) {
        let mut warned = self.0.warned.borrow_mut();
        if warned.len() >= WARNINGS_KEPT {
            warned.clear();
        }
        if !warned.insert(warning.to_owned()) {
            return;
        }
        drop(warned);
        self.0.options.echo.emit(&self.0.logger, EchoLevel::Warning, || warning.to_owned());
    }

    pub(crate) fn log(&self, message: impl FnOnce() -> String) {
        self.0.options.echo.emit(&self.0.logger, EchoLevel::Info, message);
    }

    /// Logs columns and rows, where that was asked for; they have to be copied for it.
    pub(crate) fn log_rows(&self, frame: &RowsFrame, token: Option<&str>) {
        let (echo, logger) = (&self.0.options.echo, &self.0.logger);
        if echo.level() < EchoLevel::Debug {
            return;
        }
        if let Some(names) = frame.columns.as_ref().filter(|names| !names.is_empty()) {
            let names: Vec<Value> = names.iter().map(|name| name.as_str().into()).collect();
            echo.emit(logger, EchoLevel::Debug, || with_token(token, format!("Col {}", describe(&[names], false))));
        }
        // A frame that cannot be read is reported to whoever reads its rows.
        for row in frame.rows().unwrap_or_default() {
            echo.emit(logger, EchoLevel::Debug, || with_token(token, format!("Row {}", describe(&[row], false))));
        }
    }

    /// `generated in ...` for a statement that is new, `cached since ...` for another.
    pub(crate) fn cache_note(&self, sql: &str) -> String {
        let mut noted = self.0.noted.borrow_mut();
        if let Some(since) = noted.get(sql) {
            return format!("cached since {}s ago", seconds(since.elapsed(), 4));
        }
        if noted.len() >= STATEMENTS_NOTED {
            noted.clear();
        }
        let now = Clock::now();
        noted.insert(sql.to_owned(), now);
        format!("generated in {}s", seconds(now.elapsed(), 5))
    }
}

/// A time in seconds with so many digits behind the point. The formatting of floats is large, and whole numbers do.
fn seconds(time: Duration, digits: usize) -> String {
    let fraction = format!("{:06}", time.subsec_micros());
    format!("{}.{}", time.as_secs(), &fraction[..digits])
}

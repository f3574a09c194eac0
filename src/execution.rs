//! Options that hold for the statements of an engine or of a connection.

use crate::options::IsolationLevel;
use aludel_protocol::{Error, ErrorKind, Result};
use std::rc::Rc;

/// What holds for the statements of an [`Engine`](crate::Engine) or a [`Connection`](crate::Connection); what is `None` is as it
/// was.
///
/// ```
/// let options = aludel::ExecutionOptions { yield_per: Some(100), ..Default::default() };
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExecutionOptions {
    /// The isolation level; it changes between transactions only.
    pub isolation_level: Option<IsolationLevel>,
    /// How many rows a stream brings at a time, and `fetchmany` and `partitions` give unless told.
    pub yield_per: Option<usize>,
    /// What stands in brackets before each line of the log.
    pub logging_token: Option<Rc<str>>,
}

impl ExecutionOptions {
    /// These, with those that `more` has in their place.
    pub(crate) fn with(&self, more: &ExecutionOptions) -> Result<ExecutionOptions> {
        if more.yield_per == Some(0) {
            return Err(Error::new(ErrorKind::Argument, "yield_per is a number of rows, one or more"));
        }
        let ExecutionOptions { isolation_level, yield_per, logging_token } = more.clone();
        Ok(ExecutionOptions {
            isolation_level: isolation_level.or(self.isolation_level),
            yield_per: yield_per.or(self.yield_per),
            logging_token: logging_token.or_else(|| self.logging_token.clone()),
        })
    }
}

/// A line of the log, with the token of the connection before it.
pub(crate) fn with_token(token: Option<&str>, message: String) -> String {
    match token {
        Some(token) => format!("[{token}] {message}"),
        None => message,
    }
}

//! What an engine tells of its work: SQLAlchemy's log of SQL.

use crate::transport::log_line;
use std::fmt;
use std::rc::Rc;

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EchoLevel {
    /// Nothing.
    Off,
    /// What is probably a mistake: a SELECT that joins each row with each.
    Warning,
    /// Statements, parameters, begins and ends of transactions.
    Info,
    /// Columns and rows, too.
    Debug,
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// `sqlalchemy.engine.Engine`, with the engine's logging name behind it.
    pub logger: Rc<str>,
    /// How important it is: any [`EchoLevel`] but `Off`.
    pub level: EchoLevel,
    /// `BEGIN (implicit)`, the SQL, `[generated in 0.00012s] (1,)`, `COMMIT`.
    pub message: String,
}

/// What is logged, and where to.
#[derive(Clone)]
pub struct Echo {
    level: EchoLevel,
    sink: Option<Sink>,
}

type Sink = Rc<dyn Fn(&Record)>;

impl Echo {
    /// Logs statements to the console (standard error on hosts), or warnings only.
    pub fn new(on: bool) -> Echo {
        Echo { level: if on { EchoLevel::Info } else { EchoLevel::Warning }, sink: None }
    }

    /// Logs columns and rows, too.
    pub fn debug() -> Echo {
        Echo { level: EchoLevel::Debug, sink: None }
    }

    /// Gives each record to a function.
    pub fn to(level: EchoLevel, sink: impl Fn(&Record) + 'static) -> Echo {
        Echo { level, sink: Some(Rc::new(sink)) }
    }

    /// How much is logged.
    pub fn level(&self) -> EchoLevel {
        self.level
    }

    pub(crate) fn emit(&self, logger: &Rc<str>, level: EchoLevel, message: impl FnOnce() -> String) {
        if level > self.level {
            return;
        }
        let record = Record { logger: logger.clone(), level, message: message() };
        match &self.sink {
            Some(sink) => sink(&record),
            None => log_line(&format!("{:?} {} {}", record.level, record.logger, record.message).to_string()),
        }
    }
}

impl Default for Echo {
    fn default() -> Echo {
        Echo::new(false)
    }
}

impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Echo").field("level", &self.level).field("sink", &self.sink.is_some()).finish()
    }
}

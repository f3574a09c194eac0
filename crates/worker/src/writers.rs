//! Who writes to a database and who did so last, for those who have to be told whom they met.
#![forbid(unsafe_code)]

use crate::connection::ConnectionKey;
use std::cell::RefCell;
use std::rc::Rc;

/// The writers of one database, whether it is the one that they were opened on or attached to that.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writers(Rc<RefCell<Known>>);

#[derive(Debug, Default)]
struct Known {
    holder: Option<(ConnectionKey, f64)>,
    last: Option<Past>,
    committed: Option<(ConnectionKey, f64)>,
}

/// Who had the write lock, from when until when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Past {
    pub(crate) who: ConnectionKey,
    pub(crate) since: f64,
    pub(crate) until: f64,
}

impl Writers {
    /// Takes note of whether a connection holds the write lock.
    pub(crate) fn observe(&self, who: ConnectionKey, holds: bool, now: f64) {
        let mut known = self.0.borrow_mut();
        match known.holder.filter(|(holder, _)| *holder == who) {
            Some((_, since)) if !holds => {
                known.holder = None;
                known.last = Some(Past { who, since, until: now });
            }
            None if holds => known.holder = Some((who, now)),
            Some(_) | None => {}
        }
    }

    /// Takes note of a commit.
    pub(crate) fn committed(&self, who: ConnectionKey, now: f64) {
        self.0.borrow_mut().committed = Some((who, now));
    }

    /// Who holds the write lock, and since when.
    pub(crate) fn holder(&self) -> Option<(ConnectionKey, f64)> {
        self.0.borrow().holder
    }

    /// Who held it last and does not any more.
    pub(crate) fn last(&self) -> Option<Past> {
        self.0.borrow().last
    }

    /// Who has committed last, and when.
    pub(crate) fn last_commit(&self) -> Option<(ConnectionKey, f64)> {
        self.0.borrow().committed
    }
}

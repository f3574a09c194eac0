//! What connections ask, and what it does to the rows.

use super::model::State;
use aludel_protocol::BeginMode;

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    Open,
    Close,
    Reset,
    Begin(BeginMode),
    Commit,
    Rollback,
    Savepoint(String, BeginMode),
    Release(String),
    RollbackTo(String),
    /// Reads the whole table.
    Read {
        begin: BeginMode,
        stream: bool,
    },
    /// Writes, with several sets of parameters for the same statement if there are several.
    Write {
        begin: BeginMode,
        sets: Vec<Change>,
    },
    /// Adds to every second row, and streams what those rows are then. It begins a transaction if none is open.
    Shift {
        odd: i64,
        value: i64,
    },
}

/// A statement that writes, and its parameters.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Set {
        key: i64,
        value: i64,
    },
    /// Adds to every second row.
    Add {
        odd: i64,
        value: i64,
    },
    Put {
        key: i64,
        value: i64,
    },
    /// Fails if the row is there.
    Insert {
        key: i64,
        value: i64,
    },
    Delete {
        key: i64,
    },
    /// Deletes, and returns what was deleted.
    Take {
        key: i64,
    },
}

impl Ask {
    pub fn is_stream(&self) -> bool {
        matches!(self, Ask::Read { stream: true, .. } | Ask::Shift { .. })
    }

    /// Whether it writes and returns what it has written.
    pub fn returns(&self) -> bool {
        matches!(self, Ask::Write { sets, .. } if matches!(sets[..], [Change::Take { .. }, ..]))
    }

    pub fn ends_transaction(&self) -> bool {
        matches!(self, Ask::Rollback | Ask::Reset | Ask::Close)
    }

    pub fn ends_streams(&self) -> bool {
        self.ends_transaction() || matches!(self, Ask::Commit | Ask::Release(_) | Ask::RollbackTo(_))
    }

    pub fn may_wait(&self) -> bool {
        match self {
            Ask::Begin(_) | Ask::Savepoint(..) | Ask::Write { .. } | Ask::Shift { .. } => true,
            Ask::Read { begin, .. } => matches!(begin, BeginMode::Immediate | BeginMode::Exclusive),
            _ => false,
        }
    }

    /// Whether a cancel or a deadline leaves no doubt about what was done: of several sets in an open transaction, some
    /// would stay, and so may all of a stream that has shown nothing.
    pub fn may_be_broken_off(&self, alone: bool) -> bool {
        match self {
            Ask::Write { begin, sets } => sets.len() == 1 || (*begin == BeginMode::Own && alone),
            Ask::Shift { .. } => false,
            _ => true,
        }
    }
}

impl Change {
    pub fn sql(&self) -> &'static str {
        match self {
            Change::Set { .. } => "UPDATE t SET v = ?2 WHERE k = ?1",
            Change::Add { .. } => "UPDATE t SET v = v + ?2 WHERE k % 2 = ?1",
            Change::Put { .. } => "INSERT INTO t (k, v) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET v = excluded.v",
            Change::Insert { .. } => "INSERT INTO t (k, v) VALUES (?1, ?2)",
            Change::Delete { .. } => "DELETE FROM t WHERE k = ?1",
            Change::Take { .. } => "DELETE FROM t WHERE k = ?1 RETURNING k, v",
        }
    }

    pub fn parameters(&self) -> Vec<i64> {
        match self {
            Change::Set { key, value } | Change::Put { key, value } | Change::Insert { key, value } => {
                vec![*key, *value]
            }
            Change::Add { odd, value } => vec![*odd, *value],
            Change::Delete { key } | Change::Take { key } => vec![*key],
        }
    }

    /// How many rows it changes and what it returns; nothing if a constraint forbids it.
    pub fn apply(&self, state: &mut State) -> Option<(i64, Vec<(i64, i64)>)> {
        let changes = match self {
            Change::Set { key, value } => match state.get_mut(key) {
                Some(old) => {
                    *old = *value;
                    1
                }
                None => 0,
            },
            Change::Add { odd, value } => {
                let rows = state.iter_mut().filter(|(key, _)| *key % 2 == *odd);
                rows.map(|(_, old)| *old += value).count() as i64
            }
            Change::Put { key, value } => {
                state.insert(*key, *value);
                1
            }
            Change::Insert { key, .. } if state.contains_key(key) => return None,
            Change::Insert { key, value } => {
                state.insert(*key, *value);
                1
            }
            Change::Delete { key } => state.remove(key).map_or(0, |_| 1),
            Change::Take { key } => return Some(state.remove(key).map_or((0, vec![]), |old| (1, vec![(*key, old)]))),
        };
        Some((changes, vec![]))
    }
}

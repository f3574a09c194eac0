//! Results: SQLAlchemy's Result family, buffered and streamed, over one implementation.

mod core;
mod inserted;
mod merge;
mod stream;
mod view;

pub(crate) use self::core::Core;
use self::view::View;
use crate::connection::{Known, Take};
use crate::row::{ColumnIndex, FromValue, Mapping, Row, misfit};
use crate::transport::RowsFrame;
use aludel_protocol::{Error, ErrorKind, Result, Value};
use aludel_sql::compile::Verb;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

pub use stream::{MappingStream, Partitions, RowStream, ScalarStream};

/// Runs a future that waits for nothing: the rows of a buffered result are all there.
fn now<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(Error::new(ErrorKind::Internal, "a buffered result waited for the worker")),
    }
}

/// The methods that all buffered results have.
macro_rules! buffered {
    ($(#[doc = $doc:literal])* $name:ident, $item:ty) => {
        $(#[doc = $doc])*
        #[derive(Debug)]
        pub struct $name(View<$item>);

        impl $name {
            /// All that is left.
            pub fn fetchall(&self) -> Result<Vec<$item>> {
                now(self.0.fetchall())
            }

            /// All that is left: the same as `fetchall`.
            pub fn all(&self) -> Result<Vec<$item>> {
                self.fetchall()
            }

            /// At most `size`; as many as `yield_per` says, or one, when that is `None`.
            pub fn fetchmany(&self, size: Option<usize>) -> Result<Vec<$item>> {
                now(self.0.fetchmany(size))
            }

            /// The first, or none; closes the result.
            pub fn first(&self) -> Result<Option<$item>> {
                now(self.0.only(false, false))
            }

            /// The only one; an error if there is none, or another. Closes the result.
            pub fn one(&self) -> Result<$item> {
                now(self.0.one())
            }

            /// The only one, or none; an error if there is another. Closes the result.
            pub fn one_or_none(&self) -> Result<Option<$item>> {
                now(self.0.only(true, false))
            }

            /// All that is left, in lists of `size`.
            pub fn partitions(&self, size: Option<usize>) -> impl Iterator<Item = Result<Vec<$item>>> {
                std::iter::from_fn(move || self.fetchmany(size).map(|part| (!part.is_empty()).then_some(part)).transpose())
            }

            /// All that is left, one by one.
            pub fn iter(&self) -> impl Iterator<Item = Result<$item>> {
                std::iter::from_fn(|| now(self.0.fetchone()).transpose())
            }

            /// Leaves out what was there before.
            pub fn unique(self) -> $name {
                $name(self.0.unique(None))
            }

            /// Leaves out what has a key that was there before.
            pub fn unique_by(self, key: impl Fn(&$item) -> Value + 'static) -> $name {
                $name(self.0.unique(Some(Rc::new(key))))
            }

            /// How many `fetchmany` and `partitions` give unless told.
            pub fn yield_per(self, size: usize) -> $name {
                self.0.core.set_yield_per(size);
                self
            }

            /// Closes the result; what is left is lost.
            pub fn close(&self) {
                self.0.core.close();
            }

            /// Whether it was closed.
            pub fn closed(&self) -> bool {
                self.0.core.is_closed()
            }
        }
    };
}

buffered! {
    /// The outcome of a statement; its rows are all here. Nothing in it waits.
    ResultSet, Row
}

buffered! {
    /// The values of one column of a result.
    ScalarResult, Value
}

buffered! {
    /// The rows of a result as mappings.
    MappingResult, Mapping
}

impl ResultSet {
    /// Gathers the frames that `run` gives.
    pub(crate) async fn gather(
        known: Option<Known>,
        run: impl AsyncFnOnce(Take<'_>) -> Result<()>,
    ) -> Result<ResultSet> {
        let mut frames: Vec<RowsFrame> = Vec::new();
        run(&mut |frame| {
            if frame.columns.is_some() {
                // It begins, or begins anew with another host.
                frames.clear();
            }
            frames.push(frame);
            Ok(())
        })
        .await?;
        Ok(ResultSet::of(Core::buffered(frames, known)))
    }

    /// A result of frames that have all come.
    pub(crate) fn of_frames(frames: Vec<RowsFrame>, known: Option<Known>) -> ResultSet {
        ResultSet::of(Core::buffered(frames, known))
    }

    pub(crate) fn with_yield_per(self, size: Option<usize>) -> ResultSet {
        if let Some(size) = size {
            self.0.core.set_yield_per(size);
        }
        self
    }

    fn of(core: Core) -> ResultSet {
        ResultSet(View::new(Rc::new(core)))
    }

    /// A result of given rows, which no statement gave.
    pub fn from_rows(columns: Vec<String>, rows: Vec<Vec<Value>>) -> ResultSet {
        ResultSet::of(Core::of_rows(columns, rows))
    }

    /// The next row, if there is one.
    pub fn fetchone(&self) -> Result<Option<Row>> {
        now(self.0.fetchone())
    }

    /// The first column of the first row, or `None` when there is no row; closes the result.
    pub fn scalar<T: FromValue>(&self) -> Result<Option<T>> {
        now(self.0.scalar(false, false)).and_then(typed)
    }

    /// The first column of the only row; an error if there is none, or another.
    pub fn scalar_one<T: FromValue>(&self) -> Result<T> {
        let value = now(self.0.scalar(true, true))?.unwrap_or(Value::Null);
        T::from_value(&value).ok_or_else(|| misfit::<T>("The value", &value))
    }

    /// The first column of the only row, or `None` when there is no row; an error if there is another.
    pub fn scalar_one_or_none<T: FromValue>(&self) -> Result<Option<T>> {
        now(self.0.scalar(true, false)).and_then(typed)
    }

    /// The values of one column. They share their rows with this result.
    pub fn scalars(&self, column: impl ColumnIndex) -> Result<ScalarResult> {
        self.0.scalars(&column).map(ScalarResult)
    }

    /// The rows as mappings. They share their rows with this result.
    pub fn mappings(&self) -> MappingResult {
        MappingResult(self.0.mappings())
    }

    /// Only these columns, in this order.
    pub fn columns(self, columns: &[&dyn ColumnIndex]) -> Result<ResultSet> {
        self.0.columns(columns).map(ResultSet)
    }

    /// The names of the columns.
    pub fn keys(&self) -> Result<Vec<String>> {
        self.0.keys()
    }

    /// Keeps what is left, to be read as often as needed.
    pub fn freeze(&self) -> Result<FrozenResult> {
        let keys = self.keys()?;
        let rows = self.fetchall()?.iter().map(|row| row.values().to_vec()).collect();
        Ok(FrozenResult { keys, rows })
    }

    /// One result of the rows that are left in this one and in others, in this order and under the names of this one's columns; an
    /// error unless all have as many columns. What was taken here is gone there, and what they changed is added up.
    pub fn merge(&self, others: &[&ResultSet]) -> Result<ResultSet> {
        merge::merged(self, others)
    }

    /// How many rows an INSERT, UPDATE or DELETE changed, all parameter sets together; -1 for other statements.
    pub fn rowcount(&self) -> i64 {
        self.0.core.rowcount()
    }

    /// The rowid of the row that was inserted last on the connection.
    pub fn lastrowid(&self) -> i64 {
        self.0.core.lastrowid()
    }

    /// The primary key of the row that an INSERT wrote; what nobody knows of it is NULL. An error for other statements, for
    /// several sets of parameters, and with RETURNING.
    pub fn inserted_primary_key(&self) -> Result<Option<Row>> {
        self.key_of_row()
    }

    /// The primary keys of the rows that an INSERT wrote, one for each set of parameters.
    pub fn inserted_primary_key_rows(&self) -> Result<Vec<Row>> {
        self.keys_of_rows()
    }

    /// The values that an INSERT was executed with, those of defaults included: a list for each set of parameters.
    pub fn last_inserted_params(&self) -> Result<Vec<Vec<(String, Value)>>> {
        self.last_params(Verb::Insert, "insert")
    }

    /// The values that an UPDATE was executed with, those of `onupdate` included: a list for each set of parameters.
    pub fn last_updated_params(&self) -> Result<Vec<Vec<(String, Value)>>> {
        self.last_params(Verb::Update, "update")
    }

    /// Whether the statement gives rows (there may be none of them).
    pub fn returns_rows(&self) -> bool {
        self.0.core.returns_rows()
    }
}

impl MappingResult {
    /// The next row, if there is one.
    pub fn fetchone(&self) -> Result<Option<Mapping>> {
        now(self.0.fetchone())
    }

    /// The names of the columns.
    pub fn keys(&self) -> Result<Vec<String>> {
        self.0.keys()
    }
}

/// Rows that can be read again and again; see [`ResultSet::freeze`].
#[derive(Clone, Debug)]
pub struct FrozenResult {
    keys: Vec<String>,
    rows: Vec<Vec<Value>>,
}

impl FrozenResult {
    /// A new result with the rows.
    pub fn thaw(&self) -> ResultSet {
        ResultSet::from_rows(self.keys.clone(), self.rows.clone())
    }
}

/// NULL becomes `None`, as in SQLAlchemy.
fn typed<T: FromValue>(value: Option<Value>) -> Result<Option<T>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => T::from_value(&value).map(Some).ok_or_else(|| misfit::<T>("The value", &value)),
    }
}

//! Results whose rows come in batches while they are taken.

use super::view::{Item, View};
use super::{Core, FrozenResult, typed};
use crate::row::{ColumnIndex, FromValue, Mapping, Row, misfit};
use aludel_protocol::{Result, Value};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The methods that all streamed results have.
macro_rules! streamed {
    ($(#[doc = $doc:literal])* $name:ident, $item:ty) => {
        $(#[doc = $doc])*
        #[derive(Debug)]
        pub struct $name(View<$item>);

        impl $name {
            /// The next one, if there is one.
            pub async fn next(&self) -> Result<Option<$item>> {
                self.0.fetchone().await
            }

            /// All that is left.
            pub async fn fetchall(&self) -> Result<Vec<$item>> {
                self.0.fetchall().await
            }

            /// All that is left: the same as `fetchall`.
            pub async fn all(&self) -> Result<Vec<$item>> {
                self.0.fetchall().await
            }

            /// At most `size`; as many as `yield_per` says, or one, when that is `None`.
            pub async fn fetchmany(&self, size: Option<usize>) -> Result<Vec<$item>> {
                self.0.fetchmany(size).await
            }

            /// The first, or none; closes the result.
            pub async fn first(&self) -> Result<Option<$item>> {
                self.0.only(false, false).await
            }

            /// The only one; an error if there is none, or another. Closes the result.
            pub async fn one(&self) -> Result<$item> {
                self.0.one().await
            }

            /// The only one, or none; an error if there is another. Closes the result.
            pub async fn one_or_none(&self) -> Result<Option<$item>> {
                self.0.only(true, false).await
            }

            /// All that is left, in lists of `size`: `while let Some(part) = partitions.next().await?`.
            pub fn partitions(&self, size: Option<usize>) -> Partitions<'_, $item> {
                Partitions { view: &self.0, size }
            }

            /// All that is left, as a [`Stream`](futures_core::Stream).
            pub fn into_stream(self) -> impl futures_core::Stream<Item = Result<$item>> {
                Items { view: Rc::new(self.0), next: None }
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

            /// Closes the result and the cursor in the worker.
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

streamed! {
    /// The rows of a statement as they come: at most a few batches of them are in memory. Dropping it closes the cursor.
    RowStream, Row
}

streamed! {
    /// The values of one column of a streamed result.
    ScalarStream, Value
}

streamed! {
    /// The rows of a streamed result as mappings.
    MappingStream, Mapping
}

impl RowStream {
    pub(crate) fn new(core: Core) -> RowStream {
        RowStream(View::new(Rc::new(core)))
    }

    /// The next row, if there is one: the same as `next`.
    pub async fn fetchone(&self) -> Result<Option<Row>> {
        self.0.fetchone().await
    }

    /// The first column of the first row, or `None` when there is no row; closes the result.
    pub async fn scalar<T: FromValue>(&self) -> Result<Option<T>> {
        self.0.scalar(false, false).await.and_then(typed)
    }

    /// The first column of the only row; an error if there is none, or another.
    pub async fn scalar_one<T: FromValue>(&self) -> Result<T> {
        let value = self.0.scalar(true, true).await?.unwrap_or(Value::Null);
        T::from_value(&value).ok_or_else(|| misfit::<T>("The value", &value))
    }

    /// The first column of the only row, or `None` when there is no row; an error if there is another.
    pub async fn scalar_one_or_none<T: FromValue>(&self) -> Result<Option<T>> {
        self.0.scalar(true, false).await.and_then(typed)
    }

    /// The values of one column. They share their rows with this result.
    pub fn scalars(&self, column: impl ColumnIndex) -> Result<ScalarStream> {
        self.0.scalars(&column).map(ScalarStream)
    }

    /// The rows as mappings. They share their rows with this result.
    pub fn mappings(&self) -> MappingStream {
        MappingStream(self.0.mappings())
    }

    /// Only these columns, in this order.
    pub fn columns(self, columns: &[&dyn ColumnIndex]) -> Result<RowStream> {
        self.0.columns(columns).map(RowStream)
    }

    /// The names of the columns.
    pub fn keys(&self) -> Result<Vec<String>> {
        self.0.keys()
    }

    /// Keeps what is left, to be read as often as needed.
    pub async fn freeze(&self) -> Result<FrozenResult> {
        let keys = self.keys()?;
        let rows = self.fetchall().await?.iter().map(|row| row.values().to_vec()).collect();
        Ok(FrozenResult { keys, rows })
    }

    /// How many rows an INSERT, UPDATE or DELETE changed, all parameter sets together; -1 for other statements.
    pub fn rowcount(&self) -> i64 {
        self.0.core.rowcount()
    }

    /// The rowid of the row that was inserted last on the connection.
    pub fn lastrowid(&self) -> i64 {
        self.0.core.lastrowid()
    }

    /// Whether the statement gives rows (there may be none of them).
    pub fn returns_rows(&self) -> bool {
        self.0.core.returns_rows()
    }
}

impl MappingStream {
    /// The next row, if there is one: the same as `next`.
    pub async fn fetchone(&self) -> Result<Option<Mapping>> {
        self.0.fetchone().await
    }

    /// The names of the columns.
    pub fn keys(&self) -> Result<Vec<String>> {
        self.0.keys()
    }
}

/// The lists of [`RowStream::partitions`].
#[derive(Debug)]
pub struct Partitions<'a, T> {
    view: &'a View<T>,
    size: Option<usize>,
}

#[allow(private_bounds)]
impl<T: Item> Partitions<'_, T> {
    /// The next list, if anything is left.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>> {
        let part = self.view.fetchmany(self.size).await?;
        Ok((!part.is_empty()).then_some(part))
    }
}

/// All that is left of a view, as a `Stream`.
struct Items<T> {
    view: Rc<View<T>>,
    next: Option<Next<T>>,
}

type Next<T> = Pin<Box<dyn Future<Output = Result<Option<T>>>>>;

impl<T: Item + 'static> futures_core::Stream for Items<T> {
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        let view = self.view.clone();
        let next = self.next.get_or_insert_with(|| Box::pin(async move { view.fetchone().await }));
        let item = std::task::ready!(next.as_mut().poll(cx));
        self.next = None;
        Poll::Ready(item.transpose())
    }
}

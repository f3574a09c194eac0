//! Live queries: the results of a statement, one after each commit that changed them, whichever tab made it.

use crate::connection::{Call, Inner};
use crate::engine::Engine;
use crate::executable::{Compiled, Executable, Params, text};
use crate::limit::CallOptions;
use crate::listen::{Change, Event, EventKind, Listener};
use crate::params;
use crate::result_set::ResultSet;
use crate::row::Row;
use crate::site::Site;
use aludel_protocol::{Error, ErrorKind, Result};
use futures_core::Stream;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// What tells which tables a statement reads: `crates/worker/src/sqlite/reads.rs`.
const READS: &str = "SELECT value FROM json_each(aludel_reads(:sql))";
/// How often in a row a run is repeated whose worker went away under it.
const REPEATED: usize = 3;

/// What was told since the last run began.
#[derive(Default)]
struct Told {
    touched: HashSet<String>,
    /// Whether the tables say nothing: at first, after a change of the schema, and where commits may have been missed.
    stale: bool,
    /// The tables that the statement reads; none is any.
    tables: Option<HashSet<String>>,
    /// The SQL whose tables these are: listeners may put other SQL in the place of the statement's.
    sql: String,
    /// The engine was disposed of, or the query ended.
    over: bool,
    waker: Option<Waker>,
}

impl Told {
    fn hear(&mut self, change: &Change) {
        self.stale |= change.schema || change.missed;
        self.touched.extend(change.tables.iter().map(|table| table.to_ascii_lowercase()));
        if self.is_due() {
            self.wake();
        }
    }

    fn is_due(&self) -> bool {
        let touches = |tables: &HashSet<String>| self.touched.iter().any(|table| tables.contains(table));
        self.stale || self.tables.as_ref().map_or(!self.touched.is_empty(), touches)
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Goes with the listener: when the engine forgets its listeners, live queries end.
struct Ender(Rc<RefCell<Told>>);

impl Drop for Ender {
    fn drop(&mut self) {
        let mut told = self.0.borrow_mut();
        told.over = true;
        told.wake();
    }
}

/// A statement that is executed again and again.
struct Repeated(Compiled);

impl Executable for Repeated {
    fn compile(&self) -> Result<Compiled> {
        Ok(self.0.clone())
    }
}

/// The results of a statement: the first at once, then one after each commit that changed them. Whoever asks late gets the newest,
/// not all that were between. It ends when it is dropped, with its engine, and with an error of the statement.
///
/// ```
/// # use aludel::{Engine, Result, text};
/// async fn show(engine: &Engine) -> Result<()> {
///     let mut live = engine.watch(&text("SELECT name FROM users ORDER BY name"), ())?;
///     while let Some(result) = live.next().await {
///         println!("{:?}", result?.scalars(0)?.all()?);
///     }
///     Ok(())
/// }
/// ```
pub struct LiveQuery {
    engine: Engine,
    statement: Repeated,
    params: Params,
    options: CallOptions,
    told: Rc<RefCell<Told>>,
    listener: Option<Listener>,
    /// Whether a run was begun and not seen through.
    unfinished: bool,
    last: Option<(Vec<String>, Vec<Row>)>,
}

impl fmt::Debug for LiveQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveQuery").field("statement", &self.statement.0).finish_non_exhaustive()
    }
}

impl LiveQuery {
    pub(crate) fn new(engine: &Engine, compiled: Compiled, params: Params, options: CallOptions) -> Result<LiveQuery> {
        if matches!(params, Params::Many(_)) {
            let message = "watch() takes one set of parameters, not a list of them";
            return Err(Error::new(ErrorKind::Argument, message));
        }
        let told = Rc::new(RefCell::new(Told { stale: true, ..Told::default() }));
        let (engine, statement) = (engine.clone(), Repeated(compiled));
        Ok(LiveQuery { engine, statement, params, options, told, listener: None, unfinished: false, last: None })
    }

    /// The first result; later the next one, as soon as there is one that differs. `None` when it has ended. What is dropped before
    /// it is done is done again by the next call.
    pub async fn next(&mut self) -> Option<Result<ResultSet>> {
        if self.listener.is_none() && !self.told.borrow().over {
            let ender = Ender(self.told.clone());
            self.listener = Some(self.engine.listen(EventKind::Change, move |event| {
                if let Event::Change(change) = event {
                    ender.0.borrow_mut().hear(change);
                }
            }));
        }
        loop {
            self.told.borrow_mut().stale |= self.unfinished;
            self.due().await?;
            self.unfinished = true;
            match self.run().await {
                Ok(Some(result)) => {
                    self.unfinished = false;
                    return Some(Ok(result));
                }
                Ok(None) => self.unfinished = false,
                Err(error) => {
                    self.told.borrow_mut().over = true;
                    self.listener = None;
                    return Some(Err(error));
                }
            }
        }
    }

    /// Waits until there is something to run for; `None` when it has ended.
    async fn due(&self) -> Option<()> {
        poll_fn(|cx| {
            let mut told = self.told.borrow_mut();
            if told.over {
                return Poll::Ready(None);
            }
            if told.is_due() {
                return Poll::Ready(Some(()));
            }
            told.touched.clear();
            told.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// The result, if it is another one.
    async fn run(&mut self) -> Result<Option<ResultSet>> {
        let mut left = REPEATED;
        let result = loop {
            match self.fetch().await {
                Err(error) if left > 0 && matches!(error.kind(), ErrorKind::HostLost | ErrorKind::WorkerGone) => {
                    self.told.borrow_mut().stale = true;
                    left -= 1;
                }
                fetched => break fetched?,
            }
        };
        if !result.returns_rows() {
            return Err(Error::new(ErrorKind::InvalidRequest, "watch() takes a statement that returns rows"));
        }
        let frozen = result.freeze()?;
        let now = (frozen.thaw().keys()?, frozen.thaw().fetchall()?);
        let same = self.last.as_ref().is_some_and(|last| *last == now);
        self.last = Some(now);
        Ok((!same).then(|| frozen.thaw()))
    }

    async fn fetch(&self) -> Result<ResultSet> {
        let stale = {
            let mut told = self.told.borrow_mut();
            told.touched.clear();
            // From here on, what is committed may or may not be in the result.
            mem::take(&mut told.stale)
        };
        let before = async |sql: &str, inner: Option<&Inner>| {
            if stale || self.told.borrow().sql != sql {
                let tables = self.reads(sql, inner).await.map_err(refused)?;
                let mut told = self.told.borrow_mut();
                (told.tables, told.sql) = (tables, sql.to_owned());
            }
            Ok(())
        };
        let (params, options) = (self.params.clone(), self.options.clone());
        self.engine.execute_after(&self.statement, params, options, Site::here(), before).await
    }

    /// The tables that SQL reads; none is any. It is asked on the connection that the SQL is to be sent on, if there is one, and no
    /// listener is told.
    async fn reads(&self, sql: &str, inner: Option<&Inner>) -> Result<Option<HashSet<String>>> {
        let call = Call::new(&self.engine, text(READS).compile()?, params! { "sql" => sql })?;
        let reads = ResultSet::gather(None, async |take| match inner {
            Some(inner) => inner.execute(call, &self.options, take).await,
            None => self.engine.execute_call(call, &self.options, &Site::here(), take).await,
        });
        reads.await?.iter().map(|row| row?.get(0)).collect()
    }

    /// The same as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<ResultSet>> {
        Steps { idle: Some(self), running: None }
    }
}

/// What is wrong with a statement that cannot be watched is said of that, and not of the one that has found it out.
fn refused(error: Error) -> Error {
    if error.message().starts_with("watch()") {
        return Error::new(ErrorKind::InvalidRequest, error.message());
    }
    error
}

type Step = (Option<Result<ResultSet>>, LiveQuery);

/// A live query as a stream.
struct Steps {
    idle: Option<LiveQuery>,
    running: Option<Pin<Box<dyn Future<Output = Step>>>>,
}

impl Stream for Steps {
    type Item = Result<ResultSet>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<ResultSet>>> {
        if let Some(mut live) = self.idle.take() {
            self.running = Some(Box::pin(async move { (live.next().await, live) }));
        }
        let Some(running) = &mut self.running else { return Poll::Ready(None) };
        let Poll::Ready((item, live)) = running.as_mut().poll(cx) else { return Poll::Pending };
        self.running = None;
        self.idle = Some(live);
        Poll::Ready(item)
    }
}

//! What listeners are told of a call, and the call with them.

use super::{Hook, Hooks};
use crate::connection::{Call, Connection, Inner};
use crate::executable::{Compiled, Params};
use crate::limit::Clock;
use crate::result_set::{ResultSet, RowStream};
use crate::{Engine, Result};
use aludel_protocol::{Error, ErrorKind, Value};
use std::rc::Rc;
use std::time::Duration;

/// A statement is to be executed.
#[derive(Debug)]
pub struct BeforeExecute {
    /// The statement; another is what [`Executable::compile`](crate::Executable::compile) gives.
    pub statement: Compiled,
    /// Its parameters as they were given.
    pub params: Params,
    connection: Option<Rc<Inner>>,
}

/// A statement was executed.
#[derive(Debug)]
pub struct AfterExecute<'a> {
    /// The statement.
    pub statement: &'a Compiled,
    /// Its parameters.
    pub params: &'a Params,
    /// Its result, the very one that the caller gets: rows that are fetched here are fetched. None of a stream.
    pub result: Option<&'a ResultSet>,
    connection: Option<&'a Rc<Inner>>,
}

/// SQL is to be sent to the worker.
#[derive(Debug)]
pub struct BeforeCursorExecute {
    /// The SQL. The parameters of another are the same by their positions, unless they are changed, too.
    pub statement: String,
    /// The values of its parameters in their order, one set or many.
    pub params: Vec<Vec<Value>>,
    /// Whether it is executed once for each of many sets.
    pub many: bool,
    connection: Option<Rc<Inner>>,
}

/// The worker has answered.
#[derive(Debug)]
pub struct AfterCursorExecute<'a> {
    /// The SQL that was sent.
    pub statement: &'a str,
    /// The values of its parameters.
    pub params: &'a [Vec<Value>],
    /// Whether it was executed once for each of many sets.
    pub many: bool,
    /// How long that took, with all that it waited for.
    pub elapsed: Duration,
    connection: Option<&'a Rc<Inner>>,
}

/// A statement has failed.
#[derive(Debug)]
pub struct ErrorContext {
    /// The error, or the one that the listener before has put in its place.
    pub error: Error,
    /// The error as it was first.
    pub original: Error,
    /// The SQL that was sent, if it came to that.
    pub statement: Option<String>,
    /// Whether the worker is gone, and the connection with it.
    pub is_disconnect: bool,
    connection: Option<Rc<Inner>>,
}

fn handle(inner: Option<&Rc<Inner>>) -> Option<Connection> {
    inner.cloned().map(Connection::of)
}

/// The connection of an event.
macro_rules! connections {
    ($($event:ty => |$this:ident| $inner:expr;)*) => {
        $(impl $event {
            /// The connection; none of [`Engine::execute`] and live queries, unless somebody listens to [`Engine::on_connect`] or
            /// [`Engine::on_connection_event`].
            pub fn connection(&self) -> Option<Connection> {
                let $this = self;
                handle($inner)
            }
        })*
    };
}

connections! {
    BeforeExecute => |event| event.connection.as_ref();
    AfterExecute<'_> => |event| event.connection;
    BeforeCursorExecute => |event| event.connection.as_ref();
    AfterCursorExecute<'_> => |event| event.connection;
    ErrorContext => |event| event.connection.as_ref();
}

/// What a call gives, as listeners are shown it.
pub(crate) trait Shown {
    fn shown(&self) -> Option<&ResultSet>;
}

impl Shown for ResultSet {
    fn shown(&self) -> Option<&ResultSet> {
        Some(self)
    }
}

impl Shown for RowStream {
    fn shown(&self) -> Option<&ResultSet> {
        None
    }
}

/// Executes a statement, by `send`, and tells of it. `driver` says that it is SQL for the driver, of which SQLAlchemy has the events of
/// cursors only.
pub(crate) async fn watched<T: Shown>(
    engine: &Engine,
    inner: Option<&Rc<Inner>>,
    (statement, driver): (Result<Compiled>, bool),
    params: Params,
    send: impl AsyncFnOnce(Call) -> Result<T>,
) -> Result<T> {
    let make = |statement, params| Ok::<_, Error>(Call::new(engine, statement, params)?.by_driver(driver));
    let hooks = engine.hooks();
    if !hooks.is_active() {
        return send(make(statement?, params)?).await;
    }
    // What a listener fails with is told to no listener.
    let (mut listening, mut sent) = (false, None);
    let outcome = async {
        let mut event = BeforeExecute { statement: statement?, params, connection: inner.cloned() };
        listening = true;
        if !driver {
            for hook in hooks.all(before_execute) {
                hook.tell(&mut event).await?;
            }
        }
        listening = false;
        let BeforeExecute { statement, params, .. } = event;
        let call = make(statement.clone(), params.clone())?;
        let (sql, sets, many) = call.parts();
        let mut event = BeforeCursorExecute { statement: sql, params: sets, many, connection: inner.cloned() };
        listening = true;
        for hook in hooks.all(before_cursor) {
            hook.tell(&mut event).await?;
        }
        listening = false;
        let call = call.rewritten(&event.statement, &event.params)?;
        sent = Some(event.statement.clone());
        let started = Clock::now();
        let result = send(call).await?;
        listening = true;
        let BeforeCursorExecute { statement: sql, params: sets, many, .. } = &event;
        let elapsed = started.elapsed();
        let after = AfterCursorExecute { statement: sql, params: sets, many: *many, elapsed, connection: inner };
        for hook in hooks.all(after_cursor) {
            hook.look(&after).await?;
        }
        if !driver {
            let result = result.shown();
            let after = AfterExecute { statement: &statement, params: &params, result, connection: inner };
            for hook in hooks.all(after_execute) {
                hook.look(&after).await?;
            }
        }
        Ok(result)
    };
    match outcome.await {
        Err(error) if !listening => Err(hooks.replaced(error, sent, inner).await),
        outcome => outcome,
    }
}

fn before_execute(hook: &Hook) -> Option<Rc<dyn super::Tell<BeforeExecute>>> {
    if let Hook::BeforeExecute(tell) = hook { Some(tell.clone()) } else { None }
}

fn before_cursor(hook: &Hook) -> Option<Rc<dyn super::Tell<BeforeCursorExecute>>> {
    if let Hook::BeforeCursor(tell) = hook { Some(tell.clone()) } else { None }
}

fn after_cursor(hook: &Hook) -> Option<Rc<dyn super::LookAtCursor>> {
    if let Hook::AfterCursor(look) = hook { Some(look.clone()) } else { None }
}

fn after_execute(hook: &Hook) -> Option<Rc<dyn super::LookAtExecute>> {
    if let Hook::AfterExecute(look) = hook { Some(look.clone()) } else { None }
}

impl Hooks {
    /// The error that a call fails with.
    async fn replaced(&self, error: Error, statement: Option<String>, inner: Option<&Rc<Inner>>) -> Error {
        let is_disconnect = matches!(error.kind(), ErrorKind::WorkerGone | ErrorKind::HostLost);
        let original = error.clone();
        let mut context = ErrorContext { error, original, statement, is_disconnect, connection: inner.cloned() };
        let hooks = self.all(|hook| if let Hook::Error(handle) = hook { Some(handle.clone()) } else { None });
        for hook in hooks {
            if let Some(other) = hook.handle(&context).await {
                context.error = other;
            }
        }
        context.error
    }
}

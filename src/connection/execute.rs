//! Statements of a connection.

use super::inner::Inner;
use crate::Engine;
use crate::executable::{Compiled, Encoded, Params, encoded};
use crate::limit::{CallOptions, Limits};
use crate::options::OnAbort;
use crate::raw::{Later, RawCall, RawStream};
use crate::result_set::ResultSet;
use crate::sync::Door;
use crate::transport::{Answer, Buffer, ChannelUse, Pending, RowsFrame, Watch};
use aludel_protocol::{Batch, BeginMode, Delivery, Error, ErrorKind, Execute, Reader, RepeatClass, Result, Value};
use aludel_sql::{Text, describe, describe_batch, is_commit, is_dml};
use std::rc::Rc;

/// About how many bytes the first frame of rows holds: few, so that the first row is there soon.
const FIRST_BATCH_BYTES: u32 = 32 << 10;
/// About how many bytes the other frames of rows hold.
const BATCH_BYTES: u32 = 256 << 10;
/// How many frames of a stream are on their way at once.
const STREAM_CREDITS: u32 = 4;

/// A statement with its parameters.
pub(crate) struct Call {
    text: Rc<Text>,
    batch: Option<Buffer>,
    /// The batch, where it is still being made.
    later: Option<Later>,
    many: bool,
    driver_sql: bool,
    /// The values, for logs and errors; where they are encoded only, none.
    sets: Option<Rc<[Vec<Value>]>>,
    /// What its result can be asked about it.
    known: Option<Known>,
}

impl Call {
    pub(crate) fn new(engine: &Engine, compiled: Compiled, params: Params) -> Result<Call> {
        let Encoded { text, batch, many, sets, about } = compiled.encode(params, engine.compiled_cache())?;
        let batch = batch.map(Buffer::from_vec);
        Ok(Call { text, batch, later: None, many, driver_sql: false, sets: Some(sets), known: about.map(Rc::new) })
    }

    /// The same, as SQL for the driver.
    pub(crate) fn by_driver(self, driver_sql: bool) -> Call {
        Call { driver_sql, ..self }
    }

    /// Its SQL, its sets of parameters, and whether these are many.
    pub(crate) fn parts(&self) -> (String, Vec<Vec<Value>>, bool) {
        (self.sql().to_owned(), self.sets.as_deref().unwrap_or_default().to_vec(), self.many)
    }

    /// The same with other SQL or other parameters.
    pub(crate) fn rewritten(self, sql: &str, sets: &[Vec<Value>]) -> Result<Call> {
        let same = sql == self.sql();
        if same && self.sets.as_deref() == Some(sets) {
            return Ok(self);
        }
        let text = if same { self.text } else { Rc::new(Text::verbatim(sql)?) };
        if !self.many && sets.len() != 1 {
            let message = "a statement that is executed once has one set of parameters";
            return Err(Error::new(ErrorKind::Argument, message));
        }
        let batch = encoded(&text, sets, self.many)?.map(Buffer::from_vec);
        Ok(Call { text, batch, sets: Some(sets.into()), ..self })
    }

    pub(crate) fn encoded(call: RawCall) -> Call {
        let RawCall { text, batch, later, many, driver_sql } = call;
        Call { text, batch, later, many, driver_sql, sets: None, known: None }
    }

    /// The same when its parameters are there.
    pub(crate) async fn whole(mut self) -> Result<Call> {
        if let Some(later) = self.later.take() {
            self.batch = Some(later.made().await?);
        }
        Ok(self)
    }
}

impl Call {
    /// An error unless the statement can be run with several sets of parameters.
    fn check(&self) -> Result<()> {
        if self.many && !is_dml(self.text.sql()) {
            let message = "executemany() can only execute DML statements.";
            return Err(Error::new(ErrorKind::Programming, message));
        }
        Ok(())
    }

    /// Runs it where SQLite is.
    pub(crate) fn run(self, engine: &Engine, door: &mut dyn Door) -> Result<ResultSet> {
        self.check()?;
        let Call { text, batch, many, sets, known, .. } = self;
        let about = About { text, many, hidden: engine.options().hide_parameters, sets };
        let frames = door.execute(about.text.sql(), batch.map(Buffer::into_vec), many);
        let mut rows = Vec::new();
        for frame in frames.map_err(|error| about.attach(error))? {
            match Answer::decode(Buffer::from_vec(frame))? {
                (_, Answer::Rows(frame)) => rows.push(frame),
                (_, other) => return Err(other.instead("a statement")),
            }
        }
        Ok(ResultSet::of_frames(rows, known))
    }

    /// The SQL that SQLite gets.
    pub(crate) fn sql(&self) -> &str {
        self.text.sql()
    }

    /// What its result can be asked about it.
    pub(crate) fn known(&self) -> Option<Known> {
        self.known.clone()
    }
}

/// What is known of a statement that was put together.
pub(crate) type Known = Rc<crate::binding::About>;

/// What logs and errors say of a call.
struct About {
    text: Rc<Text>,
    many: bool,
    hidden: bool,
    sets: Option<Rc<[Vec<Value>]>>,
}

impl About {
    /// Adds statement and parameters to an error that is about them.
    fn attach(&self, error: Error) -> Error {
        use ErrorKind::{IllegalStateChange, InvalidRequest, PendingRollback, ResourceClosed};
        let kind = error.kind();
        if matches!(kind, InvalidRequest | IllegalStateChange | PendingRollback | ResourceClosed) {
            return error;
        }
        let error = attach_text(error, &self.text);
        match &self.sets {
            _ if self.hidden => error.with_parameters("hidden due to hide_parameters=True"),
            Some(sets) => error.with_parameters(describe(sets, self.many)),
            // The face that encoded them has them still.
            None => error,
        }
    }

    /// The parameters as text to show. An encoded batch has to be copied for it.
    fn describe(&self, batch: Option<&Buffer>) -> String {
        if let Some(sets) = &self.sets {
            return describe(sets, self.many);
        }
        let bytes = batch.map(Buffer::to_vec).unwrap_or_default();
        let batch = Batch::decode(&mut Reader::new(&bytes));
        batch.map_or("()".into(), |batch| describe_batch(&batch, self.many))
    }
}

/// Adds the statement to an error; its offset leads into the text as it was written.
fn attach_text(error: Error, text: &Text) -> Error {
    let offset = error.offset().map(|offset| text.original_offset(offset));
    error.with_offset(offset).with_statement(text.source())
}

/// How a statement goes out.
struct Sending<'a> {
    begin: BeginMode,
    class: RepeatClass,
    delivery: Delivery,
    limits: &'a Limits,
    watch: Watch,
    replace_on_abort: bool,
}

fn send(channel: &ChannelUse, connection: u32, call: Call, how: Sending<'_>) -> Pending {
    let execute = Execute {
        begin: how.begin,
        delivery: how.delivery,
        many: call.many,
        deadline: how.limits.deadline(),
        first_batch_bytes: FIRST_BATCH_BYTES,
        batch_bytes: BATCH_BYTES,
        sql: call.text.sql(),
        parameters: None,
    };
    let mut pending = channel.execute(connection, how.class, &execute, call.batch, Some(how.watch));
    pending.replace_on_abort(how.replace_on_abort);
    pending
}

async fn rows(pending: &mut Pending) -> Result<RowsFrame> {
    match pending.answer().await {
        Answer::Rows(frame) => Ok(frame),
        Answer::Error { error, .. } => Err(error),
        other => Err(other.instead("a statement")),
    }
}

/// Takes the frames of a result.
pub(crate) type Take<'a> = &'a mut dyn FnMut(RowsFrame) -> Result<()>;

impl Inner {
    fn about(&self, call: &mut Call) -> About {
        let hidden = self.engine().options().hide_parameters;
        About { text: call.text.clone(), many: call.many, hidden, sets: call.sets.take() }
    }

    /// Runs a statement in the connection's transaction.
    pub(crate) async fn execute(&self, mut call: Call, options: &CallOptions, take: Take<'_>) -> Result<()> {
        let limits = options.start();
        let about = self.about(&mut call);
        let done = limits.run(async {
            let pending = self.start(call, Delivery::Buffered, &limits, &about).await?;
            self.all_rows(pending, take).await
        });
        done.await.map_err(|error| about.attach(error))
    }

    /// Runs a statement as a transaction of its own.
    pub(crate) async fn execute_alone(&self, mut call: Call, limits: &Limits, take: Take<'_>) -> Result<()> {
        let about = self.about(&mut call);
        self.log_statement(&call, &about);
        let (channel, id) = self.address()?;
        let watch = self.traffic().watch(None);
        let replace_on_abort = self.replaces_worker();
        let (begin, class) = (BeginMode::Own, RepeatClass::InDoubt);
        let how = Sending { begin, class, delivery: Delivery::Buffered, limits, watch, replace_on_abort };
        let done = limits.run(async {
            call.check()?;
            self.all_rows(send(&channel, id, call, how), take).await
        });
        done.await.map_err(|error| about.attach(error))
    }

    /// Runs a statement whose rows come as they are taken.
    pub(crate) async fn stream(&self, mut call: Call, options: &CallOptions) -> Result<RawStream> {
        let limits = options.start();
        let about = self.about(&mut call);
        let yield_per = options.yield_per.or(self.yield_per());
        let max_rows = yield_per.map_or(0, |rows| u32::try_from(rows).unwrap_or(u32::MAX));
        let delivery = Delivery::Stream { credits: STREAM_CREDITS, max_rows };
        let done = limits.run(async {
            let mut pending = self.start(call, delivery, &limits, &about).await?;
            let first = rows(&mut pending).await?;
            let stream = RawStream::new(pending, first, (self.engine(), self.logging_token()), options.cancel.clone());
            self.add_stream(stream.state());
            Ok(stream)
        });
        done.await.map_err(|error| about.attach(error))
    }

    async fn all_rows(&self, mut pending: Pending, take: Take<'_>) -> Result<()> {
        loop {
            let frame = rows(&mut pending).await?;
            self.engine().log_rows(&frame, self.logging_token().as_deref());
            let more = frame.more;
            take(frame)?;
            if !more {
                return Ok(());
            }
        }
    }

    pub(super) fn replaces_worker(&self) -> bool {
        self.engine().options().on_abort == OnAbort::ReplaceWorker
    }

    /// Waits for its turn on the connection, begins a transaction if none is open, and sends the statement.
    async fn start(&self, call: Call, delivery: Delivery, limits: &Limits, about: &About) -> Result<Pending> {
        let _encoding = call.later.is_some().then(|| self.encoding());
        let _turn = self.gate.enter().await;
        // Not before its turn: what comes after it waits for it, however long its parameters take.
        let call = call.whole().await?;
        self.ready().await?;
        call.check()?;
        let root = self.autobegin();
        self.log_statement(&call, about);
        let (channel, id) = self.address()?;
        // Several sets are one transaction, also where each statement is one.
        let own = call.many && self.is_autocommit() && !self.traffic().in_transaction.get();
        let begin = if own { BeginMode::Own } else { root.begin_mode() };
        let class = match begin {
            BeginMode::None | BeginMode::Own => RepeatClass::InDoubt,
            // It may have been committed by hand.
            _ if is_commit(call.text.sql()) => {
                root.sent.set(true);
                RepeatClass::InDoubt
            }
            _ if root.sent.replace(true) => RepeatClass::Transaction,
            _ => RepeatClass::Safe,
        };
        // Where each statement is a transaction, none of them ends the connection's.
        let watch = self.traffic().watch((!self.is_autocommit()).then_some(root));
        let replace_on_abort = self.replaces_worker();
        Ok(send(&channel, id, call, Sending { begin, class, delivery, limits, watch, replace_on_abort }))
    }

    fn log_statement(&self, call: &Call, about: &About) {
        let engine = self.engine();
        call.known.iter().flat_map(|known| &known.warnings).for_each(|warning| engine.warn(warning));
        if !engine.logs() {
            return;
        }
        self.log(|| call.text.source().into_owned());
        self.log(|| {
            let how = if call.driver_sql { "raw sql".into() } else { engine.cache_note(call.text.sql()) };
            let hidden = "[SQL parameters hidden due to hide_parameters=True]".into();
            let shown = if about.hidden { hidden } else { about.describe(call.batch.as_ref()) };
            format!("[{how}] {shown}")
        });
    }
}

//! Databases on their way in and out, as the bytes of SQLite files.

use crate::connection::{Connection, RawImport};
use crate::engine::Engine;
use crate::executable::text;
use crate::limit::{CallOptions, CancelToken, Limits};
use crate::options::IsolationLevel;
use crate::result_set::RowStream;
use crate::site::Site;
use crate::transport::Buffer;
use aludel_protocol::{BeginMode, Error, ErrorKind, ImportPhase, Result, Value};
use futures_core::Stream;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// About how many bytes a chunk of an export has.
const EXPORT_CHUNK: u64 = 256 << 10;
/// How many bytes a chunk of an import has, but for the last.
const IMPORT_CHUNK: usize = 1 << 20;

/// What is being done with a database on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferPhase {
    /// An export gives out its bytes.
    Send,
    /// An import takes bytes in.
    Receive,
    /// An import looks whether they are a healthy database.
    Check,
    /// An import puts them in the place of the database.
    Copy,
}

impl TransferPhase {
    /// The word that JavaScript sees.
    pub fn as_str(self) -> &'static str {
        match self {
            TransferPhase::Send => "send",
            TransferPhase::Receive => "receive",
            TransferPhase::Check => "check",
            TransferPhase::Copy => "copy",
        }
    }
}

impl From<ImportPhase> for TransferPhase {
    fn from(phase: ImportPhase) -> TransferPhase {
        match phase {
            ImportPhase::Check => TransferPhase::Check,
            ImportPhase::Copy => TransferPhase::Copy,
        }
    }
}

/// How far an import or export came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferProgress {
    /// What it is doing.
    pub phase: TransferPhase,
    /// How many bytes are done in this phase.
    pub done: u64,
    /// Of how many, where that is known.
    pub total: Option<u64>,
}

type OnProgress = Box<dyn FnMut(TransferProgress)>;

/// What an import or export is given beside its bytes. `()` is none of it, and so is what other calls take.
#[derive(Default)]
pub struct TransferOptions {
    /// How long it may take, and what cancels it.
    pub call: CallOptions,
    /// How many bytes an imported stream has, for its progress.
    pub total: Option<u64>,
    on_progress: Option<OnProgress>,
}

impl fmt::Debug for TransferOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TransferOptions { call, total, on_progress: _ } = self;
        f.debug_struct("TransferOptions").field("call", call).field("total", total).finish_non_exhaustive()
    }
}

impl From<()> for TransferOptions {
    fn from((): ()) -> TransferOptions {
        TransferOptions::default()
    }
}

impl From<CallOptions> for TransferOptions {
    fn from(call: CallOptions) -> TransferOptions {
        TransferOptions { call, ..TransferOptions::default() }
    }
}

impl TransferOptions {
    /// No limits, and nobody who wants to know how far it is.
    pub fn new() -> TransferOptions {
        TransferOptions::default()
    }

    /// Sets how long it may take.
    pub fn timeout(mut self, timeout: Duration) -> TransferOptions {
        self.call = self.call.timeout(timeout);
        self
    }

    /// Sets what cancels it.
    pub fn cancel(mut self, token: &CancelToken) -> TransferOptions {
        self.call = self.call.cancel(token);
        self
    }

    /// Says how many bytes an imported stream has, for its progress.
    pub fn total(mut self, bytes: u64) -> TransferOptions {
        self.total = Some(bytes);
        self
    }

    /// Sets who learns how far it came.
    pub fn on_progress(mut self, learn: impl FnMut(TransferProgress) + 'static) -> TransferOptions {
        self.on_progress = Some(Box::new(learn));
        self
    }

    fn tell(&mut self, phase: TransferPhase, done: u64, total: Option<u64>) {
        if let Some(learn) = &mut self.on_progress {
            learn(TransferProgress { phase, done, total });
        }
    }
}

impl Engine {
    /// The database as the bytes of a SQLite file, from one snapshot, in chunks of about 256 KiB. Other connections go on
    /// working. Dropping the stream ends the export.
    #[track_caller]
    pub fn export(&self, options: impl Into<TransferOptions>) -> Export {
        let options = options.into();
        let limits = options.call.start();
        let state = Exporting { engine: self.clone(), options, limits, site: Site::here(), open: None };
        Export { next: Some(Box::pin(state.next())) }
    }

    /// The database as the bytes of a SQLite file, from one snapshot.
    #[track_caller]
    pub fn export_bytes(&self, options: impl Into<TransferOptions>) -> impl Future<Output = Result<Vec<u8>>> {
        let mut export = self.export(options);
        async move {
            let mut bytes = Vec::new();
            while let Some(chunk) = next(&mut export).await {
                bytes.extend_from_slice(&chunk?);
            }
            Ok(bytes)
        }
    }

    /// Replaces the database by the bytes of a SQLite file, as one transaction. They are checked before: what is no healthy
    /// database is a storage error ([`NotADatabase`](crate::StorageReason::NotADatabase),
    /// [`Corrupt`](crate::StorageReason::Corrupt)), and the database stays as it was, as it does when the stream fails, when
    /// this is cancelled, and when there is no room.
    #[track_caller]
    pub fn import<B: AsRef<[u8]>>(
        &self,
        bytes: impl Stream<Item = Result<B>>,
        options: impl Into<TransferOptions>,
    ) -> impl Future<Output = Result<()>> {
        self.import_at(Site::here(), bytes, options.into())
    }

    async fn import_at<B: AsRef<[u8]>>(
        &self,
        site: Site,
        bytes: impl Stream<Item = Result<B>>,
        mut options: TransferOptions,
    ) -> Result<()> {
        let import = self.start_import(options.total.unwrap_or(0), &options.call, site).await?;
        let mut bytes = pin!(bytes);
        let (mut received, total) = (0, options.total);
        let mut chunk = Vec::new();
        loop {
            let item = import.limit(async { Ok(next(&mut bytes).await) }).await?.transpose()?;
            let mut rest = item.as_ref().map_or(&[][..], AsRef::as_ref);
            // Small items are gathered, large ones are cut.
            while !rest.is_empty() {
                let (some, more) = rest.split_at(rest.len().min(IMPORT_CHUNK - chunk.len()));
                chunk.extend_from_slice(some);
                rest = more;
                if chunk.len() == IMPORT_CHUNK {
                    received += import.chunk(Buffer::from_vec(std::mem::take(&mut chunk))).await?;
                    options.tell(TransferPhase::Receive, received, total);
                }
            }
            if item.is_none() {
                break;
            }
        }
        if !chunk.is_empty() {
            received += import.chunk(Buffer::from_vec(chunk)).await?;
            options.tell(TransferPhase::Receive, received, total);
        }
        import.finish(&mut |phase, done, total| options.tell(phase.into(), done, Some(total))).await
    }

    /// As [`Engine::import`], for bytes that are all there.
    ///
    /// ```
    /// use aludel::{Engine, TransferOptions, text};
    ///
    /// # futures::executor::block_on(async {
    /// let (from, to) = (Engine::new("sqlite://")?, Engine::new("sqlite://")?);
    /// from.execute(&text("CREATE TABLE notes AS SELECT 'buy milk' AS what"), ()).await?;
    /// let file: Vec<u8> = from.export_bytes(()).await?;
    /// let progress = TransferOptions::new().on_progress(|progress| println!("{progress:?}"));
    /// to.import_bytes(&file, progress).await?;
    /// assert_eq!(to.scalar::<String>(&text("SELECT what FROM notes"), ()).await?.as_deref(), Some("buy milk"));
    /// # Ok::<(), aludel::Error>(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn import_bytes(
        &self,
        bytes: impl AsRef<[u8]>,
        options: impl Into<TransferOptions>,
    ) -> impl Future<Output = Result<()>> {
        let options = options.into();
        let total = bytes.as_ref().len() as u64;
        self.import(Once(Some(bytes)), TransferOptions { total: Some(total), ..options })
    }
}

/// A stream of one item.
struct Once<B>(Option<B>);

impl<B> Unpin for Once<B> {}

impl<B> Stream for Once<B> {
    type Item = Result<B>;

    fn poll_next(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<B>>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

/// The next item of a stream.
async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

type Exported = Pin<Box<dyn Future<Output = Option<(Result<Vec<u8>>, Exporting)>>>>;

/// The chunks of an export: [`Engine::export`].
#[must_use = "nothing is read until the stream is polled"]
pub struct Export {
    /// None at its end.
    next: Option<Exported>,
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").finish_non_exhaustive()
    }
}

impl Stream for Export {
    type Item = Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Vec<u8>>>> {
        let Some(next) = &mut self.next else { return Poll::Ready(None) };
        let Some((chunk, state)) = ready!(next.as_mut().poll(cx)) else {
            self.next = None;
            return Poll::Ready(None);
        };
        // After an error nothing follows; the connection goes back with its state.
        self.next = chunk.is_ok().then(|| Box::pin(state.next()) as Exported);
        Poll::Ready(Some(chunk))
    }
}

struct Exporting {
    engine: Engine,
    options: TransferOptions,
    limits: Limits,
    site: Site,
    open: Option<OpenExport>,
}

/// A read transaction with a cursor over the pages of its snapshot.
struct OpenExport {
    pages: RowStream,
    pages_a_chunk: usize,
    done: u64,
    total: u64,
    connection: Connection,
}

impl Exporting {
    async fn next(mut self) -> Option<(Result<Vec<u8>>, Exporting)> {
        let chunk = self.chunk().await.transpose()?;
        Some((chunk, self))
    }

    async fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.limits.run(OpenExport::new(&self.engine, &self.options.call, &self.site)).await?,
        };
        let rows = self.limits.run(open.pages.fetchmany(Some(open.pages_a_chunk))).await?;
        if rows.is_empty() {
            open.connection.close().await?;
            return Ok(None);
        }
        let mut chunk = Vec::new();
        for row in rows {
            match row.values() {
                [Value::Blob(page)] => chunk.extend_from_slice(page),
                other => return Err(Error::new(ErrorKind::Protocol, format!("a page of {} columns", other.len()))),
            }
        }
        if let (0, Some(versions)) = (open.done, chunk.get_mut(18..20)) {
            // The file stands alone: it says that it needs no write-ahead log beside it.
            versions.fill(1);
        }
        open.done += chunk.len() as u64;
        self.options.tell(TransferPhase::Send, open.done, Some(open.total));
        self.open = Some(open);
        Ok(Some(chunk))
    }
}

impl OpenExport {
    async fn new(engine: &Engine, call: &CallOptions, site: &Site) -> Result<OpenExport> {
        let connection = engine.connect_at(CallOptions::new(), site.clone()).await?;
        // Both statements have to see one snapshot.
        connection.set_isolation_level(IsolationLevel::Serializable)?;
        let transaction = connection.begin_with(BeginMode::Deferred).await?;
        transaction.disown();
        let sizes = text("SELECT page_count, page_size FROM pragma_page_count, pragma_page_size");
        let sizes = connection.execute(&sizes, ()).await?.one()?;
        let (count, size): (i64, i64) = (sizes.get(0)?, sizes.get(1)?);
        let (count, size) = (count.unsigned_abs(), size.unsigned_abs().max(1));
        let pages_a_chunk = (EXPORT_CHUNK / size).max(1) as usize;
        let options = CallOptions { yield_per: Some(pages_a_chunk), timeout: None, ..call.clone() };
        let sql = text("SELECT data FROM sqlite_dbpage ORDER BY pgno");
        let pages = connection.stream_with(&sql, (), &options).await?;
        Ok(OpenExport { pages, pages_a_chunk, done: 0, total: count * size, connection })
    }
}

impl Engine {
    /// Begins an import of bytes that are there already, or are cut elsewhere.
    #[doc(hidden)]
    pub async fn start_import(&self, total: u64, call: &CallOptions, site: Site) -> Result<RawImport> {
        let limits = call.start();
        let connection = limits.run(self.connect_at(CallOptions::new(), site)).await?;
        RawImport::begin(connection, total, limits)
    }
}

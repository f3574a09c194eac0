//! SQLAlchemy's way of working, for the browser and the edge: an async [`Engine`], [`Connection`], [`Transaction`] and
//! [`ResultSet`] over a SQLite that runs in a Web Worker (on hosts: in this process, feature `embedded`).
//!
//! ```
//! use aludel::{Engine, Result, many, params, text};
//!
//! async fn run() -> Result<()> {
//!     let engine = Engine::new("sqlite://")?;
//!     engine.execute(&text("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)"), ()).await?;
//!     engine
//!         .begin(async |conn| {
//!             let names = ["Dan", "Dana", "Casey"].map(|name| params! { "name" => name });
//!             conn.execute(&text("INSERT INTO users (name) VALUES (:name)"), many(names)).await
//!         })
//!         .await?;
//!     let conn = engine.connect().await?;
//!     let d = conn.execute(&text("SELECT id, name FROM users WHERE name LIKE :like"), params! { "like" => "D%" }).await?;
//!     for row in d.iter() {
//!         let row = row?;
//!         println!("{} {}", row.get::<i64>("id")?, row.get::<String>("name")?);
//!     }
//!     engine.dispose().await
//! }
//! # futures::executor::block_on(run()).unwrap();
//! ```
//!
//! Futures are not `Send`: everything lives in one thread, as it does in a browser. Dropping a future cancels its call.
#![forbid(unsafe_code)]

mod binding;
mod compiled_cache;
mod connection;
mod databases;
mod engine;
mod events;
mod executable;
mod execution;
#[cfg(feature = "serde")]
mod from_row;
mod gate;
mod hooks;
mod limit;
mod listen;
mod migrations;
mod options;
mod pool;
#[doc(hidden)]
pub mod raw;
mod result_set;
mod row;
mod schema;
mod site;
mod sorted;
mod storage;
mod sync;
mod transaction;
mod transfer;
#[doc(hidden)]
pub mod transport;
mod url;
mod watch;

pub use aludel_protocol::{
    BeginMode, Constraint, ConstraintKind, Durability, Error, ErrorKind, Result, Storage, StorageReason, Value,
    ValueRef,
};
pub use aludel_sql as sql;
pub use aludel_sql::{StatementSpan, split_statements, table, typed};
pub use compiled_cache::CacheInfo;
pub use connection::Connection;
pub use databases::{DatabaseFile, database_exists, drop_database, drop_database_if_exists, list_databases};
pub use engine::{Engine, EngineBuilder};
pub use events::{Echo, EchoLevel, Record};
pub use executable::{Compiled, Executable, Params, TextClause, WithParams, many, text, with_params};
pub use execution::ExecutionOptions;
pub use hooks::{
    AfterCursorExecute, AfterExecute, BeforeCursorExecute, BeforeExecute, ConnectionEvent, ConnectionEventKind,
    ErrorContext,
};
pub use limit::{CallOptions, CancelToken};
pub use listen::{
    Blocked, BlockedBy, Blocker, Change, Event, EventKind, HostChange, Listener, Party, Tab, VersionSkew,
};
pub use migrations::{AppliedMigration, Migrated, MigrationStatus, Migrations, Step, migrate};
pub use options::{EngineOptions, IsolationLevel, OnAbort, OptionValue};
pub use pool::{PoolClass, PoolStatus, ResetOnReturn};
pub use result_set::{
    FrozenResult, MappingResult, MappingStream, Partitions, ResultSet, RowStream, ScalarResult, ScalarStream,
};
pub use row::{ColumnIndex, FromValue, Mapping, Row};
pub use schema::{Bind, CreateAll, DdlOptions, inspect};
pub use storage::{StorageEstimate, StorageInfo};
pub use sync::{Aggregate, FunctionOptions, SyncConnection, SyncEngine, WindowFunction};
pub use transaction::Transaction;
pub use transfer::{Export, TransferOptions, TransferPhase, TransferProgress};
pub use url::{Database, Url};
pub use watch::LiveQuery;

/// The examples of the readme, as tests.
#[cfg(all(doctest, feature = "embedded"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The example of the paper on migrations, as a test.
#[cfg(all(doctest, feature = "embedded"))]
#[doc = include_str!("../docs/MIGRATIONS.md")]
struct MigrationsPaper;

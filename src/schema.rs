//! Schemas in databases: read ([`inspect`]), created and dropped ([`CreateAll`]).

use crate::connection::Connection;
use crate::engine::Engine;
use crate::limit::CallOptions;
use crate::result_set::ResultSet;
use aludel_protocol::{BeginMode, ErrorKind, Result, Value};
use aludel_sql::reflect::{self, DATABASES, Inspector, query, repair};
use aludel_sql::schema::{DdlEvent, DdlTarget, MetaData, Table};
use aludel_sql::statement::{Ddl, DropWhat, Statement};
use std::rc::Rc;

/// Where schemas are read and changed: a [`Connection`], in its transaction, or an [`Engine`], in a transaction of its own.
pub trait Bind {
    /// Runs `f` on a connection, in a transaction that may write if `writes`: one that began by reading could not go on to
    /// write once somebody else has written.
    #[doc(hidden)]
    fn on_connection<T>(
        &self,
        writes: bool,
        f: impl AsyncFnOnce(&Connection) -> Result<T>,
    ) -> impl Future<Output = Result<T>>;
}

impl Bind for Connection {
    async fn on_connection<T>(&self, writes: bool, f: impl AsyncFnOnce(&Connection) -> Result<T>) -> Result<T> {
        if writes && !self.in_transaction() {
            self.inner().begin(BeginMode::Immediate).await?;
        }
        f(self).await
    }
}

impl Bind for Engine {
    async fn on_connection<T>(&self, writes: bool, f: impl AsyncFnOnce(&Connection) -> Result<T>) -> Result<T> {
        let mode = if writes { BeginMode::Immediate } else { BeginMode::Deferred };
        self.begin_with(mode, &CallOptions::new(), f).await
    }
}

/// Reads what the database holds, attached databases and temporary tables included, as of one moment: what the
/// [`Inspector`] answers does not change when the database does.
///
/// ```
/// # async fn run() -> aludel::Result<()> {
/// use aludel::{Engine, inspect, text};
/// let engine = Engine::new("sqlite://")?;
/// let conn = engine.connect().await?;
/// conn.execute(&text("CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(50) NOT NULL)"), ()).await?;
/// let inspector = inspect(&conn).await?;
/// assert_eq!(inspector.get_table_names(None), ["users"]);
/// assert!(!inspector.get_columns("users", None)?[1].nullable);
/// # Ok(())
/// # }
/// # futures::executor::block_on(run()).unwrap();
/// ```
pub async fn inspect(bind: &impl Bind) -> Result<Inspector> {
    bind.on_connection(false, read).await
}

async fn read(connection: &Connection) -> Result<Inspector> {
    let names: Vec<Value> = rows(connection, DATABASES).await?.into_iter().flatten().collect();
    let names = names.into_iter().filter_map(|name| if let Value::Text(name) = name { Some(name) } else { None });
    let schemas: Vec<String> = names.collect();
    match rows(connection, &query(&schemas, true)).await {
        Ok(rows) => return Ok(Inspector::of_rows(schemas, &rows, &[])),
        Err(error) if error.kind() == ErrorKind::Operational => {}
        Err(error) => return Err(error),
    }
    // SQLite cannot tell the columns of one of them: which one?
    let (mut all, mut unreflectable) = (Vec::new(), Vec::new());
    for row in rows(connection, &query(&schemas, false)).await? {
        let object = Inspector::object(&row);
        all.push(row);
        let Some((schema, name)) = object else { continue };
        match rows(connection, &repair(&schema, &name)).await {
            Ok(rows) => all.extend(rows),
            Err(error) if error.kind() == ErrorKind::Operational => {
                unreflectable.push((schema, name, error.message().to_owned()));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Inspector::of_rows(schemas, &all, &unreflectable))
}

async fn rows(connection: &Connection, sql: &str) -> Result<Vec<Vec<Value>>> {
    let result: ResultSet = connection.exec_driver_sql(sql, ()).await?;
    Ok(result.all()?.iter().map(|row| row.values().to_vec()).collect())
}

/// Which tables are created or dropped, and how.
#[derive(Clone, Debug)]
pub struct DdlOptions<'a> {
    /// These tables; all, if none is named.
    pub tables: Option<&'a [Rc<Table>]>,
    /// Whether tables that are there (or, to be dropped, are not there) are passed over.
    pub checkfirst: bool,
}

impl Default for DdlOptions<'_> {
    fn default() -> Self {
        DdlOptions { tables: None, checkfirst: true }
    }
}

/// `metadata.create_all(&conn)`: creating and dropping the tables of a [`MetaData`].
pub trait CreateAll {
    /// Creates the tables, each behind those that it refers to, with their indexes; what is there stays as it is.
    fn create_all(&self, bind: &impl Bind) -> impl Future<Output = Result<()>> {
        self.create_all_with(bind, DdlOptions::default())
    }

    /// As [`CreateAll::create_all`], for some of the tables.
    fn create_all_with(&self, bind: &impl Bind, options: DdlOptions<'_>) -> impl Future<Output = Result<()>>;

    /// Drops the tables, each before those that it refers to. Where they refer to each other in a circle, the log says so and
    /// foreign keys are looked at when the transaction ends.
    fn drop_all(&self, bind: &impl Bind) -> impl Future<Output = Result<()>> {
        self.drop_all_with(bind, DdlOptions::default())
    }

    /// As [`CreateAll::drop_all`], for some of the tables.
    fn drop_all_with(&self, bind: &impl Bind, options: DdlOptions<'_>) -> impl Future<Output = Result<()>>;
}

impl CreateAll for MetaData {
    async fn create_all_with(&self, bind: &impl Bind, options: DdlOptions<'_>) -> Result<()> {
        bind.on_connection(true, async |connection| {
            let wanted = wanted(self, connection, &options, false).await?;
            let (tables, _) = aludel_sql::schema::sort(&wanted);
            tell(self, connection, DdlEvent::BeforeCreate, DdlTarget::Tables(tables.clone())).await?;
            for table in &tables {
                tell(self, connection, DdlEvent::BeforeCreate, DdlTarget::Table(table.clone())).await?;
                let naming = || self.naming.clone();
                let create = Ddl::CreateTable { table: table.clone(), naming: naming(), if_not_exists: false };
                execute(connection, create).await?;
                for index in table.all_indexes() {
                    let table = table.clone();
                    execute(connection, Ddl::CreateIndex { table, index, naming: naming(), if_not_exists: false })
                        .await?;
                }
                tell(self, connection, DdlEvent::AfterCreate, DdlTarget::Table(table.clone())).await?;
            }
            tell(self, connection, DdlEvent::AfterCreate, DdlTarget::Tables(tables)).await
        })
        .await
    }

    async fn drop_all_with(&self, bind: &impl Bind, options: DdlOptions<'_>) -> Result<()> {
        bind.on_connection(true, async |connection| {
            let wanted = wanted(self, connection, &options, true).await?;
            let (mut tables, mut circle) = aludel_sql::schema::sort(&wanted);
            tables.reverse();
            if !circle.is_empty() {
                circle.sort_by(|left, right| left.name.cmp(&right.name));
                tables = wanted;
                connection.engine().warn(&reflect::cannot_sort(circle.iter().map(|table| &*table.name)));
                connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON", ()).await?;
            }
            tell(self, connection, DdlEvent::BeforeDrop, DdlTarget::Tables(tables.clone())).await?;
            for table in &tables {
                tell(self, connection, DdlEvent::BeforeDrop, DdlTarget::Table(table.clone())).await?;
                let (schema, name) = (table.schema.clone(), table.name.clone());
                execute(connection, Ddl::Drop { what: DropWhat::Table, schema, name, if_exists: false }).await?;
                tell(self, connection, DdlEvent::AfterDrop, DdlTarget::Table(table.clone())).await?;
            }
            tell(self, connection, DdlEvent::AfterDrop, DdlTarget::Tables(tables)).await
        })
        .await
    }
}

/// The tables that are to be created or dropped: those that are not there, or that are.
async fn wanted(
    metadata: &MetaData,
    connection: &Connection,
    options: &DdlOptions<'_>,
    there: bool,
) -> Result<Vec<Rc<Table>>> {
    let mut tables = options.tables.map_or_else(|| metadata.tables(), <[_]>::to_vec);
    if options.checkfirst && !tables.is_empty() {
        let mut schemas: Vec<Option<&str>> = tables.iter().map(|table| table.schema.as_deref()).collect();
        schemas.sort_unstable();
        schemas.dedup();
        let found = rows(connection, &reflect::names(&schemas)).await?;
        let is_there = |table: &Rc<Table>| {
            found.iter().any(|row| {
                let text =
                    |at: usize| if let Some(Value::Text(text)) = row.get(at) { Some(text.as_str()) } else { None };
                text(0) == table.schema.as_deref() && text(1).is_some_and(|name| name.eq_ignore_ascii_case(&table.name))
            })
        };
        tables = tables.iter().filter(|table| is_there(table) == there).cloned().collect();
    }
    Ok(tables)
}

async fn execute(connection: &Connection, ddl: Ddl) -> Result<()> {
    connection.execute(&Statement::Ddl(Rc::new(ddl)), ()).await.map(|_| ())
}

async fn tell(metadata: &MetaData, connection: &Connection, event: DdlEvent, target: DdlTarget) -> Result<()> {
    for sql in metadata.told(event, &target) {
        connection.exec_driver_sql(&sql, ()).await?;
    }
    Ok(())
}

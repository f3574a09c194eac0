//! Migrations: changes of a database from version to version, in order and each once.

mod history;
mod plan;
mod run;

use crate::connection::Connection;
use crate::engine::Engine;
use aludel_protocol::{Error, ErrorKind, Result};
use plan::{checksum, plan, settled};
use std::pin::Pin;
use std::rc::Rc;

/// What a step that is a function gives.
type Working<'c> = Pin<Box<dyn Future<Output = Result<()>> + 'c>>;

/// A function of a step.
trait Work {
    fn run<'c>(&'c self, connection: &'c Connection) -> Working<'c>;
}

impl<F: AsyncFn(&Connection) -> Result<()>> Work for F {
    fn run<'c>(&'c self, connection: &'c Connection) -> Working<'c> {
        Box::pin(self(connection))
    }
}

#[derive(Clone)]
enum What {
    Sql(String),
    Call(Rc<dyn Work>),
}

/// One change of a database, which runs in a transaction of its own and does not end it.
#[derive(Clone)]
pub struct Step {
    name: String,
    what: What,
    checksum: Option<String>,
    foreign_keys: bool,
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Step").field("name", &self.name).field("checksum", &self.checksum).finish_non_exhaustive()
    }
}

impl Step {
    /// A step of SQL: one statement, or several with semicolons between them. Its checksum is that of the text.
    pub fn sql(name: impl Into<String>, sql: impl Into<String>) -> Step {
        let sql = sql.into();
        let checksum = Some(checksum(&sql));
        Step { name: name.into(), what: What::Sql(sql), checksum, foreign_keys: false }
    }

    /// A step that is a function. It has no checksum unless one is given, and is not compared then.
    pub fn call(name: impl Into<String>, work: impl AsyncFn(&Connection) -> Result<()> + 'static) -> Step {
        Step { name: name.into(), what: What::Call(Rc::new(work)), checksum: None, foreign_keys: false }
    }

    /// Gives it a checksum, which is to change when the step does.
    pub fn checksum(mut self, checksum: impl Into<String>) -> Step {
        self.checksum = Some(checksum.into());
        self
    }

    /// Enforces foreign keys while the step runs, rather than checking them before it is committed.
    pub fn foreign_keys(mut self, enforced: bool) -> Step {
        self.foreign_keys = enforced;
        self
    }
}

/// What [`Migrations::run`] has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// How many steps the database had had.
    pub from: usize,
    /// How many it has had now.
    pub to: usize,
    /// The names of the steps that were run.
    pub applied: Vec<String>,
    /// The names of the steps that the database has had and that are not known; there are some with
    /// [`Migrations::allow_newer`] only.
    pub unknown: Vec<String>,
}

/// A step that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedMigration {
    /// Its name.
    pub name: String,
    /// The checksum that it had, if it had one.
    pub checksum: Option<String>,
    /// When it was run: `2026-11-22T00:46:03.123Z`.
    pub applied_at: String,
    /// How many milliseconds it took.
    pub duration: i64,
}

/// How a database and a list of steps fit.
#[derive(Clone, Debug)]
pub struct MigrationStatus {
    /// The steps that were run, in their order.
    pub applied: Vec<AppliedMigration>,
    /// The names of those that were not.
    pub pending: Vec<String>,
    /// The names of those that were run and are not in the list.
    pub unknown: Vec<String>,
    /// What [`Migrations::run`] would give before it runs any of them.
    pub problem: Option<Error>,
}

/// The steps that bring a database to what the program expects. The database remembers in its table `aludel_migrations` which
/// it has had: it is the same for programs in JavaScript.
///
/// ```
/// # async fn run() -> aludel::Result<()> {
/// use aludel::{Engine, Migrations, Step, text};
/// let engine = Engine::new("sqlite://")?;
/// let migrations = Migrations::new([
///     Step::sql("0001_users", "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)"),
///     Step::call("0002_names", async |conn| conn.execute(&text("UPDATE users SET name = trim(name)"), ()).await.map(drop)),
/// ])?;
/// assert_eq!(migrations.run(&engine).await?.applied, ["0001_users", "0002_names"]);
/// assert!(migrations.status(&engine).await?.pending.is_empty());
/// # Ok(())
/// # }
/// # futures::executor::block_on(run()).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Migrations {
    steps: Vec<Step>,
    user_version: bool,
    adopt: bool,
    allow_newer: bool,
}

impl Migrations {
    /// These steps, in this order; their names tell them from each other.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Result<Migrations> {
        let steps: Vec<Step> = steps.into_iter().collect();
        let mut names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
        names.sort_unstable();
        if names.first() == Some(&"") {
            return Err(Error::new(ErrorKind::Argument, "a step has no name"));
        }
        if let Some(name) = names.windows(2).find_map(|pair| if pair[0] == pair[1] { Some(pair[0]) } else { None }) {
            return Err(Error::new(ErrorKind::Argument, format!("two steps are called {name:?}")));
        }
        Ok(Migrations { steps, user_version: true, adopt: false, allow_newer: false })
    }

    /// Whether the number of steps that were run is kept in `PRAGMA user_version`, where other programs see it: yes unless said.
    pub fn user_version(mut self, kept: bool) -> Migrations {
        self.user_version = kept;
        self
    }

    /// Whether a database that knows of no steps counts as one that has had as many of them as its `user_version` says.
    pub fn adopt(mut self, adopt: bool) -> Migrations {
        self.adopt = adopt;
        self
    }

    /// Whether to go on with a database that has had more steps than are known, and to run none.
    pub fn allow_newer(mut self, allow: bool) -> Migrations {
        self.allow_newer = allow;
        self
    }

    /// Runs those of the steps that the database has not had, in order, each in a transaction of its own. A step that fails leaves
    /// what the steps before it have made. Where several programs begin at once, each step is run by one of them.
    pub async fn run(&self, engine: &Engine) -> Result<Migrated> {
        let (mut applied, mut from) = (Vec::new(), None);
        loop {
            let history = history::read(engine).await?;
            let plan = plan(self, &history);
            let ready = settled(self, &plan)?;
            let had = if plan.adopted > 0 { plan.adopted } else { history.applied.len() };
            let from = *from.get_or_insert(had);
            if ready {
                let unknown = plan.unknown;
                return Ok(Migrated {
                    from: from.min(history.applied.len()),
                    to: history.applied.len(),
                    applied,
                    unknown,
                });
            }
            let mut tries = 0;
            while let Err(error) = run::pending(self, engine, &mut applied).await {
                tries += 1;
                if error.kind() != ErrorKind::HostLost || !error.retryable() || tries == TRIES {
                    return Err(error);
                }
            }
        }
    }

    /// Says which steps a database has had and which [`Migrations::run`] would run, and runs none.
    pub async fn status(&self, engine: &Engine) -> Result<MigrationStatus> {
        let history = history::read(engine).await?;
        let plan = plan(self, &history);
        let pending = plan.pending.iter().map(|step| step.name.clone()).collect();
        Ok(MigrationStatus { pending, unknown: plan.unknown, problem: plan.problem, applied: history.applied })
    }
}

/// How often something is tried when the host of the database goes away meanwhile.
const TRIES: u32 = 5;

/// Brings a database to the newest version by scripts, which are called by their places, `1` and so on; see [`Migrations`]. Gives how
/// many of them it had had and how many it has had now.
///
/// ```
/// # async fn run() -> aludel::Result<()> {
/// use aludel::{Engine, migrate};
/// let engine = Engine::new("sqlite://")?;
/// let steps = ["CREATE TABLE users (id INTEGER PRIMARY KEY)", "ALTER TABLE users ADD COLUMN name TEXT"];
/// assert_eq!(migrate(&engine, &steps[..1]).await?, (0, 1));
/// assert_eq!(migrate(&engine, &steps).await?, (1, 2));
/// # Ok(())
/// # }
/// # futures::executor::block_on(run()).unwrap();
/// ```
pub async fn migrate(engine: &Engine, scripts: &[&str]) -> Result<(usize, usize)> {
    let steps = scripts.iter().enumerate().map(|(i, sql)| Step::sql((i + 1).to_string(), *sql));
    let Migrated { from, to, .. } = Migrations::new(steps)?.run(engine).await?;
    Ok((from, to))
}

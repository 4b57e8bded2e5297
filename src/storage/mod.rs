//! Storage on SQLite (embedded, the default) and PostgreSQL.
//!
//! One set of SQL serves both: `$1` works in both, and only integers, text and blobs are stored. Where they
//! differ (transactions that write, row locks) the difference is a method of [`Engine`]. Each feature's trait is implemented in the
//! file of the feature's name.
//!
//! On SQLite one connection writes (WAL, `synchronous=FULL`, `BEGIN IMMEDIATE`) and several read.
//!
//! Who reads for hooks, admission, deliveries, sessions and sign-in has connections of its own; lists that people look at have others, and
//! searches again others. However much is read for people, a media server gets its answer.

mod backup;
pub(crate) mod batch;
mod hints;
pub(crate) mod migrations;
mod pooler;
mod reseal;
mod retention;
pub(crate) mod rows;
mod search;
mod write_thread;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::migrate::MigrateError;
use sqlx::{Any, AnyPool, AssertSqlSafe, Connection, Executor, Transaction};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

pub use self::backup::copy_sqlite;
use self::hints::Hints;
pub use self::hints::QueueHints;
use self::migrations::migrator;
use self::pooler::refuse_shared_sessions;
pub use self::reseal::{ResealError, Resealing};
use self::rows::Read;
use self::search::Searches;
use self::write_thread::WriteThread;
use crate::deliveries::QueueChange;
use crate::model::{IdGenerator, StoreError};

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// Begins a transaction that will write.
    pub(crate) const fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// A column of bytes that are UTF-8, as text.
    pub(crate) fn text(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("cast({column} as text)"),
            Self::Postgres => format!("convert_from({column}, 'UTF8')"),
        }
    }

    /// `columns` of what `from` finds, as one JSON value `found`.
    pub(crate) fn packed(self, columns: &str, from: &str) -> String {
        match self {
            Self::Sqlite => format!("select json_group_array(json_array({columns})) as found {from}"),
            Self::Postgres => format!("select cast(json_agg(json_build_array({columns})) as text) as found {from}"),
        }
    }

    /// The values of a column as one JSON array; null where there are no rows, or an empty one.
    pub(crate) fn list(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("json_group_array({column})"),
            Self::Postgres => format!("cast(json_agg({column}) as text)"),
        }
    }

    /// The end of a `select` whose rows nobody may change before this transaction ends.
    pub(crate) const fn for_share(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " for share",
        }
    }

    /// The end of a `select` of rows to change.
    pub(crate) const fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " for update",
        }
    }

    /// The end of a `select` of rows to change, without those that another transaction is changing.
    pub(crate) const fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " for update skip locked",
        }
    }
}

/// What PostgreSQL's clock says (Unix ms), as SQL: where processes meet, their own do not count.
pub(crate) const DATABASE_NOW: &str = "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)";

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("must start with sqlite:// or postgres://")]
    BadUrl,
    #[error("cannot open the database: {0}")]
    Connect(#[source] sqlx::Error),
    #[error("cannot start the thread that writes: {0}")]
    Thread(#[source] std::io::Error),
    #[error("cannot bring the database's tables up to date: {0}")]
    Migrate(#[source] MigrateError),
    #[error(
        "a pooler in transaction mode stands between the console and PostgreSQL. Set it to session mode, or connect to PostgreSQL itself"
    )]
    Pooler,
    #[error("cannot read the newest ids: {0}")]
    Ids(#[source] StoreError),
    #[error("cannot bring statistics into the console's time zone: {0}")]
    Zone(#[source] StoreError),
}

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pub(crate) engine: Engine,
    pub(crate) write: AnyPool,
    /// For what media servers, deliveries and people who sign in wait for: a few rows each time, found by their keys.
    pub(crate) read: AnyPool,
    /// For lists and figures that people look at.
    pub(crate) pages: AnyPool,
    /// For what may read a whole table.
    pub(crate) searches: Searches,
    pub(crate) ids: Arc<IdGenerator>,
    /// Tells the delivery loop of this process what a commit did to the queue.
    queued: broadcast::Sender<Arc<[QueueChange]>>,
    /// How other processes that share the database hear of this one's commits.
    hints: Option<Hints>,
    write_thread: WriteThread,
    /// The connections of that thread.
    pub(crate) hot: AnyPool,
}

/// How many commits the delivery loop may lag behind before it reads the table anew.
const QUEUED_LAG: usize = 4_096;

impl Db {
    /// Connects. SQLite's file is made if missing; its folder must exist.
    pub async fn open(url: &str, ids: Arc<IdGenerator>) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let hints = Hints::of(url);
        let (engine, write, read, hot, pages, searches) = if url.starts_with("sqlite:") {
            let separator = if url.contains('?') { '&' } else { '?' };
            let url = format!("{url}{separator}mode=rwc");
            let write = sqlite_pool(1, 16 * MIB, "full").connect(&url).await.map_err(OpenError::Connect)?;
            let read = sqlite_pool(4, 4 * MIB, "full").connect(&url).await.map_err(OpenError::Connect)?;
            let pages = sqlite_pool(3, 4 * MIB, "full").connect_lazy(&url).map_err(OpenError::Connect)?;
            (Engine::Sqlite, write.clone(), read, write, pages, Searches::sqlite(&url)?)
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let pool = postgres_pool(10, POSTGRES).min_connections(1).connect(url).await.map_err(OpenError::Connect)?;
            refuse_shared_sessions(&pool).await?;
            let hot = postgres_pool(8, POSTGRES_HOT).connect_lazy(url).map_err(OpenError::Connect)?;
            let pages = postgres_pool(4, POSTGRES).connect_lazy(url).map_err(OpenError::Connect)?;
            (Engine::Postgres, pool.clone(), pool, hot, pages, Searches::postgres(url)?)
        } else {
            return Err(OpenError::BadUrl);
        };
        let write_thread = WriteThread::start().map_err(OpenError::Thread)?;
        let (queued, _) = broadcast::channel(QUEUED_LAG);
        Ok(Self { engine, write, read, pages, searches, ids, queued, hints, write_thread, hot })
    }

    /// Brings the tables up to date.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        let migrator = match self.engine {
            Engine::Sqlite => migrator(&migrations::SQLITE),
            Engine::Postgres => migrator(&migrations::POSTGRES),
        };
        migrator.run(&self.write).await.map_err(OpenError::Migrate)
    }

    /// Makes new ids follow all those in the tables, also when the clock was set back.
    pub async fn continue_ids(&self) -> Result<(), OpenError> {
        for table in ["sessions", "events", "deliveries"] {
            let sql = sqlx::AssertSqlSafe(format!("select coalesce(max(id), 0) as latest from {table}"));
            let row = sqlx::query(sql).fetch_one(&self.read).await.map_err(|error| OpenError::Ids(error.into()))?;
            self.ids.follow(row.col("latest").map_err(OpenError::Ids)?);
        }
        Ok(())
    }

    /// Whether the database answers and its tables are there.
    pub async fn is_ready(&self) -> Result<(), StoreError> {
        sqlx::query("select id from domains limit 1").fetch_optional(&self.read).await?;
        Ok(())
    }

    /// Whether other processes may deliver from the same database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.engine == Engine::Postgres
    }

    /// What commits of this process do to the queue, from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<[QueueChange]>> {
        self.queued.subscribe()
    }

    /// Runs a task that writes much on the thread for that.
    pub fn spawn_writer<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.write_thread.spawn(task)
    }

    /// Waits for connections to be returned and closes them.
    pub async fn close(&self) {
        for pool in [&self.write, &self.read, &self.hot, &self.pages] {
            pool.close().await;
        }
        self.searches.close().await;
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.write.begin_with(self.engine.begin_write()).await?)
    }

    /// Begins a transaction of a task that runs on the write thread.
    pub(crate) async fn begin_hot(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.hot.begin_with(self.engine.begin_write()).await?)
    }

    /// Connections to read by key what the delivery loop needs.
    pub(crate) fn hot_read(&self) -> &AnyPool {
        match self.engine {
            Engine::Sqlite => &self.read,
            Engine::Postgres => &self.hot,
        }
    }

    /// Commits, then tells of the queue.
    pub(crate) async fn commit(
        &self,
        mut transaction: Transaction<'static, Any>,
        queued: Vec<QueueChange>,
    ) -> Result<(), StoreError> {
        if let Some(hints) = self.hints.as_ref().filter(|_| !queued.is_empty()) {
            hints.give(&mut transaction).await?;
        }
        transaction.commit().await?;
        if !queued.is_empty() {
            // Nobody listens in a process without a delivery loop.
            let _ = self.queued.send(queued.into());
        }
        Ok(())
    }
}

fn postgres_pool(connections: u32, settings: &'static str) -> AnyPoolOptions {
    // Each connection holds a part of the lock that `callsheet secrets rotate` takes as a whole.
    let settings = format!(
        "{settings}; do $$ begin if not pg_try_advisory_lock_shared({ROTATION_LOCK}) then \
         raise exception 'callsheet secrets rotate is at work; try again when it has finished'; end if; end $$"
    );
    AnyPoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(10)).after_connect(
        move |connection, _| {
            let settings = settings.clone();
            Box::pin(async move { connection.execute(AssertSqlSafe(settings)).await.map(drop) })
        },
    )
}

/// PostgreSQL's number of a lock within one database.
const ROTATION_LOCK: i64 = 0x6361_6c6c_7368_6565;

/// A process that freezes or drops off the network within a transaction must not keep its locks: others wait for them.
const POSTGRES: &str = "set idle_in_transaction_session_timeout = '5s'";

/// Here each statement finds a batch of rows by their keys. The planner, whose statistics lag behind tables that grow and shrink by
/// thousands of rows a second, would often read the whole table instead.
const POSTGRES_HOT: &str = "set idle_in_transaction_session_timeout = '5s'; set enable_seqscan = off; \
     set enable_hashjoin = off; set enable_mergejoin = off";

/// In KiB.
pub(crate) const MIB: u32 = 1024;

/// The file of the statistics when the database is SQLite.
pub(crate) fn stats_file(data_dir: &Path) -> PathBuf {
    data_dir.join("stats.db")
}

/// A connection to SQLite that rested for so long gives back its cache of pages.
const QUIET: Duration = Duration::from_secs(2);

/// Of each connection to SQLite. `cache`: KiB of pages that it keeps; `synchronous`: as in SQLite's pragma of that name.
fn sqlite_settings(cache: u32, synchronous: &str) -> String {
    // The log is folded back after 64 MiB: pages that change with each commit are then written once.
    format!(
        "pragma journal_mode = wal; pragma synchronous = {synchronous}; pragma foreign_keys = on; pragma busy_timeout = 10000; \
         pragma temp_store = memory; pragma wal_autocheckpoint = 16384; pragma cache_size = -{cache}"
    )
}

pub(crate) fn sqlite_pool(connections: u32, cache: u32, synchronous: &str) -> AnyPoolOptions {
    let settings = sqlite_settings(cache, synchronous);
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(30))
        // Each connection has a thread and a cache of its own. The one that writes stays.
        .min_connections(u32::from(connections == 1))
        .idle_timeout(Duration::from_secs(30))
        .after_connect(move |connection, _| {
            let settings = settings.clone();
            Box::pin(async move { connection.execute(AssertSqlSafe(settings)).await.map(drop) })
        })
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                // On a full disk SQLite rolls back by itself. The driver's own rollback then fails, and it believes that the transaction
                // is still open. Such a connection is replaced.
                if connection.is_in_transaction() {
                    return Ok(false);
                }
                // A connection that is rarely used needs no cache.
                if meta.idle_for > QUIET {
                    connection.execute("pragma shrink_memory").await?;
                }
                Ok(true)
            })
        })
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
        let unique = error.as_database_error().is_some_and(|e| e.is_unique_violation());
        match &error {
            _ if unique => Self::Duplicate,
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Self::Unavailable(error.into()),
            // SQLite: full, busy, I/O error (whose extended codes end in 10); PostgreSQL: idle for too long in a transaction, and
            // classes 53 (no resources), 57 (shut down) and 08 (connection).
            _ if matches!(code.as_str(), "13" | "5" | "10" | "25P03")
                || code.parse::<u32>().is_ok_and(|c| c & 0xff == 10)
                || ["53", "57", "08"].iter().any(|class| code.len() == 5 && code.starts_with(class)) =>
            {
                Self::Unavailable(error.into())
            }
            _ => Self::Fault(error.into()),
        }
    }
}

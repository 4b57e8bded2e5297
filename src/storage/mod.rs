//! The storage engine: SQLite (embedded, the default) or PostgreSQL.
//!
//! The SQL of a feature is in `src/<feature>/storage.rs`, as methods of [`Db`]. Both databases run the same SQL: both accept `$1`, and all
//! columns are integers, text or blobs. The few differences (write transactions, row locks, JSON functions) are methods of [`Engine`].
//!
//! SQLite has one connection for writes (WAL, `synchronous=FULL`, `BEGIN IMMEDIATE`) and several for reads.
//!
//! Reads have separate connections by urgency, so that a slow page never delays a media server: hooks, admission, deliveries and sign-in;
//! lists and charts; searches.

mod backup;
pub(crate) mod batch;
mod engine;
mod error;
pub(crate) mod migrations;
mod notifications;
mod pooler;
mod pools;
mod reseal;
mod retention;
pub(crate) mod rows;
mod search;
mod write_thread;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::{Any, AnyPool, Transaction};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

pub use self::backup::copy_sqlite;
pub use self::engine::Engine;
pub use self::error::OpenError;
use self::migrations::migrator;
use self::notifications::Notifier;
pub use self::notifications::QueueNotifications;
use self::pooler::refuse_transaction_pooler;
pub(crate) use self::pools::{MIB, sqlite_pool};
use self::pools::{POSTGRES, POSTGRES_HOT, postgres_pool};
pub use self::reseal::{ResealError, Resealing};
use self::rows::Read;
use self::search::Searches;
use self::write_thread::WriteThread;
use crate::deliveries::QueueChange;
use crate::model::{IdGenerator, StoreError};

/// PostgreSQL's clock in Unix ms, as SQL. Where processes share a database, their own clocks may differ.
pub(crate) const DATABASE_NOW: &str = "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)";

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pub(crate) engine: Engine,
    pub(crate) write: AnyPool,
    /// Urgent reads of a few rows by key: for media servers, deliveries and sign-in.
    pub(crate) read: AnyPool,
    /// Reads for lists and charts.
    pub(crate) pages: AnyPool,
    /// Reads that may scan a whole table.
    pub(crate) searches: Searches,
    pub(crate) ids: Arc<IdGenerator>,
    /// Queue changes of each commit, for the delivery loop of this process.
    queued: broadcast::Sender<Arc<[QueueChange]>>,
    /// Notifies other processes that share the database.
    notifier: Option<Notifier>,
    write_thread: WriteThread,
    /// Connections of the write thread.
    pub(crate) hot: AnyPool,
}

/// Commits by which the delivery loop may fall behind before it reads the queue table again.
const QUEUED_LAG: usize = 4_096;

/// A transaction that may write.
pub(crate) type Tx = Transaction<'static, Any>;

impl Db {
    /// Connects. Creates SQLite's file if it is missing; its folder must exist.
    pub async fn open(url: &str, ids: Arc<IdGenerator>) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let notifier = Notifier::new(url);
        let (engine, write, read, hot, pages, searches) = if url.starts_with("sqlite:") {
            let separator = if url.contains('?') { '&' } else { '?' };
            let url = format!("{url}{separator}mode=rwc");
            let write = sqlite_pool(1, 16 * MIB, "full").connect(&url).await.map_err(OpenError::Connect)?;
            let read = sqlite_pool(4, 4 * MIB, "full").connect(&url).await.map_err(OpenError::Connect)?;
            let pages = sqlite_pool(3, 4 * MIB, "full").connect_lazy(&url).map_err(OpenError::Connect)?;
            (Engine::Sqlite, write.clone(), read, write, pages, Searches::sqlite(&url)?)
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let pool = postgres_pool(10, POSTGRES).min_connections(1).connect(url).await.map_err(OpenError::Connect)?;
            refuse_transaction_pooler(&pool).await?;
            let hot = postgres_pool(8, POSTGRES_HOT).connect_lazy(url).map_err(OpenError::Connect)?;
            let pages = postgres_pool(4, POSTGRES).connect_lazy(url).map_err(OpenError::Connect)?;
            (Engine::Postgres, pool.clone(), pool, hot, pages, Searches::postgres(url)?)
        } else {
            return Err(OpenError::BadUrl);
        };
        let write_thread = WriteThread::start().map_err(OpenError::Thread)?;
        let (queued, _) = broadcast::channel(QUEUED_LAG);
        Ok(Self { engine, write, read, pages, searches, ids, queued, notifier, write_thread, hot })
    }

    /// Runs the migrations.
    pub async fn migrate(&self) -> Result<(), OpenError> {
        let migrator = match self.engine {
            Engine::Sqlite => migrator(&migrations::SQLITE),
            Engine::Postgres => migrator(&migrations::POSTGRES),
        };
        migrator.run(&self.write).await.map_err(OpenError::Migrate)
    }

    /// Makes new ids greater than all stored ones, even if the clock was set back.
    pub async fn continue_ids(&self) -> Result<(), OpenError> {
        for table in ["sessions", "events", "deliveries"] {
            let sql = sqlx::AssertSqlSafe(format!("select coalesce(max(id), 0) as latest from {table}"));
            let row = sqlx::query(sql).fetch_one(&self.read).await.map_err(|error| OpenError::Ids(error.into()))?;
            self.ids.follow(row.col("latest").map_err(OpenError::Ids)?);
        }
        Ok(())
    }

    /// Checks that the database answers and has its tables.
    pub async fn is_ready(&self) -> Result<(), StoreError> {
        sqlx::query("select id from domains limit 1").fetch_optional(&self.read).await?;
        Ok(())
    }

    /// Returns whether other processes may share the database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.engine == Engine::Postgres
    }

    /// Subscribes to the queue changes that this process commits.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<[QueueChange]>> {
        self.queued.subscribe()
    }

    /// Runs a task on the write thread.
    pub fn spawn_writer<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.write_thread.spawn(task)
    }

    /// Closes all connections, after waiting for those in use.
    pub async fn close(&self) {
        for pool in [&self.write, &self.read, &self.hot, &self.pages] {
            pool.close().await;
        }
        self.searches.close().await;
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.write.begin_with(self.engine.begin_write()).await?)
    }

    /// Begins a transaction of a task on the write thread.
    pub(crate) async fn begin_hot(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.hot.begin_with(self.engine.begin_write()).await?)
    }

    /// Connections for the key lookups of the delivery loop.
    pub(crate) fn hot_read(&self) -> &AnyPool {
        match self.engine {
            Engine::Sqlite => &self.read,
            Engine::Postgres => &self.hot,
        }
    }

    /// Commits, then announces the queue changes to this process and, within the commit, to others.
    pub(crate) async fn commit(
        &self,
        mut transaction: Transaction<'static, Any>,
        queued: Vec<QueueChange>,
    ) -> Result<(), StoreError> {
        if let Some(notifier) = self.notifier.as_ref().filter(|_| !queued.is_empty()) {
            notifier.notify(&mut transaction).await?;
        }
        transaction.commit().await?;
        if !queued.is_empty() {
            // A process without a delivery loop has no receiver.
            let _ = self.queued.send(queued.into());
        }
        Ok(())
    }
}

/// Path of SQLite's statistics database.
pub(crate) fn stats_file(data_dir: &Path) -> PathBuf {
    data_dir.join("stats.db")
}

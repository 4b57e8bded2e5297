//! Searches: statements that may scan a whole table. Separate connections and a time limit keep them from delaying anything else. SQLite
//! has one such connection, so searches run one at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::any::AnyRow;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use sqlx::{AnyPool, AssertSqlSafe, Executor};

use super::OpenError;
use super::pools::{MIB, postgres_pool, sqlite_settings};
use super::rows::Values;
use crate::model::StoreError;

/// Maximum wait for a connection, and maximum run time.
const LIMIT: Duration = Duration::from_secs(10);
/// The same limits for PostgreSQL.
const POSTGRES: &str = "set idle_in_transaction_session_timeout = '5s'; set statement_timeout = '10s'";
/// Number of SQLite instructions between two checks of the deadline; they take well below a millisecond.
const INSTRUCTIONS: i32 = 4_096;

/// Connections for searches. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) enum Searches {
    Sqlite { pool: SqlitePool, deadline: Arc<Deadline>, limit: Duration },
    Postgres(AnyPool),
}

impl Searches {
    pub(crate) fn sqlite(url: &str) -> Result<Self, OpenError> {
        Self::sqlite_within(url, LIMIT)
    }

    fn sqlite_within(url: &str, limit: Duration) -> Result<Self, OpenError> {
        let deadline = Arc::new(Deadline::default());
        let asked = deadline.clone();
        let settings = sqlite_settings(4 * MIB, "full");
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(limit)
            .idle_timeout(Duration::from_secs(30))
            .after_connect(move |connection, _| {
                let (settings, asked) = (settings.clone(), asked.clone());
                Box::pin(async move {
                    connection.execute(AssertSqlSafe(settings)).await?;
                    connection.lock_handle().await?.set_progress_handler(INSTRUCTIONS, move || !asked.has_passed());
                    Ok(())
                })
            })
            .connect_lazy(url)
            .map_err(OpenError::Connect)?;
        Ok(Self::Sqlite { pool, deadline, limit })
    }

    pub(crate) fn postgres(url: &str) -> Result<Self, OpenError> {
        let pool = postgres_pool(2, POSTGRES).acquire_timeout(LIMIT).connect_lazy(url);
        Ok(Self::Postgres(pool.map_err(OpenError::Connect)?))
    }

    /// Runs `sql` with `values` and returns the rows.
    pub(crate) async fn fetch_all(&self, sql: String, values: &Values) -> Result<Vec<AnyRow>, StoreError> {
        let found = match self {
            Self::Sqlite { pool, deadline, limit } => {
                let mut connection = pool.acquire().await.map_err(out_of_time)?;
                let _running = deadline.begin(*limit);
                let rows = values.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(&mut *connection).await;
                rows.and_then(|rows| rows.iter().map(AnyRow::try_from).collect())
            }
            Self::Postgres(pool) => values.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(pool).await,
        };
        found.map_err(out_of_time)
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { pool, .. } => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Recognises an interrupted (SQLite 9) or cancelled (PostgreSQL 57014) statement, and a wait for a connection that took too long.
fn out_of_time(error: sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(|error| error.code());
    if matches!(error, sqlx::Error::PoolTimedOut) || matches!(code.as_deref(), Some("9" | "57014")) {
        StoreError::SearchTooLong
    } else {
        error.into()
    }
}

/// Deadline of the running search.
#[derive(Debug)]
pub(crate) struct Deadline {
    start: Instant,
    /// Milliseconds after `start`.
    end: AtomicU64,
}

impl Default for Deadline {
    fn default() -> Self {
        Self { start: Instant::now(), end: AtomicU64::new(u64::MAX) }
    }
}

impl Deadline {
    fn begin(&self, limit: Duration) -> Running<'_> {
        self.end.store(millis(self.start.elapsed() + limit), Ordering::Relaxed);
        Running(self)
    }

    fn has_passed(&self) -> bool {
        millis(self.start.elapsed()) >= self.end.load(Ordering::Relaxed)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Stops the search when it is dropped because its client disconnected. Dropping only the statement would let it continue.
struct Running<'d>(&'d Deadline);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.end.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Problem, ProblemKind};

    /// A query that never ends.
    const ENDLESS: &str = "with recursive n (i) as (select 1 union all select i + 1 from n) select max(i) as i from n";

    async fn search(searches: &Searches, sql: &str) -> Result<usize, StoreError> {
        searches.fetch_all(sql.to_owned(), &Values::default()).await.map(|rows| rows.len())
    }

    #[tokio::test]
    async fn a_search_ends_at_its_limit_and_the_next_one_runs() {
        let folder = tempfile::tempdir().expect("folder");
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("db").display());
        let searches = Searches::sqlite_within(&url, Duration::from_millis(500)).expect("a pool");
        let error = search(&searches, ENDLESS).await.expect_err("interrupted");
        assert!(matches!(error, StoreError::SearchTooLong), "{error:?}");
        assert_eq!((error.code(), error.kind()), ("search_too_long", ProblemKind::Unavailable));
        assert_eq!(search(&searches, "select 1 as n").await.expect("found"), 1);
        searches.close().await;
    }

    #[tokio::test]
    async fn an_abandoned_search_frees_its_connection() {
        let folder = tempfile::tempdir().expect("folder");
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("db").display());
        // The second search gets the connection only if the first is interrupted.
        let searches = Searches::sqlite_within(&url, Duration::from_secs(3_600)).expect("a pool");
        let Searches::Sqlite { deadline, .. } = &searches else { panic!("SQLite") };
        let endless = tokio::spawn({
            let searches = searches.clone();
            async move { search(&searches, ENDLESS).await }
        });
        while deadline.end.load(Ordering::Relaxed) == u64::MAX {
            tokio::task::yield_now().await;
        }
        endless.abort();
        assert_eq!(search(&searches, "select 1 as n").await.expect("found"), 1);
        searches.close().await;
    }
}

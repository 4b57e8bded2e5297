//! Connection pools and the settings of their connections.

use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{AssertSqlSafe, Connection, Executor};

pub(super) fn postgres_pool(connections: u32, settings: &'static str) -> AnyPoolOptions {
    // Each connection shares a lock that `callsheet secrets rotate` needs exclusively.
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

/// Key of PostgreSQL's advisory lock for a key rotation.
pub(super) const ROTATION_LOCK: i64 = 0x6361_6c6c_7368_6565;

/// A process that freezes or loses its network within a transaction must not keep its locks.
pub(super) const POSTGRES: &str = "set idle_in_transaction_session_timeout = '5s'";

/// Statements of the write thread find rows by key. Planner statistics lag behind tables that change by thousands of rows per second,
/// so the planner would often choose a full scan.
pub(super) const POSTGRES_HOT: &str = "set idle_in_transaction_session_timeout = '5s'; set enable_seqscan = off; \
     set enable_hashjoin = off; set enable_mergejoin = off";

/// One MiB in KiB.
pub(crate) const MIB: u32 = 1024;

/// SQLite connections that were idle for this long release their page cache.
const CACHE_IDLE: Duration = Duration::from_secs(2);

/// Pragmas of an SQLite connection. `cache`: size of the page cache in KiB.
pub(super) fn sqlite_settings(cache: u32, synchronous: &str) -> String {
    // A checkpoint every 64 MiB writes pages that change in each commit only once.
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
        // Each connection costs a thread and a cache. The write connection stays open.
        .min_connections(u32::from(connections == 1))
        .idle_timeout(Duration::from_secs(30))
        .after_connect(move |connection, _| {
            let settings = settings.clone();
            Box::pin(async move { connection.execute(AssertSqlSafe(settings)).await.map(drop) })
        })
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                // On a full disk SQLite rolls back on its own. The driver's rollback then fails, and the driver considers the
                // transaction open. Replace such a connection.
                if connection.is_in_transaction() {
                    return Ok(false);
                }
                if meta.idle_for > CACHE_IDLE {
                    connection.execute("pragma shrink_memory").await?;
                }
                Ok(true)
            })
        })
}

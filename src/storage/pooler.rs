//! Detection of poolers in transaction mode. They switch the server session between transactions, which loses settings, prepared
//! statements and locks.

use sqlx::{AnyConnection, AnyPool, Executor, Row};

use super::OpenError;

/// Refuses a pooler in transaction mode. Without one, each connection keeps its server session, and no two share one.
pub(super) async fn refuse_transaction_pooler(pool: &AnyPool) -> Result<(), OpenError> {
    let mut one = pool.acquire().await.map_err(OpenError::Connect)?;
    let mut other = pool.acquire().await.map_err(OpenError::Connect)?;
    let mut sessions = Vec::with_capacity(4);
    for _ in 0..2 {
        for connection in [&mut *one, &mut *other] {
            sessions.push(session(connection).await.map_err(OpenError::Connect)?);
        }
    }
    match sessions[..] {
        [a, b, c, d] if a == c && b == d && a != b => Ok(()),
        _ => Err(OpenError::Pooler),
    }
}

/// Returns the process id of the server session. Uses a simple query, which works in any pooler mode.
async fn session(connection: &mut AnyConnection) -> Result<i64, sqlx::Error> {
    connection.fetch_one("select cast(pg_backend_pid() as bigint) as session").await?.try_get("session")
}

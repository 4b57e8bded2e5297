//! Poolers in front of PostgreSQL. In transaction mode they give a client another session of the server for each transaction, and settings,
//! prepared statements and locks stay behind in the one before.

use sqlx::{AnyConnection, AnyPool, Executor, Row};

use super::OpenError;

/// Refuses such a pooler. A client of PostgreSQL itself, or of a pooler in session mode, keeps its session, and nobody else has the same.
pub(super) async fn refuse_shared_sessions(pool: &AnyPool) -> Result<(), OpenError> {
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

/// The number of the server's process. The statement is not prepared, so that it works in any mode.
async fn session(connection: &mut AnyConnection) -> Result<i64, sqlx::Error> {
    connection.fetch_one("select cast(pg_backend_pid() as bigint) as session").await?.try_get("session")
}

//! Errors of the database.

use sqlx::migrate::MigrateError;

use crate::model::StoreError;

/// A database that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("must start with sqlite:// or postgres://")]
    BadUrl,
    #[error("cannot open the database: {0}")]
    Connect(#[source] sqlx::Error),
    #[error("cannot start the write thread: {0}")]
    Thread(#[source] std::io::Error),
    #[error("cannot migrate the database: {0}")]
    Migrate(#[source] MigrateError),
    #[error(
        "the connection to PostgreSQL goes through a pooler in transaction mode. Set it to session mode, or connect to PostgreSQL directly"
    )]
    Pooler,
    #[error("cannot read the newest ids: {0}")]
    Ids(#[source] StoreError),
    #[error("cannot convert statistics to the console's time zone: {0}")]
    Zone(#[source] StoreError),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
        let unique = error.as_database_error().is_some_and(|e| e.is_unique_violation());
        match &error {
            _ if unique => Self::Duplicate,
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Self::Unavailable(error.into()),
            // SQLite: full, busy, I/O error (extended codes end in 10). PostgreSQL: idle in transaction, and classes 53 (resources),
            // 57 (shutdown) and 08 (connection).
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

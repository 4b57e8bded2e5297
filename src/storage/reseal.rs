//! Re-encryption of all stored secrets with a new key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Connection, Executor};

use super::Engine;
use super::pools::ROTATION_LOCK;
use super::rows::Read;
use crate::model::StoreError;
use crate::sealing::{SealError, Sealer};

/// Rows per transaction.
const BATCH: i64 = 500;

/// Encoding of sealed values in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Bytes,
    Base64,
}

/// All columns with sealed values.
const SEALED: [(&str, &str, Form); 9] = [
    ("api_keys", "secret_sealed", Form::Bytes),
    ("callbacks", "secret_sealed", Form::Bytes),
    ("callbacks", "previous_secret_sealed", Form::Bytes),
    ("sources", "url_secret_sealed", Form::Bytes),
    ("sources", "signing_secret_sealed", Form::Bytes),
    ("users", "totp_sealed", Form::Bytes),
    ("users", "totp_pending_sealed", Form::Bytes),
    ("idempotent_requests", "answer", Form::Bytes),
    ("web_sessions", "data", Form::Base64),
];

/// A failed rotation. Secrets that were already sealed with the new key stay so; all remain readable.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    #[error("cannot open the database: {0}")]
    Connect(#[source] sqlx::Error),
    #[error("the database is in use by a console; stop all its processes first")]
    InUse,
    #[error("cannot re-encrypt {0}: {1}")]
    Store(String, #[source] StoreError),
    #[error("{0}: {1}")]
    Seal(String, #[source] SealError),
}

/// An exclusive connection for a rotation.
#[derive(Debug)]
pub struct Resealing {
    connection: AnyConnection,
    engine: Engine,
}

impl Resealing {
    /// Connects. On PostgreSQL, takes a lock that keeps the console from starting; with SQLite, the key file is locked.
    pub async fn open(url: &str) -> Result<Self, ResealError> {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(url).await.map_err(ResealError::Connect)?;
        let engine = if url.starts_with("sqlite:") { Engine::Sqlite } else { Engine::Postgres };
        match engine {
            Engine::Sqlite => {
                connection.execute("pragma busy_timeout = 10000").await.map_err(ResealError::Connect)?;
            }
            Engine::Postgres => {
                // The server may not have closed the session of a process that just ended.
                let sql = format!(
                    "set lock_timeout = '1s'; do $$ begin perform pg_advisory_lock({ROTATION_LOCK}); end $$; set lock_timeout = 0"
                );
                connection.execute(AssertSqlSafe(sql)).await.map_err(in_use)?;
            }
        }
        Ok(Self { connection, engine })
    }

    /// Seals all values with the first key of `sealer` and returns their number.
    pub async fn run(mut self, sealer: &Sealer) -> Result<u64, ResealError> {
        let mut sealed = 0;
        for (table, column, form) in SEALED {
            let name = format!("{table}.{column}");
            loop {
                match self.batch(table, column, form, sealer).await? {
                    0 => break,
                    n => sealed += n,
                }
            }
            tracing::debug!(column = name, "sealed again");
        }
        // Closing the connection releases the lock.
        self.connection.close().await.map_err(ResealError::Connect)?;
        Ok(sealed)
    }

    /// Seals a batch of values that another key sealed.
    async fn batch(&mut self, table: &str, column: &str, form: Form, sealer: &Sealer) -> Result<u64, ResealError> {
        let failed = |error: StoreError| ResealError::Store(format!("{table}.{column}"), error);
        let (address, at) = match self.engine {
            Engine::Sqlite => ("cast(rowid as text)", "rowid = cast($1 as integer)"),
            Engine::Postgres => ("cast(ctid as text)", "ctid = cast($1 as tid)"),
        };
        let begin = self.engine.begin_write();
        let mut tx = self.connection.begin_with(begin).await.map_err(|error| failed(error.into()))?;
        let header = form.header(sealer);
        let sql = format!(
            "select {address} as address, {column} as sealed from {table} \
             where {column} is not null and substr({column}, 1, {}) <> $1 limit {BATCH}{}",
            header.len(),
            self.engine.for_update()
        );
        let rows = header.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(&mut *tx).await;
        let rows = rows.map_err(|error| failed(error.into()))?;
        for row in &rows {
            let address: String = row.col("address").map_err(failed)?;
            let text = form.read(row).map_err(failed)?;
            let text =
                sealer.open_text(&text).map_err(|error| ResealError::Seal(format!("{table}.{column}"), error))?;
            let sql = format!("update {table} set {column} = $2 where {at}");
            let update = sqlx::query(AssertSqlSafe(sql)).bind(address);
            let update = form.write(sealer.seal(&text)).bind(update).execute(&mut *tx).await;
            update.map_err(|error| failed(error.into()))?;
        }
        tx.commit().await.map_err(|error| failed(error.into()))?;
        Ok(rows.len() as u64)
    }
}

/// Recognises a lock timeout (55P03).
fn in_use(error: sqlx::Error) -> ResealError {
    match error.as_database_error().and_then(|error| error.code()).as_deref() {
        Some("55P03") => ResealError::InUse,
        _ => ResealError::Connect(error),
    }
}

/// A sealed value as stored.
enum Stored {
    Bytes(Vec<u8>),
    Text(String),
}

impl Stored {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Text(text) => text.len(),
        }
    }

    fn bind<'q>(self, query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        match self {
            Self::Bytes(bytes) => query.bind(bytes),
            Self::Text(text) => query.bind(text),
        }
    }
}

impl Form {
    /// Returns the prefix of values sealed with the first key.
    fn header(self, sealer: &Sealer) -> Stored {
        self.write(sealer.header().to_vec())
    }

    fn write(self, sealed: Vec<u8>) -> Stored {
        match self {
            Self::Bytes => Stored::Bytes(sealed),
            Self::Base64 => Stored::Text(BASE64.encode(sealed)),
        }
    }

    fn read(self, row: &AnyRow) -> Result<Vec<u8>, StoreError> {
        match self {
            Self::Bytes => row.col("sealed"),
            Self::Base64 => BASE64.decode(row.col::<String>("sealed")?).map_err(StoreError::corrupt),
        }
    }
}

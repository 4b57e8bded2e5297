//! Online backups of SQLite.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::{OpenError, stats_file};

/// Copies the two databases into the folder `into`, each as a consistent snapshot. Writers and the copy do not block each other.
///
/// # Errors
/// `BadUrl`: `url` is not an SQLite URL. `Connect`: the file does not exist, or the copy fails.
pub async fn copy_sqlite(url: &str, data_dir: &Path, into: &Path) -> Result<(), OpenError> {
    if !url.starts_with("sqlite:") {
        return Err(OpenError::BadUrl);
    }
    let main = url.parse::<SqliteConnectOptions>().map_err(OpenError::Connect)?;
    let stats = SqliteConnectOptions::new().filename(stats_file(data_dir));
    for (options, name) in [(main, "callsheet.db"), (stats, "stats.db")] {
        copy(options, &into.join(name)).await.map_err(OpenError::Connect)?;
    }
    Ok(())
}

async fn copy(from: SqliteConnectOptions, to: &Path) -> Result<(), sqlx::Error> {
    let mut connection: SqliteConnection = from.create_if_missing(false).connect().await?;
    sqlx::query("vacuum into $1").bind(to.to_string_lossy().into_owned()).execute(&mut connection).await?;
    connection.close().await
}

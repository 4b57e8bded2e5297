//! A database for one test.

use sqlx::{AnyConnection, Connection, PgConnection};
use tempfile::TempDir;
use url::Url;

use super::install_tls_provider;

/// Where PostgreSQL is; set by `.ci/with-postgres.sh`.
const POSTGRES: &str = "CALLSHEET_TEST_POSTGRES_URL";

/// An empty database that nobody else uses.
pub(crate) struct Database {
    url: String,
    /// Where SQLite's file lies.
    _folder: Option<TempDir>,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        install_tls_provider();
        let folder = tempfile::tempdir().expect("folder");
        Self { url: format!("sqlite://{}", folder.path().join("callsheet.db").display()), _folder: Some(folder) }
    }

    /// Fails where there is no PostgreSQL: a test that did not run must not look like one that passed.
    pub(crate) async fn postgres() -> Self {
        install_tls_provider();
        let Ok(server) = std::env::var(POSTGRES) else {
            panic!("{POSTGRES} is not set. Run the tests as `.ci/with-postgres.sh cargo nextest run`.");
        };
        let name = format!("test_{:032x}", rand::random::<u128>());
        let mut connection = PgConnection::connect(&server).await.expect("PostgreSQL answers");
        let create = sqlx::AssertSqlSafe(format!("create database {name}"));
        sqlx::query(create).execute(&mut connection).await.expect("a new database");
        connection.close().await.expect("closed");
        let mut url = Url::parse(&server).expect("an address");
        url.set_path(&name);
        Self { url: url.into(), _folder: None }
    }

    /// One that is there.
    pub(crate) fn at(url: &str) -> Self {
        install_tls_provider();
        Self { url: url.to_owned(), _folder: None }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Runs a statement behind the console's back.
    pub(crate) async fn execute(&self, sql: &'static str) {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.url).await.expect("the database");
        sqlx::query(sql).execute(&mut connection).await.expect(sql);
        connection.close().await.expect("closed");
    }
}

//! Benchmarks of log imports, queries and pages, each compared with the minimum work on the same machine in the same run.
//!
//! `cargo bench -p callsheet-server --bench statistics -- SCENARIO…` runs the scenarios (all by default), which print JSON lines; `make bench`
//! stores them.
//!
//! - `import`: imports access logs of four formats into SQLite with [`Stats::import`](callsheet::stats::Stats::import). Compared with only
//!   finding line ends, only counting, and GoAccess (if installed) on the same file. `CALLSHEET_BENCH_LINES`: lines per file (4,000,000).
//! - `queries`: runs the queries of pages on a year of five-minute bins. Compared with reading the same rows by SQL. `CALLSHEET_BENCH_DOMAINS`:
//!   number of domains (100).
//! - `postgres`: the same on PostgreSQL with a tenth of the domains, if `CALLSHEET_TEST_POSTGRES_URL` is set.
//! - `pages`: time to first byte of pages on the same year at 200 requests per second, and the memory of the server process.

mod goaccess;
mod import;
mod logs;
#[path = "../delivery/machine.rs"]
mod machine;
mod pages;
mod queries;
mod year;

use std::path::Path;
use std::sync::Arc;

use callsheet::Console;
use callsheet::model::Clock;
use callsheet_server::config::{Config, Overrides};
use callsheet_server::startup::open_console;
use jiff::tz::TimeZone;

/// Errors are printed and end the run.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    sqlx::any::install_default_drivers();
    // Cargo adds the argument `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    if is_wanted("import") {
        import::run().await?;
    }
    let (queries, pages) = (is_wanted("queries"), is_wanted("pages"));
    if queries || pages {
        let dir = tempfile::tempdir()?;
        let year = year::fill_sqlite(dir.path(), number("CALLSHEET_BENCH_DOMAINS", 100)).await?;
        if queries {
            queries::run_sqlite(dir.path(), &year).await?;
        }
        if pages {
            pages::run(dir.path(), &year).await?;
        }
    }
    match std::env::var("CALLSHEET_TEST_POSTGRES_URL") {
        Ok(server) if is_wanted("postgres") => {
            queries::run_postgres(&server, number("CALLSHEET_BENCH_DOMAINS", 100) / 10).await
        }
        _ => Ok(()),
    }
}

/// Returns a setting from the environment.
pub(crate) fn number(name: &str, default: i64) -> i64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Opens the use cases on a database, in UTC.
pub(crate) async fn console(dir: &Path, database: &str, clock: Arc<dyn Clock>) -> Outcome<Console> {
    let mut config = Config::load(&Overrides::default())?;
    config.data_dir = dir.to_path_buf();
    config.database_url = database.to_owned();
    config.time_zone = TimeZone::UTC;
    Ok(open_console(&config, clock).await?)
}

/// Returns the URL of an SQLite database in `dir`.
pub(crate) fn sqlite(dir: &Path) -> String {
    format!("sqlite://{}", dir.join("callsheet.db").display())
}

//! How fast access logs become figures, and figures become pages, against the bare work of this machine in the same run.
//!
//! `cargo bench -p callsheet-server --bench statistics -- SCENARIO…` (all without a name); each prints JSON lines, `make bench` keeps them.
//!
//! - `import`: access logs of four formats through [`Stats::import`](callsheet::stats::Stats::import) into SQLite, each batch committed;
//!   beside it, on the same file, finding line ends alone, counting alone, and GoAccess where it is installed. Lines of a file:
//!   `CALLSHEET_BENCH_LINES` (4,000,000).
//! - `queries`: what pages ask of a year of five-minute points of many domains, through the use case, beside the bare read of the same rows.
//!   Domains: `CALLSHEET_BENCH_DOMAINS` (100).
//! - `postgres`: the same on PostgreSQL with a tenth of the domains, where `CALLSHEET_TEST_POSTGRES_URL` names one.
//! - `pages`: the first byte of pages over the same year from the console's own binary, at 200 requests a second, and its memory.

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

/// Errors are printed, and end the run.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    sqlx::any::install_default_drivers();
    // Cargo adds `--bench`.
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

/// A setting of the run.
pub(crate) fn number(name: &str, default: i64) -> i64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The use cases on a database, in UTC.
pub(crate) async fn console(dir: &Path, database: &str, clock: Arc<dyn Clock>) -> Outcome<Console> {
    let mut config = Config::load(&Overrides::default())?;
    config.data_dir = dir.to_path_buf();
    config.database_url = database.to_owned();
    config.time_zone = TimeZone::UTC;
    Ok(open_console(&config, clock).await?)
}

/// Of SQLite in `dir`.
pub(crate) fn sqlite(dir: &Path) -> String {
    format!("sqlite://{}", dir.join("callsheet.db").display())
}

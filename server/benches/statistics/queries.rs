//! Runs the queries of pages on a year of usage.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use callsheet::Console;
use callsheet::model::{Actor, SystemClock};
use callsheet::stats::{BIN_S, Metric, TimeRange, UsageQuery};
use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};
use url::Url;

use crate::machine::{describe, fsyncs, quantile};
use crate::year::{DAY, Year, fill_postgres, host};
use crate::{Outcome, console, sqlite};

/// Number of queries per kind.
const QUERIES: i64 = 200;

pub(crate) async fn run_sqlite(dir: &Path, year: &Year) -> Outcome<()> {
    let console = console(dir, &sqlite(dir), Arc::new(SystemClock)).await?;
    let db = format!("sqlite://{}", dir.join("stats.db").display());
    measure("sqlite", &console, &db, year, fsyncs(dir)?).await?;
    console.close().await;
    Ok(())
}

pub(crate) async fn run_postgres(server: &str, domains: i64) -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let mut db = AnyConnection::connect(server).await?;
    sqlx::query("create database year").execute(&mut db).await?;
    let mut url = Url::parse(server)?;
    url.set_path("year");
    let year = fill_postgres(dir.path(), url.as_str(), domains).await?;
    let console = console(dir.path(), url.as_str(), Arc::new(SystemClock)).await?;
    measure("postgres", &console, url.as_str(), &year, fsyncs(dir.path())?).await?;
    console.close().await;
    sqlx::query("drop database year").execute(&mut db).await?;
    Ok(())
}

/// Number of selected domains.
#[derive(Clone, Copy)]
enum Selection {
    One,
    Ten,
    All,
}

impl Selection {
    /// Returns the domains of a query, which differ between queries.
    fn domains(self, year: &Year, query: i64) -> Vec<i64> {
        let nth = |n: i64| 1 + (query * 7_919 + n * 104_729) % year.domains;
        let mut selected: Vec<i64> = match self {
            Self::One => vec![nth(0)],
            Self::Ten => (0..10).map(nth).collect(),
            Self::All => Vec::new(),
        };
        selected.sort_unstable();
        selected.dedup();
        selected
    }
}

async fn measure(engine: &str, console: &Console, url: &str, year: &Year, syncs: f64) -> Outcome<()> {
    let mut bare = AnyConnection::connect(url).await?;
    for (name, selection, days) in [
        ("one domain, 30 days", Selection::One, 30),
        ("all domains, 30 days", Selection::All, 30),
        ("ten domains, 30 days", Selection::Ten, 30),
        ("one domain, 1 day", Selection::One, 1),
        ("one domain, 1 year by day", Selection::One, 365),
        ("all domains, 1 year by day", Selection::All, 365),
    ] {
        let (mut took, mut floor) = (Vec::new(), Vec::new());
        for query in 0..QUERIES {
            let domains = selection.domains(year, query);
            let to = year.to / DAY * DAY - (query * 31 % (366 - days)) * DAY;
            let range = TimeRange { from: to - days * DAY, to };
            let started = Instant::now();
            let read = read_bare(&mut bare, &domains, range, days > 31).await?;
            floor.push(micros(started));
            let names = domains.iter().map(|domain| host(*domain)).collect();
            let ask =
                UsageQuery { metric: Metric::Bandwidth, domains: names, range, granularity: None, compare: false };
            let started = Instant::now();
            let view = console.stats.usage(&Actor::cli(), ask).await?;
            took.push(micros(started));
            if view.cards.traffic.now != read {
                return Err(format!("{name}: {} instead of {read} bytes", view.cards.traffic.now).into());
            }
            if query == 0 && !domains.is_empty() {
                let p95 = p95(year, &domains, range) * 8 / BIN_S;
                if view.cards.p95.map_or(0, |p95| p95.now) != p95 {
                    return Err(
                        format!("{name}: {} instead of {p95} bps", view.cards.p95.map_or(0, |p95| p95.now)).into()
                    );
                }
            }
        }
        took.sort_unstable();
        floor.sort_unstable();
        let ms = |sorted: &[u64], share| quantile(sorted, share) as f64 / 1000.0;
        println!(
            "{}",
            json!({
                "bench": "queries", "engine": engine, "domains": year.domains, "points": year.domains * year.bins(), "query": name,
                "p50Ms": ms(&took, 0.5), "p99Ms": ms(&took, 0.99), "floorP50Ms": ms(&floor, 0.5), "floorP99Ms": ms(&floor, 0.99),
                "machine": describe(syncs),
            })
        );
    }
    Ok(bare.close().await?)
}

/// Reads the bytes of a range from its bins or days. No domains: of domain 0, the sum of all.
async fn read_bare(db: &mut AnyConnection, domains: &[i64], range: TimeRange, days: bool) -> Outcome<i64> {
    let table = if days { "usage_1d" } else { "usage_5m" };
    let mut sum = 0;
    for domain in if domains.is_empty() { &[0] } else { domains } {
        let TimeRange { from, to } = range;
        let sql = format!(
            "select cast(sum(bytes) as bigint) as bytes, max(bytes) as peak from {table} where domain_id = {domain} and at >= {from} and at < {to}"
        );
        sum += sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut *db).await?.try_get::<i64, _>("bytes")?;
    }
    Ok(sum)
}

/// Computes the 95th percentile: the highest bin after dropping the highest 5 %.
fn p95(year: &Year, domains: &[i64], range: TimeRange) -> i64 {
    let starts = (range.from..range.to).step_by(300);
    let mut bins: Vec<i64> = starts.map(|at| domains.iter().map(|domain| year.bytes(*domain, at)).sum()).collect();
    bins.sort_unstable();
    bins[bins.len() - 1 - bins.len() / 20]
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

//! Fills a year of five-minute bins of many domains, directly by SQL, because only reading is measured.
//!
//! Figures are computed by the same formula in SQL and here, so that answers can be checked.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use callsheet::domains::NewDomain;
use callsheet::model::{Actor, Clock, SystemClock};
use callsheet::stats::{BIN_S, bin_start};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};

use crate::{Outcome, console, sqlite};

pub(crate) const DAY: i64 = 86_400;
const COLUMNS: &str = "domain_id, at, bytes, requests, hits, s2xx, s3xx, s4xx, s5xx";

/// The data: domains 1 to `domains`, bins from `from` until before `to` (Unix seconds).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Year {
    pub(crate) domains: i64,
    pub(crate) from: i64,
    pub(crate) to: i64,
}

pub(crate) fn host(domain: i64) -> String {
    format!("d{domain:05}.example.com")
}

/// Returns bytes and requests of a domain in bin `n` of the year: a daily rhythm with noise.
const fn figures(domain: i64, n: i64) -> (i64, i64) {
    let noise = (n * 7919 + domain * 104_729) % 10_007;
    ((1 + domain % 97) * ((n % 288 - 144).abs() * 40_000 + noise * 1_000 + 1_000_000), 1 + noise % 500)
}

impl Year {
    fn ending_now(domains: i64) -> Self {
        let to = bin_start(SystemClock.now() / 1000);
        Self { domains, from: to / DAY * DAY - 365 * DAY, to }
    }

    pub(crate) fn bins(&self) -> i64 {
        (self.to - self.from) / BIN_S
    }

    /// Returns the bytes of a domain in the bin that starts at `at`.
    pub(crate) fn bytes(&self, domain: i64, at: i64) -> i64 {
        if (self.from..self.to).contains(&at) { figures(domain, (at - self.from) / BIN_S).0 } else { 0 }
    }
}

/// Fills `callsheet.db` with domains, and `stats.db` with a year of usage.
pub(crate) async fn fill_sqlite(dir: &Path, domains: i64) -> Outcome<Year> {
    prepare(dir, &sqlite(dir), domains).await?;
    let mut db = AnyConnection::connect(&format!("sqlite://{}", dir.join("stats.db").display())).await?;
    // The data need not survive a crash.
    run(&mut db, "pragma journal_mode = off").await?;
    run(&mut db, "pragma synchronous = off").await?;
    let year = fill(&mut db, domains).await?;
    db.close().await?;
    Ok(year)
}

/// Fills a PostgreSQL database in the same way.
pub(crate) async fn fill_postgres(dir: &Path, url: &str, domains: i64) -> Outcome<Year> {
    prepare(dir, url, domains).await?;
    let mut db = AnyConnection::connect(url).await?;
    let year = fill(&mut db, domains).await?;
    run(&mut db, "vacuum analyze").await?;
    db.close().await?;
    Ok(year)
}

/// Creates the tables, and a push domain for each play domain.
async fn prepare(dir: &Path, url: &str, domains: i64) -> Outcome<()> {
    let console = console(dir, url, Arc::new(SystemClock)).await?;
    for domain in 1..=domains {
        add_group(&console, domain).await?;
    }
    console.close().await;
    Ok(())
}

pub(crate) async fn add_group(console: &callsheet::Console, domain: i64) -> Outcome<()> {
    let new = NewDomain::parse(&format!("push{domain}.example.com"), &[&host(domain)]).map_err(|e| e.to_string())?;
    console.domains.create(&Actor::cli(), new).await?;
    Ok(())
}

async fn run(db: &mut AnyConnection, sql: &str) -> Outcome<()> {
    sqlx::query(AssertSqlSafe(sql)).execute(db).await?;
    Ok(())
}

async fn fill(db: &mut AnyConnection, domains: i64) -> Outcome<Year> {
    let started = Instant::now();
    let year = Year::ending_now(domains);
    let (from, bins) = (year.from, year.bins());
    let rows = all(&year);
    let hours = rolled(&rows, 3_600);
    let days = rolled(&rows, DAY);
    run(db, "begin").await?;
    for (table, rows) in [("usage_5m", &rows), ("usage_1h", &hours), ("usage_1d", &days)] {
        for some in rows.chunks(1_000) {
            let values: Vec<String> = some.iter().map(|row| literal(row, table != "usage_5m")).collect();
            run(db, &format!("insert into {table} values {}", values.join(","))).await?;
        }
    }
    run(db, "commit").await?;
    for domain in 1..=domains {
        run(db, "begin").await?;
        run(db, &format!("insert into stats_domains (name) values ('{}')", host(domain))).await?;
        run(
            db,
            &format!(
                "insert into usage_5m ({COLUMNS}) with recursive n (n) as (select 0 union all select n + 1 from n where n < {bins} - 1) \
                 select {domain}, {from} + n * {BIN_S}, \
                 {} * (abs(n % 288 - 144) * 40000 + noise * 1000 + 1000000), 1 + noise % 500, noise % 500, 1 + noise % 490, 0, noise % 10, 0 \
                 from (select n, (cast(n as bigint) * 7919 + {domain} * 104729) % 10007 as noise from n) as n",
                1 + domain % 97
            ),
        )
        .await?;
        for (table, length) in [("usage_1h", 3_600), ("usage_1d", DAY)] {
            // Combines the highest bytes and the earliest start in one number.
            run(
                db,
                &format!(
                    "insert into {table} ({COLUMNS}, peak, peak_at) select {domain}, start, bytes, requests, hits, s2xx, s3xx, s4xx, s5xx, \
                     highest / 4294967296, 4294967295 - highest % 4294967296 from (select at - at % {length} as start, sum(bytes) as bytes, \
                     sum(requests) as requests, sum(hits) as hits, sum(s2xx) as s2xx, sum(s3xx) as s3xx, sum(s4xx) as s4xx, sum(s5xx) as s5xx, \
                     max(bytes * 4294967296 + 4294967295 - at) as highest from usage_5m where domain_id = {domain} group by at - at % {length}) as h"
                ),
            )
            .await?;
        }
        run(db, "commit").await?;
    }
    run(
        db,
        &format!(
            "insert into inventory with recursive d (d) as (select 0 union all select d + 1 from d where d < {domains}), \
             n (n) as (select 0 union all select n + 1 from n where n < 364) \
             select d, {from} + n * {DAY} + 3600, cast(1 + d as bigint) * 1000000000 + n * 1000000, 100 + n from d cross join n where true"
        ),
    )
    .await?;
    eprintln!("{domains} domains, {} points each, in {} s", bins, started.elapsed().as_secs());
    Ok(year)
}

/// Start, bytes, requests, bytes and start of the highest bin.
type Row = [i64; 5];

/// Returns the sum of all domains.
fn all(year: &Year) -> Vec<Row> {
    (0..year.bins())
        .map(|n| {
            let (bytes, requests) = (1..=year.domains)
                .map(|domain| figures(domain, n))
                .fold((0, 0), |sum, figures| (sum.0 + figures.0, sum.1 + figures.1));
            let at = year.from + n * BIN_S;
            [at, bytes, requests, bytes, at]
        })
        .collect()
}

fn rolled(bins: &[Row], length: i64) -> Vec<Row> {
    let of = |rows: &[Row]| {
        let highest = rows.iter().max_by_key(|row| (row[1], -row[0])).copied().unwrap_or_default();
        let sum = |column: usize| rows.iter().map(|row| row[column]).sum();
        [rows[0][0] / length * length, sum(1), sum(2), highest[1], highest[0]]
    };
    bins.chunk_by(|a, b| a[0] / length == b[0] / length).map(of).collect()
}

fn literal([at, bytes, requests, peak, peak_at]: &Row, has_peak: bool) -> String {
    let peak = if has_peak { format!(",{peak},{peak_at}") } else { String::new() };
    format!("(0,{at},{bytes},{requests},{requests},{requests},0,0,0{peak})")
}

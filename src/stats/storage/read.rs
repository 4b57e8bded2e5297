//! Queries on usage.

use sqlx::AssertSqlSafe;

use super::{ALL, StatsDb, name_condition, within};
use crate::model::StoreError;
use crate::stats::calendar::TableRange;
use crate::stats::{BIN_S, BinTotals, DomainSelection, DomainSums, Granularity, NameFilter, TimeRange};
use crate::storage::rows::{Read, Value, Values};

/// Returns the table for a granularity, and its expressions for the peak and the start of the peak.
const fn table(rows: Granularity) -> (&'static str, &'static str, &'static str) {
    match rows {
        Granularity::Minutes => ("usage_5m", "u.bytes", "u.at"),
        Granularity::Hour => ("usage_1h", "u.peak", "u.peak_at"),
        Granularity::Day => ("usage_1d", "u.peak", "u.peak_at"),
    }
}

/// Returns an SQL expression for the id of a domain, or of the sum of all domains.
fn domain_id(domain: Option<&str>, values: &mut Values) -> String {
    match domain {
        None => ALL.to_string(),
        Some(name) => {
            format!("(select id from stats_domains where name = {})", values.place(Value::Text(name.to_owned())))
        }
    }
}

/// Columns `at`, `bytes`, `peak` and `peak_at`.
type Row = (i64, i64, i64, i64);

fn bin_totals((at, bytes, peak, peak_at): Row) -> BinTotals {
    BinTotals { at, bytes, peak, peak_at }
}

impl StatsDb {
    /// Returns the rows of a domain, or of the sum of all domains, in any order.
    pub(crate) async fn usage(&self, domain: Option<&str>, spans: &[TableRange]) -> Result<Vec<BinTotals>, StoreError> {
        if spans.is_empty() {
            return Ok(Vec::new());
        }
        let mut values = Values::default();
        let id = domain_id(domain, &mut values);
        let mut parts = Vec::with_capacity(spans.len());
        for span in spans {
            let (table, peak, peak_at) = table(span.rows);
            parts.push(format!(
                "select u.at, u.bytes, {peak} as peak, {peak_at} as peak_at from {table} as u \
                 where u.domain_id = {id} and {}",
                within("u.at", span.range, &mut values)
            ));
        }
        let from = format!("from ({}) as u", parts.join(" union all "));
        let rows: Vec<Row> = self.packed("at, bytes, peak, peak_at", &from, &values).await?;
        Ok(rows.into_iter().map(bin_totals).collect())
    }

    /// Returns the sums of several domains by five-minute bin, in order of time, without empty bins.
    pub(crate) async fn summed_bins(&self, domains: &[String], range: TimeRange) -> Result<Vec<BinTotals>, StoreError> {
        let mut values = Values::default();
        let sql = format!(
            "select {} as at, {} as bytes from stats_domains as d cross join usage_5m as u \
             where {} and u.domain_id = d.id and {}",
            self.engine.list("u.at"),
            self.engine.list("u.bytes"),
            name_condition("d.name", NameFilter::OneOf(domains), &mut values),
            within("u.at", range, &mut values)
        );
        let row = values.bind(sqlx::query(AssertSqlSafe(sql))).fetch_one(&self.read).await?;
        let (starts, bytes) = (row.packed::<i64>("at")?, row.packed::<i64>("bytes")?);
        let mut sums = vec![0; usize::try_from(range.bins()).unwrap_or(0)];
        for (at, bytes) in starts.into_iter().zip(bytes) {
            let place = usize::try_from((at - range.from) / BIN_S).ok().and_then(|place| sums.get_mut(place));
            *place.ok_or_else(|| StoreError::corrupt(at.to_string()))? += bytes;
        }
        let bins = (0..).map(|place| range.from + place * BIN_S).zip(sums).filter(|(_, bytes)| *bytes > 0);
        Ok(bins.map(|(at, bytes)| BinTotals { at, bytes, peak: bytes, peak_at: at }).collect())
    }

    /// Returns the bytes of the five-minute bins of a domain, or of the sum of all domains, in any order, without empty bins.
    pub(crate) async fn bin_bytes(&self, domain: Option<&str>, range: TimeRange) -> Result<Vec<i64>, StoreError> {
        let mut values = Values::default();
        let id = domain_id(domain, &mut values);
        let sql = format!(
            "select {} as bytes from usage_5m where domain_id = {id} and {}",
            self.engine.list("bytes"),
            within("at", range, &mut values)
        );
        values.bind(sqlx::query(AssertSqlSafe(sql))).fetch_one(&self.read).await?.packed("bytes")
    }

    /// Returns the domains with the most traffic, in descending order.
    pub(crate) async fn top_domains(
        &self,
        selection: &DomainSelection,
        spans: &[TableRange],
        limit: i64,
    ) -> Result<Vec<DomainSums>, StoreError> {
        if *selection != DomainSelection::All {
            return self.read_top_domains(selection, spans, limit).await;
        }
        // The version is read first, so that the cached domains are at least as new as their key.
        let sql = "select version from stats_state where id = 1";
        let version = sqlx::query(sql).fetch_one(&self.read).await?.col("version")?;
        let key = (version, spans.to_vec(), limit);
        if let Some(domains) = self.top_domains.get(&key) {
            return Ok(domains.to_vec());
        }
        let domains = self.read_top_domains(selection, spans, limit).await?;
        self.top_domains.insert(key, domains.as_slice().into());
        Ok(domains)
    }

    async fn read_top_domains(
        &self,
        selection: &DomainSelection,
        spans: &[TableRange],
        limit: i64,
    ) -> Result<Vec<DomainSums>, StoreError> {
        if spans.is_empty() {
            return Ok(Vec::new());
        }
        let mut values = Values::default();
        let only = match selection {
            DomainSelection::All => String::new(),
            DomainSelection::Only(names) => {
                format!("{} and ", name_condition("d.name", NameFilter::OneOf(names), &mut values))
            }
        };
        let mut parts = Vec::with_capacity(spans.len());
        for span in spans {
            let (table, peak, _) = table(span.rows);
            // With a cross join, SQLite reads only the rows of each domain within the range.
            parts.push(format!(
                "select d.name as name, sum(u.bytes) as bytes, sum(u.requests) as requests, max({peak}) as peak \
                 from stats_domains as d cross join {table} as u where {only}u.domain_id = d.id and {} group by d.id, d.name",
                within("u.at", span.range, &mut values)
            ));
        }
        let from = format!(
            "from (select name, cast(sum(bytes) as bigint) as bytes, cast(sum(requests) as bigint) as requests, \
             max(peak) as peak from ({}) as s group by name order by bytes desc, name limit {}) as s",
            parts.join(" union all "),
            values.place(Value::Int(limit))
        );
        let rows: Vec<(String, i64, i64, i64)> = self.packed("name, bytes, requests, peak", &from, &values).await?;
        Ok(rows
            .into_iter()
            .map(|(domain, bytes, requests, peak)| DomainSums { domain, bytes, requests, peak })
            .collect())
    }

    /// Returns the start of the first day with usage.
    pub(crate) async fn first_day(&self) -> Result<Option<i64>, StoreError> {
        let sql = "select min(at) as first from usage_1d where domain_id = 0";
        sqlx::query(sql).fetch_one(&self.read).await?.col("first")
    }

    /// Returns the start of the last five-minute bin with usage.
    pub(crate) async fn last_bin(&self) -> Result<Option<i64>, StoreError> {
        let sql = "select max(at) as last from usage_5m where domain_id = 0";
        sqlx::query(sql).fetch_one(&self.read).await?.col("last")
    }
}

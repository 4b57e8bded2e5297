//! Reading usage.

use sqlx::AssertSqlSafe;

use super::{ALL, StatsDb, named, within};
use crate::model::StoreError;
use crate::stats::calendar::{POINT, Span, points_in};
use crate::stats::{Chosen, Counted, DomainSums, Granularity, Names, Slot};
use crate::storage::rows::{Read, Value, Values};

/// The table of rows of one length, and how their peaks are read.
const fn table(rows: Granularity) -> (&'static str, &'static str, &'static str) {
    match rows {
        Granularity::Minutes => ("usage_5m", "u.bytes", "u.at"),
        Granularity::Hour => ("usage_1h", "u.peak", "u.peak_at"),
        Granularity::Day => ("usage_1d", "u.peak", "u.peak_at"),
    }
}

/// The number of a domain, or of all.
fn number(domain: Option<&str>, values: &mut Values) -> String {
    match domain {
        None => ALL.to_string(),
        Some(name) => {
            format!("(select id from stats_domains where name = {})", values.place(Value::Text(name.to_owned())))
        }
    }
}

/// at, bytes, peak, peak_at.
type Row = (i64, i64, i64, i64);

fn counted((at, bytes, peak, peak_at): Row) -> Counted {
    Counted { at, bytes, peak, peak_at }
}

impl StatsDb {
    /// The rows of all domains or of one; in no order.
    pub(crate) async fn usage(&self, domain: Option<&str>, spans: &[Span]) -> Result<Vec<Counted>, StoreError> {
        if spans.is_empty() {
            return Ok(Vec::new());
        }
        let mut values = Values::default();
        let number = number(domain, &mut values);
        let mut parts = Vec::with_capacity(spans.len());
        for span in spans {
            let (table, peak, peak_at) = table(span.rows);
            parts.push(format!(
                "select u.at, u.bytes, {peak} as peak, {peak_at} as peak_at from {table} as u \
                 where u.domain_id = {number} and {}",
                within("u.at", span.slot, &mut values)
            ));
        }
        let from = format!("from ({}) as u", parts.join(" union all "));
        let rows: Vec<Row> = self.packed("at, bytes, peak, peak_at", &from, &values).await?;
        Ok(rows.into_iter().map(counted).collect())
    }

    /// The five-minute points of several domains together, in order.
    pub(crate) async fn summed_points(&self, domains: &[String], slot: Slot) -> Result<Vec<Counted>, StoreError> {
        let mut values = Values::default();
        let sql = format!(
            "select {} as at, {} as bytes from stats_domains as d cross join usage_5m as u \
             where {} and u.domain_id = d.id and {}",
            self.engine.list("u.at"),
            self.engine.list("u.bytes"),
            named("d.name", Names::Among(domains), &mut values),
            within("u.at", slot, &mut values)
        );
        let row = values.bind(sqlx::query(AssertSqlSafe(sql))).fetch_one(&self.read).await?;
        let (starts, bytes) = (row.packed::<i64>("at")?, row.packed::<i64>("bytes")?);
        let mut sums = vec![0; usize::try_from(points_in(slot)).unwrap_or(0)];
        for (at, bytes) in starts.into_iter().zip(bytes) {
            let place = usize::try_from((at - slot.from) / POINT).ok().and_then(|place| sums.get_mut(place));
            *place.ok_or_else(|| StoreError::corrupt(at.to_string()))? += bytes;
        }
        let points = (0..).map(|place| slot.from + place * POINT).zip(sums).filter(|(_, bytes)| *bytes > 0);
        Ok(points.map(|(at, bytes)| Counted { at, bytes, peak: bytes, peak_at: at }).collect())
    }

    /// The bytes of five-minute points of all domains or of one; in no order, empty ones left out.
    pub(crate) async fn point_bytes(&self, domain: Option<&str>, slot: Slot) -> Result<Vec<i64>, StoreError> {
        let mut values = Values::default();
        let number = number(domain, &mut values);
        let sql = format!(
            "select {} as bytes from usage_5m where domain_id = {number} and {}",
            self.engine.list("bytes"),
            within("at", slot, &mut values)
        );
        values.bind(sqlx::query(AssertSqlSafe(sql))).fetch_one(&self.read).await?.packed("bytes")
    }

    /// The domains with the most bytes, the most first.
    pub(crate) async fn top_domains(
        &self,
        chosen: &Chosen,
        spans: &[Span],
        limit: i64,
    ) -> Result<Vec<DomainSums>, StoreError> {
        if *chosen != Chosen::All {
            return self.read_highest(chosen, spans, limit).await;
        }
        let sql = "select version from stats_state where id = 1";
        let version = sqlx::query(sql).fetch_one(&self.read).await?.col("version")?;
        if let Some(known) = self.busiest.get(version, spans, limit) {
            return Ok(known);
        }
        let found = self.read_highest(chosen, spans, limit).await?;
        self.busiest.put(version, spans, limit, &found);
        Ok(found)
    }

    async fn read_highest(&self, chosen: &Chosen, spans: &[Span], limit: i64) -> Result<Vec<DomainSums>, StoreError> {
        if spans.is_empty() {
            return Ok(Vec::new());
        }
        let mut values = Values::default();
        let only = match chosen {
            Chosen::All => String::new(),
            Chosen::Only(names) => format!("{} and ", named("d.name", Names::Among(names), &mut values)),
        };
        let mut parts = Vec::with_capacity(spans.len());
        for span in spans {
            let (table, peak, _) = table(span.rows);
            // A cross join, so that SQLite looks up each domain's stretch of the table and reads no other.
            parts.push(format!(
                "select d.name as name, sum(u.bytes) as bytes, sum(u.requests) as requests, max({peak}) as peak \
                 from stats_domains as d cross join {table} as u where {only}u.domain_id = d.id and {} group by d.id, d.name",
                within("u.at", span.slot, &mut values)
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

    /// The start of the first day with usage.
    pub(crate) async fn first_day(&self) -> Result<Option<i64>, StoreError> {
        let sql = "select min(at) as first from usage_1d where domain_id = 0";
        sqlx::query(sql).fetch_one(&self.read).await?.col("first")
    }

    /// When the first known task finished.
    /// The start of the last five-minute point that is counted (Unix seconds).
    pub(crate) async fn last_point(&self) -> Result<Option<i64>, StoreError> {
        let sql = "select max(at) as last from usage_5m where domain_id = 0";
        sqlx::query(sql).fetch_one(&self.read).await?.col("last")
    }
}

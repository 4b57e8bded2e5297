//! Adding to points, hours and days.

use std::collections::BTreeMap;

use sqlx::AnyConnection;

use super::{ALL, StatsDb};
use crate::model::StoreError;
use crate::stats::calendar::Days;
use crate::stats::{Sums, UsageRow};
use crate::storage::batch::Rows;
use crate::storage::rows::Read;

/// A domain's number and the start of a point, an hour or a day: the key of the tables.
type Key = (i64, i64);

/// The columns of `usage_5m`; hours and days have a peak besides.
const POINT_COLUMNS: [&str; 9] = ["domain_id", "at", "bytes", "requests", "hits", "s2xx", "s3xx", "s4xx", "s5xx"];
const ROLLED_COLUMNS: [&str; 11] =
    ["domain_id", "at", "bytes", "requests", "hits", "s2xx", "s3xx", "s4xx", "s5xx", "peak", "peak_at"];

/// Rows that are made ready for statements at once: they take five times the memory of what they hold.
const AT_ONCE: usize = 4_096;

/// What is added to an hour or a day.
struct Rolled {
    sums: Sums,
    peak: i64,
    peak_at: i64,
}

/// What is added to hours or to days.
type RollUp = BTreeMap<Key, Rolled>;

impl StatsDb {
    pub(crate) async fn add_sums(&self, connection: &mut AnyConnection, rows: &[UsageRow]) -> Result<(), StoreError> {
        let numbers = self.numbers(connection, rows.iter().map(|row| &*row.domain)).await?;
        let mut added: BTreeMap<Key, Sums> = BTreeMap::new();
        for UsageRow { domain, at, sums } in rows {
            let number = *numbers.get(&**domain).ok_or_else(|| StoreError::corrupt(domain))?;
            *added.entry((number, *at)).or_default() += *sums;
            *added.entry((ALL, *at)).or_default() += *sums;
        }
        let (hours, days) = self.roll_up(&added, self.add_points(connection, &added).await?)?;
        self.add_rolled(connection, "usage_1h", &hours).await?;
        self.add_rolled(connection, "usage_1d", &days).await
    }

    /// Answers with the bytes that these points have now.
    async fn add_points(
        &self,
        connection: &mut AnyConnection,
        added: &BTreeMap<Key, Sums>,
    ) -> Result<Vec<(Key, i64)>, StoreError> {
        let ending =
            format!(" on conflict (domain_id, at) do update set {} returning domain_id, at, bytes", adding("usage_5m"));
        let mut points = Vec::with_capacity(added.len());
        for some in added.iter().collect::<Vec<_>>().chunks(AT_ONCE) {
            let mut rows = Rows::new(POINT_COLUMNS, some.len());
            for ((number, at), sums) in some {
                let Sums { bytes, requests, hits, s2xx, s3xx, s4xx, s5xx } = **sums;
                rows.push([*number, *at, bytes, requests, hits, s2xx, s3xx, s4xx, s5xx].map(Into::into));
            }
            for row in rows.insert(self.engine, connection, "usage_5m", &ending).await? {
                points.push(((row.col("domain_id")?, row.col("at")?), row.col("bytes")?));
            }
        }
        Ok(points)
    }

    /// What comes to hours and days. Points only grow, so the highest of the touched ones is enough to know the peak.
    fn roll_up(&self, added: &BTreeMap<Key, Sums>, points: Vec<(Key, i64)>) -> Result<(RollUp, RollUp), StoreError> {
        let (mut hours, mut days) = (RollUp::new(), RollUp::new());
        let mut calendar = Days::new(&self.calendar);
        for (key, bytes) in points {
            let (number, at) = key;
            let sums = *added.get(&key).ok_or_else(|| StoreError::corrupt("a point that was not added"))?;
            for (rolled, start) in [(&mut hours, calendar.hour(at).from), (&mut days, calendar.day(at).from)] {
                let row =
                    rolled.entry((number, start)).or_insert(Rolled { sums: Sums::default(), peak: bytes, peak_at: at });
                row.sums += sums;
                if (bytes, row.peak_at) > (row.peak, at) {
                    (row.peak, row.peak_at) = (bytes, at);
                }
            }
        }
        Ok((hours, days))
    }

    async fn add_rolled(&self, connection: &mut AnyConnection, table: &str, added: &RollUp) -> Result<(), StoreError> {
        let ending = on_conflict_add(table);
        for some in added.iter().collect::<Vec<_>>().chunks(AT_ONCE) {
            let mut rows = Rows::new(ROLLED_COLUMNS, some.len());
            for ((number, at), Rolled { sums, peak, peak_at }) in some {
                let Sums { bytes, requests, hits, s2xx, s3xx, s4xx, s5xx } = *sums;
                let row = [*number, *at, bytes, requests, hits, s2xx, s3xx, s4xx, s5xx, *peak, *peak_at];
                rows.push(row.map(Into::into));
            }
            rows.insert(self.engine, connection, table, &ending).await?;
        }
        Ok(())
    }
}

/// Adds the new row's sums to those of the one that is there.
fn adding(table: &str) -> String {
    POINT_COLUMNS[2..].iter().map(|c| format!("{c} = {table}.{c} + excluded.{c}")).collect::<Vec<_>>().join(", ")
}

/// The ending of an insert into hours or days: sums are added, the higher peak stays, of equal ones the first.
pub(crate) fn on_conflict_add(table: &str) -> String {
    let higher = format!(
        "excluded.peak > {table}.peak or (excluded.peak = {table}.peak and excluded.peak_at < {table}.peak_at)"
    );
    format!(
        " on conflict (domain_id, at) do update set {}, \
         peak = case when {higher} then excluded.peak else {table}.peak end, \
         peak_at = case when {higher} then excluded.peak_at else {table}.peak_at end",
        adding(table)
    )
}

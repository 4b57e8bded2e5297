//! Adds usage to bins, hours and days.

use std::collections::BTreeMap;

use sqlx::AnyConnection;

use super::{ALL, StatsDb};
use crate::model::StoreError;
use crate::stats::calendar::CalendarCache;
use crate::stats::{ImportStep, Sums, UsageRow};
use crate::storage::batch::Rows;
use crate::storage::rows::Read;

/// Primary key of the usage tables: the id of a domain and the start of a bin, an hour or a day.
type Key = (i64, i64);

/// Columns of `usage_5m`. Hours and days also have a peak.
const BIN_COLUMNS: [&str; 9] = ["domain_id", "at", "bytes", "requests", "hits", "s2xx", "s3xx", "s4xx", "s5xx"];
const ROLLUP_COLUMNS: [&str; 11] =
    ["domain_id", "at", "bytes", "requests", "hits", "s2xx", "s3xx", "s4xx", "s5xx", "peak", "peak_at"];

/// Number of rows per statement. Limits memory, because prepared rows take five times the memory of their values.
const ROWS_PER_STATEMENT: usize = 4_096;

/// The amount to add to an hour or a day.
struct RollUpRow {
    sums: Sums,
    peak: i64,
    peak_at: i64,
}

/// The amounts to add to hours or to days.
type RollUp = BTreeMap<Key, RollUpRow>;

impl StatsDb {
    /// Adds sums to bins, hours and days, and advances the import. Returns the id of the import. `rows` may contain a bin several times.
    ///
    /// # Errors
    /// `Duplicate`: another process has advanced the import; nothing was added.
    pub(crate) async fn add_usage(
        &self,
        rows: &[UsageRow],
        step: Option<&ImportStep>,
    ) -> Result<Option<i64>, StoreError> {
        let mut tx = self.begin().await?;
        self.lock_for_change(&mut tx).await?;
        let bytes = rows.iter().map(|row| row.sums.bytes).sum();
        let import = match step {
            Some(step) => Some(self.advance_import(&mut tx, step, bytes).await?),
            None => None,
        };
        self.add_sums(&mut tx, rows).await?;
        tx.commit().await?;
        Ok(import)
    }

    async fn add_sums(&self, connection: &mut AnyConnection, rows: &[UsageRow]) -> Result<(), StoreError> {
        let ids = self.domain_ids(connection, rows.iter().map(|row| &*row.domain)).await?;
        let mut added: BTreeMap<Key, Sums> = BTreeMap::new();
        for UsageRow { domain, at, sums } in rows {
            let id = *ids.get(&**domain).ok_or_else(|| StoreError::corrupt(domain))?;
            *added.entry((id, *at)).or_default() += *sums;
            *added.entry((ALL, *at)).or_default() += *sums;
        }
        let (hours, days) = self.roll_up(&added, self.add_bins(connection, &added).await?)?;
        self.add_rollups(connection, "usage_1h", &hours).await?;
        self.add_rollups(connection, "usage_1d", &days).await
    }

    /// Adds to bins. Returns their new totals of bytes.
    async fn add_bins(
        &self,
        connection: &mut AnyConnection,
        added: &BTreeMap<Key, Sums>,
    ) -> Result<Vec<(Key, i64)>, StoreError> {
        let ending =
            format!(" on conflict (domain_id, at) do update set {} returning domain_id, at, bytes", adding("usage_5m"));
        let mut bins = Vec::with_capacity(added.len());
        for chunk in added.iter().collect::<Vec<_>>().chunks(ROWS_PER_STATEMENT) {
            let mut rows = Rows::new(BIN_COLUMNS, chunk.len());
            for ((id, at), sums) in chunk {
                let Sums { bytes, requests, hits, s2xx, s3xx, s4xx, s5xx } = **sums;
                rows.push([*id, *at, bytes, requests, hits, s2xx, s3xx, s4xx, s5xx].map(Into::into));
            }
            for row in rows.insert(self.engine, connection, "usage_5m", &ending).await? {
                bins.push(((row.col("domain_id")?, row.col("at")?), row.col("bytes")?));
            }
        }
        Ok(bins)
    }

    /// Computes the amounts to add to hours and days. Bins only grow, so the highest of the changed bins is sufficient to update the peak.
    fn roll_up(&self, added: &BTreeMap<Key, Sums>, bins: Vec<(Key, i64)>) -> Result<(RollUp, RollUp), StoreError> {
        let (mut hours, mut days) = (RollUp::new(), RollUp::new());
        let mut calendar = CalendarCache::new(&self.calendar);
        for (key, bytes) in bins {
            let (id, at) = key;
            let sums = *added.get(&key).ok_or_else(|| StoreError::corrupt("a point that was not added"))?;
            for (rollup, start) in [(&mut hours, calendar.hour(at).from), (&mut days, calendar.day(at).from)] {
                let row =
                    rollup.entry((id, start)).or_insert(RollUpRow { sums: Sums::default(), peak: bytes, peak_at: at });
                row.sums += sums;
                if (bytes, row.peak_at) > (row.peak, at) {
                    (row.peak, row.peak_at) = (bytes, at);
                }
            }
        }
        Ok((hours, days))
    }

    async fn add_rollups(&self, connection: &mut AnyConnection, table: &str, added: &RollUp) -> Result<(), StoreError> {
        let ending = on_conflict_add(table);
        for chunk in added.iter().collect::<Vec<_>>().chunks(ROWS_PER_STATEMENT) {
            let mut rows = Rows::new(ROLLUP_COLUMNS, chunk.len());
            for ((id, at), RollUpRow { sums, peak, peak_at }) in chunk {
                let Sums { bytes, requests, hits, s2xx, s3xx, s4xx, s5xx } = *sums;
                let row = [*id, *at, bytes, requests, hits, s2xx, s3xx, s4xx, s5xx, *peak, *peak_at];
                rows.push(row.map(Into::into));
            }
            rows.insert(self.engine, connection, table, &ending).await?;
        }
        Ok(())
    }
}

/// Returns SQL assignments that add the sums of the new row to the existing row.
fn adding(table: &str) -> String {
    BIN_COLUMNS[2..].iter().map(|c| format!("{c} = {table}.{c} + excluded.{c}")).collect::<Vec<_>>().join(", ")
}

/// Returns the conflict clause of an insert into hours or days: sums are added, and the higher peak is kept, or the earlier of equal peaks.
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

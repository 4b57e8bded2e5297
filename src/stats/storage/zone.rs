//! Rebuilds hours and days from five-minute bins after a change of the console's time zone.

use jiff::tz::TimeZone;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::StatsDb;
use super::usage::on_conflict_add;
use crate::model::StoreError;
use crate::stats::calendar::{Calendar, CalendarCache};
use crate::storage::rows::Read;

impl StatsDb {
    /// Rebuilds hours and days if they belong to another time zone. Those whose bins have been removed are kept unchanged.
    pub(crate) async fn rebuild_for_zone(&self) -> Result<(), StoreError> {
        let zone = self.calendar.zone_name();
        let mut tx = self.begin().await?;
        let sql = "insert into stats_state (id, zone, kept_from, thinned_to) values (1, $1, 0, 0) on conflict (id) do nothing";
        sqlx::query(sql).bind(zone.to_owned()).execute(&mut *tx).await?;
        // Locks the row, so that concurrent writers wait and then see the new zone.
        let sql = "update stats_state set zone = zone where id = 1 returning zone, kept_from";
        let state = sqlx::query(sql).fetch_one(&mut *tx).await?;
        let (before, kept_from): (String, i64) = (state.col("zone")?, state.col("kept_from")?);
        if before != zone {
            tracing::info!(from = before, to = zone, "rebuilding statistics for the new time zone");
            let before = TimeZone::get(&before).map_err(|_| StoreError::corrupt(&before))?;
            // Hours and days of the old zone whose bins are partly removed are kept completely; new ones start after them.
            let last_kept = Calendar::new(before).day(kept_from);
            let from = if last_kept.from == kept_from { kept_from } else { last_kept.to };
            self.rebuild_rollups(&mut tx, from).await?;
            sqlx::query("update stats_state set zone = $1 where id = 1")
                .bind(zone.to_owned())
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Increments the version of usage, and checks that hours and days belong to the time zone of this process. The row stays locked until the
    /// transaction ends.
    pub(crate) async fn lock_for_change(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        let sql = "update stats_state set version = version + 1 where id = 1 returning zone";
        let zone: String = sqlx::query(sql).fetch_one(connection).await?.col("zone")?;
        if zone == self.calendar.zone_name() {
            return Ok(());
        }
        let own = self.calendar.zone_name();
        Err(StoreError::Fault(format!("statistics were moved to the time zone {zone}; this process has {own}").into()))
    }

    async fn rebuild_rollups(&self, connection: &mut AnyConnection, from: i64) -> Result<(), StoreError> {
        for table in ["usage_1h", "usage_1d"] {
            let sql = format!("delete from {table} where at >= $1");
            sqlx::query(AssertSqlSafe(sql)).bind(from).execute(&mut *connection).await?;
        }
        let sql = "select min(at) as first, max(at) as last from usage_5m where domain_id = 0 and at >= $1";
        let row = sqlx::query(sql).bind(from).fetch_one(&mut *connection).await?;
        let (Some(first), Some(last)) = (row.col::<Option<i64>>("first")?, row.col::<Option<i64>>("last")?) else {
            return Ok(());
        };
        let mut days = CalendarCache::new(&self.calendar);
        let mut day = days.day(first);
        while day.from <= last {
            for (table, start) in [("usage_1h", "$1 + (u.at - $1) / 3600 * 3600"), ("usage_1d", "$1")] {
                sqlx::query(AssertSqlSafe(roll_up(table, start)))
                    .bind(day.from)
                    .bind(day.from.max(from))
                    .bind(day.to)
                    .execute(&mut *connection)
                    .await?;
            }
            day = days.day(day.to);
        }
        Ok(())
    }
}

/// Returns SQL that fills `table` with rows starting at `start`, from the bins between `$2` and `$3` of the day that starts at `$1`.
fn roll_up(table: &str, start: &str) -> String {
    let sums = ["bytes", "requests", "hits", "s2xx", "s3xx", "s4xx", "s5xx"];
    let columns = sums.join(", ");
    let summed = sums.map(|column| format!("cast(sum({column}) as bigint)")).join(", ");
    format!(
        "insert into {table} (domain_id, at, {columns}, peak, peak_at) \
         select domain_id, start, {summed}, max(bytes), max(case when place = 1 then at end) from \
         (select u.*, cast({start} as bigint) as start, \
          row_number() over (partition by u.domain_id, {start} order by u.bytes desc, u.at) as place \
          from (select 0 as id union all select id from stats_domains) as d cross join usage_5m as u \
          where u.domain_id = d.id and u.at >= $2 and u.at < $3) as u \
         where domain_id is not null group by domain_id, start{}",
        on_conflict_add(table)
    )
}

//! Removes expired data in small batches.

use super::StatsDb;
use crate::model::StoreError;
use crate::stats::TimeRange;
use crate::storage::rows::{Read, Values};

/// Number of domains of which a day of bins is removed in one transaction.
const DOMAINS_PER_BATCH: usize = 8;
const DAY_S: i64 = 86_400;

impl StatsDb {
    /// Removes a batch of five-minute bins before `before`. Hours and days are kept. Returns the number of removed bins.
    pub(crate) async fn delete_old_bins(&self, before: i64) -> Result<u64, StoreError> {
        let from = "from (select d.id, (select min(u.at) from usage_5m as u where u.domain_id = d.id) as first \
             from (select 0 as id union all select id from stats_domains) as d) as d where first is not null";
        let firsts: Vec<(i64, i64)> = self.packed("id, first", from, &Values::default()).await?;
        let mut tx = self.begin().await?;
        self.lock_for_change(&mut tx).await?;
        // In the same transaction, so that rebuilding never uses a partial day.
        let sql = "update stats_state set kept_from = $1 where id = 1 and kept_from < $1";
        sqlx::query(sql).bind(before).execute(&mut *tx).await?;
        let mut removed = 0;
        for (number, first) in firsts.into_iter().filter(|(_, first)| *first < before).take(DOMAINS_PER_BATCH) {
            removed += sqlx::query("delete from usage_5m where domain_id = $1 and at < $2")
                .bind(number)
                .bind(before.min(first + DAY_S))
                .execute(&mut *tx)
                .await?
                .rows_affected();
        }
        tx.commit().await?;
        Ok(removed)
    }

    /// Thins out one day of inventory samples before `before`, keeping those of its peaks and its end. Returns false if no day is left.
    pub(crate) async fn thin_old_inventory(&self, before: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "select i.at, s.thinned_to from stats_state as s left join inventory as i \
             on i.domain_id = 0 and i.at = (select min(x.at) from inventory as x where x.domain_id = 0 and x.at >= s.thinned_to)";
        let row = sqlx::query(sql).fetch_one(&mut *tx).await?;
        let Some(day) = row.col::<Option<i64>>("at")?.map(|at| self.calendar.day(at)).filter(|day| day.to <= before)
        else {
            return Ok(false);
        };
        let TimeRange { from, to } = day;
        sqlx::query(
            "delete from inventory where (domain_id, at) in (select domain_id, at from \
             (select i.domain_id, i.at, row_number() over (partition by i.domain_id order by i.at desc) as late, \
              row_number() over (partition by i.domain_id order by i.bytes desc, i.at) as large, \
              row_number() over (partition by i.domain_id order by i.files desc, i.at) as many \
              from (select 0 as id union all select id from stats_domains) as d cross join inventory as i \
              where i.domain_id = d.id and i.at >= $1 and i.at < $2) as i where late > 1 and large > 1 and many > 1)",
        )
        .bind(from)
        .bind(to)
        .execute(&mut *tx)
        .await?;
        sqlx::query("update stats_state set thinned_to = $1 where id = 1").bind(to).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(true)
    }
}

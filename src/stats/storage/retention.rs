//! Removing what has passed its time, in small batches.

use super::StatsDb;
use crate::model::StoreError;
use crate::stats::Slot;
use crate::storage::rows::{Read, Values};

/// Domains whose old points are removed in one transaction, each of one day.
const DOMAINS: usize = 8;
const DAY: i64 = 86_400;

impl StatsDb {
    /// Removes a batch of five-minute points before `before`; hours and days stay. Answers with how many.
    pub(crate) async fn delete_old_points(&self, before: i64) -> Result<u64, StoreError> {
        let from = "from (select d.id, (select min(u.at) from usage_5m as u where u.domain_id = d.id) as first \
             from (select 0 as id union all select id from stats_domains) as d) as d where first is not null";
        let firsts: Vec<(i64, i64)> = self.packed("id, first", from, &Values::default()).await?;
        let mut tx = self.begin().await?;
        self.begin_change(&mut tx).await?;
        // First of all, so that nobody takes what is left of a day for the whole.
        let sql = "update stats_state set kept_from = $1 where id = 1 and kept_from < $1";
        sqlx::query(sql).bind(before).execute(&mut *tx).await?;
        let mut removed = 0;
        for (number, first) in firsts.into_iter().filter(|(_, first)| *first < before).take(DOMAINS) {
            removed += sqlx::query("delete from usage_5m where domain_id = $1 and at < $2")
                .bind(number)
                .bind(before.min(first + DAY))
                .execute(&mut *tx)
                .await?
                .rows_affected();
        }
        tx.commit().await?;
        Ok(removed)
    }

    /// Keeps of a day before `before` only what its peak and its end are made of. False: there is no such day left.
    pub(crate) async fn thin_old_inventory(&self, before: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "select i.at, s.thinned_to from stats_state as s left join inventory as i \
             on i.domain_id = 0 and i.at = (select min(x.at) from inventory as x where x.domain_id = 0 and x.at >= s.thinned_to)";
        let row = sqlx::query(sql).fetch_one(&mut *tx).await?;
        let Some(day) = row.col::<Option<i64>>("at")?.map(|at| self.calendar.day(at)).filter(|day| day.to <= before)
        else {
            return Ok(false);
        };
        let Slot { from, to } = day;
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

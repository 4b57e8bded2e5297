//! SQL of callback health. Each attempt updates it, so that readers need not scan the delivery log.
//!
//! `callback_attempts` holds the latest attempt of each callback, `failures` the deliveries in the state `failed`.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::callbacks::storage::pause;
use crate::callbacks::{CallbackHealth, CallbacksAtAGlance, HealthState, TroubledCallback};
use crate::deliveries::{CompletedAttempt, DeliveryState};
use crate::model::{CallbackId, DeliveryId, Millis, StoreError};
use crate::storage::Db;
use crate::storage::batch::Rows;
use crate::storage::rows::{Conditions, Read};

/// Columns that [`state`] reads, of callbacks `c` with [`JOIN`].
pub(crate) const COLUMNS: &str = "c.pause_reason, a.attempted_at, a.error as last_error, \
     cast(case when exists (select 1 from failures f where f.callback_id = c.id) then 1 else 0 end as bigint) as unrecovered, \
     cast(case when exists (select 1 from queue q where q.callback_id = c.id and q.retry = 1) then 1 else 0 end as bigint) as retrying";
pub(crate) const JOIN: &str = "left join callback_attempts a on a.callback_id = c.id";
/// Sorts paused callbacks first, then those whose latest attempt failed.
const TROUBLE_FIRST: &str =
    "case when paused_since is not null then 0 when last_error is not null then 1 else 2 end, push, kind";

pub(crate) fn state(row: &AnyRow) -> Result<HealthState, StoreError> {
    let paused: Option<String> = row.col("pause_reason")?;
    let attempted: Option<Millis> = row.col("attempted_at")?;
    let error: Option<String> = row.col("last_error")?;
    let last_failed = attempted.map(|_| error.is_some());
    Ok(HealthState::of(last_failed, paused.is_some(), row.flag("unrecovered")?, row.flag("retrying")?))
}

impl Db {
    /// Stores the latest of `attempts` for each callback. Attempts are written in the order in which they end, so the newest write wins even
    /// after a clock was set back.
    pub(crate) async fn write_latest<'a>(
        &self,
        tx: &mut AnyConnection,
        attempts: impl Iterator<Item = &'a CompletedAttempt>,
    ) -> Result<(), StoreError> {
        let ended = |attempt: &CompletedAttempt| attempt.started_at + attempt.millis;
        let mut latest: BTreeMap<CallbackId, (&CompletedAttempt, Option<Millis>)> = BTreeMap::new();
        for attempt in attempts {
            let (last, delivered) = latest.entry(attempt.callback).or_insert((attempt, None));
            if ended(attempt) >= ended(last) {
                *last = attempt;
            }
            *delivered = (*delivered).max(attempt.succeeded().then(|| ended(attempt)));
        }
        let mut rows = Rows::new(["callback_id", "attempted_at", "error", "delivered_at"], latest.len());
        for (callback, (last, delivered)) in latest {
            rows.push([callback.0.into(), last.started_at.into(), last.error_class.into(), delivered.into()]);
        }
        let ending = " on conflict (callback_id) do update set attempted_at = excluded.attempted_at, \
             error = excluded.error, delivered_at = coalesce(excluded.delivered_at, callback_attempts.delivered_at)";
        rows.insert(self.engine, tx, "callback_attempts", ending).await?;
        Ok(())
    }

    /// Reads the health of a callback. `since`: start of the time window of the counts.
    pub(crate) async fn callback_health(&self, id: CallbackId, since: Millis) -> Result<CallbackHealth, StoreError> {
        let sql = format!("select {COLUMNS}, a.delivered_at from callbacks c {JOIN} where c.id = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id.0).fetch_one(&self.pages).await?;
        let last_error: Option<String> = row.col("last_error")?;
        let counts = sqlx::query(
            "select (select count(*) from queue where callback_id = $1) as waiting, \
             (select count(*) from failures where callback_id = $1) as unrecovered",
        );
        let counts = counts.bind(id.0).fetch_one(&self.pages).await?;
        let mut health = CallbackHealth {
            state: state(&row)?,
            last_delivered_at: row.col("delivered_at")?,
            last_error_at: last_error.as_ref().and(row.col("attempted_at")?),
            last_error,
            delivered: 0,
            failed: 0,
            waiting: counts.col("waiting")?,
            unrecovered: counts.col("unrecovered")?,
        };
        let rows = sqlx::query(
            "select state, count(*) as n from deliveries where callback_id = $1 and id >= $2 group by state",
        );
        for row in &rows.bind(id.0).bind(DeliveryId::floor(since).0).fetch_all(&self.pages).await? {
            match row.word("state")? {
                DeliveryState::Delivered => health.delivered = row.col("n")?,
                DeliveryState::Failed => health.failed = row.col("n")?,
                _ => {}
            }
        }
        Ok(health)
    }

    /// Returns whether any callback is on, and at most `limit` troubled ones. `only`: push domains (ASCII) to consider.
    pub(crate) async fn callbacks_at_a_glance(
        &self,
        only: Option<&[String]>,
        limit: i64,
    ) -> Result<CallbacksAtAGlance, StoreError> {
        let mut conditions = Conditions::default();
        if let Some(only) = only {
            conditions.any_of("m.push", only);
        }
        conditions.add("c.enabled = 1", []);
        let sql = format!("select 1 from callbacks c join domains m on m.id = c.domain_id{} limit 1", conditions.sql());
        let any_on = conditions.bind(sqlx::query(AssertSqlSafe(sql))).fetch_optional(&self.pages).await?.is_some();
        let sql = format!(
            "select t.*, (select count(*) from failures f where f.callback_id = t.id) as failures, \
             (select count(*) from queue q where q.callback_id = t.id and q.retry = 1) as retries from \
             (select * from (select c.id, m.push, c.kind, c.paused_since, c.probe_at, c.probes, {COLUMNS} \
             from callbacks c join domains m on m.id = c.domain_id {JOIN}{}) as o \
             where pause_reason is not null or last_error is not null or unrecovered = 1 or retrying = 1 \
             order by {TROUBLE_FIRST} \
             limit ${}) as t \
             order by {TROUBLE_FIRST}",
            conditions.sql(),
            conditions.next_place()
        );
        let query = conditions.bind(sqlx::query(AssertSqlSafe(sql))).bind(limit);
        let rows = query.fetch_all(&self.pages).await?;
        let troubled = |row: &AnyRow| {
            let last_error: Option<String> = row.col("last_error")?;
            let pause = pause(row)?;
            Ok(TroubledCallback {
                domain: row.col("push")?,
                kind: row.word("kind")?,
                state: state(row)?,
                error: pause.as_ref().map(|pause| pause.reason.clone()).or(last_error),
                unrecovered: row.col("failures")?,
                retrying: row.col("retries")?,
                pause,
            })
        };
        let troubled = rows.iter().map(troubled).collect::<Result<_, StoreError>>()?;
        Ok(CallbacksAtAGlance { any_on, troubled })
    }
}

//! SQL of recoveries and their tasks.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::audit::AuditEntry;
use crate::callbacks::Callback;
use crate::callbacks::storage::{CALLBACK_COLUMNS, callback};
use crate::deliveries::storage::log::id_list;
use crate::deliveries::{
    DeliveryFilter, QueueChange, QueuedDelivery, Recovery, RecoveryOutcome, RecoveryTask, TaskCount,
};
use crate::model::{CallbackId, DeliveryId, Millis, RecoveryId, StoreError};
use crate::storage::Db;
use crate::storage::rows::{Conditions, Read, Value, to_json};

/// Selects a recovery with the sums of its tasks.
const RECOVERY: &str = "select r.id, r.state, r.filter, r.started_by, r.started_at, r.ended_at, \
     cast(coalesce(sum(l.total), 0) as bigint) as total, cast(coalesce(sum(l.queued), 0) as bigint) as queued, \
     cast(coalesce(sum(l.left_out), 0) as bigint) as left_out, \
     (select cast(sum(o.delivered) as bigint) from recovery_outcomes o where o.recovery_id = r.id) as delivered, \
     (select cast(sum(o.failed) as bigint) from recovery_outcomes o where o.recovery_id = r.id) as failed, \
     (select cast(sum(o.cancelled) as bigint) from recovery_outcomes o where o.recovery_id = r.id) as cancelled \
     from recoveries r left join recovery_lanes l on l.recovery_id = r.id";
const BY_RECOVERY: &str = "group by r.id, r.state, r.filter, r.started_by, r.started_at, r.ended_at order by r.id desc";

fn recovery(row: &AnyRow) -> Result<Recovery, StoreError> {
    Ok(Recovery {
        id: RecoveryId(row.col("id")?),
        state: row.word("state")?,
        filter: row.json("filter")?,
        started_by: row.col("started_by")?,
        started_at: row.col("started_at")?,
        ended_at: row.col("ended_at")?,
        total: row.col("total")?,
        queued: row.col("queued")?,
        left_out: row.col("left_out")?,
        outcome: outcome(row)?,
    })
}

/// Reads the outcome. The queued deliveries that have not ended are waiting.
fn outcome(row: &AnyRow) -> Result<Option<RecoveryOutcome>, StoreError> {
    let Some(delivered) = row.col("delivered")? else { return Ok(None) };
    let (failed, cancelled) = (row.col("failed")?, row.col("cancelled")?);
    let waiting = row.col::<i64>("queued")? - delivered - failed - cancelled;
    Ok(Some(RecoveryOutcome { delivered, failed, waiting, cancelled }))
}

fn is_active(callback: &Callback) -> bool {
    callback.settings.enabled && callback.settings.address.is_some()
}

impl Db {
    /// Returns the SQL conditions of a filter, restricted to deliveries that can be recovered.
    fn recoverable_conditions(&self, filter: &DeliveryFilter) -> Conditions {
        let mut conditions = self.log_conditions(filter);
        conditions.add("d.state in ('failed', 'cancelled', 'skipped')", []);
        conditions
    }

    /// Counts the queued deliveries of a callback, up to `max`.
    async fn count_queued_of(&self, callback: CallbackId, max: i64) -> Result<i64, StoreError> {
        sqlx::query("select count(*) as n from (select 1 from queue where callback_id = $1 limit $2) as waiting")
            .bind(callback.0)
            .bind(max)
            .fetch_one(&self.read)
            .await?
            .col("n")
    }

    /// Returns the next deliveries of a task, by id.
    async fn next_task_deliveries(&self, task: &RecoveryTask, limit: i64) -> Result<Vec<DeliveryId>, StoreError> {
        let mut conditions = self.recoverable_conditions(&task.filter);
        conditions.add("d.callback_id = ?", [Value::Int(task.callback.0)]);
        conditions.add("d.id > ? and d.id < ?", [Value::Int(task.after.0), Value::Int(task.recovery.0)]);
        let sql = format!(
            "select d.id from deliveries d join sessions s on s.id = d.session_id{} order by d.id limit ${}",
            conditions.sql(),
            conditions.next_place()
        );
        let query = conditions.bind(sqlx::query(AssertSqlSafe(sql))).bind(limit);
        query.fetch_all(&self.read).await?.iter().map(|row| Ok(DeliveryId(row.col("id")?))).collect()
    }

    /// Queues those of `ids` that can still be recovered, in their order.
    async fn requeue_task(
        &self,
        tx: &mut AnyConnection,
        task: &RecoveryTask,
        ids: &[DeliveryId],
        ordered: bool,
        now: Millis,
    ) -> Result<Vec<QueueChange>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "select id, app, stream from deliveries \
             where id in ({}) and state in ('failed', 'cancelled', 'skipped') order by id",
            id_list(ids)
        );
        let mut queued = Vec::with_capacity(ids.len());
        for (place, row) in (0..).zip(sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *tx).await?) {
            let delivery = DeliveryId(row.col("id")?);
            let (app, stream): (String, String) = (row.col("app")?, row.col("stream")?);
            queued.push(QueuedDelivery {
                delivery,
                callback: task.callback,
                // They keep their order among themselves, and do not delay new events of the stream.
                stream_key: if ordered { format!("{}/{app}/{stream}", task.recovery) } else { delivery.to_string() },
                due_at: now + place,
                retry: false,
                queued_at: now,
            });
        }
        let handled: Vec<DeliveryId> = queued.iter().map(|row| row.delivery).collect();
        let changes = self.requeue(tx, queued).await?;
        self.add_recovery_deliveries(tx, task.recovery, task.callback, &handled, true).await?;
        Ok(changes)
    }
}

impl Db {
    /// Counts the matching deliveries that can be recovered, by callback.
    pub(crate) async fn count_recoverable(&self, filter: &DeliveryFilter) -> Result<Vec<TaskCount>, StoreError> {
        let conditions = self.recoverable_conditions(filter);
        let sql = format!(
            "select found.callback_id, found.n, \
             cast(case when c.enabled = 1 and c.address is not null then 1 else 0 end as bigint) as active \
             from (select d.callback_id, count(*) as n from deliveries d join sessions s on s.id = d.session_id{} \
             group by d.callback_id) as found left join callbacks c on c.id = found.callback_id",
            conditions.sql()
        );
        let rows = self.searches.fetch_all(sql, &conditions.into_values()).await?;
        let count = |row: &AnyRow| {
            let callback = CallbackId(row.col("callback_id")?);
            Ok(TaskCount { callback, deliveries: row.col("n")?, active: row.flag("active")? })
        };
        rows.iter().map(count).collect()
    }

    /// Stores a new recovery with its tasks and their outcome counts.
    pub(crate) async fn start_recovery(
        &self,
        recovery: &Recovery,
        tasks: &[TaskCount],
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "insert into recoveries (id, state, filter, started_by, started_at, ended_at) values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(recovery.id.0)
        .bind(recovery.state.as_str())
        .bind(to_json(&recovery.filter)?)
        .bind(recovery.started_by.clone())
        .bind(recovery.started_at)
        .bind(recovery.ended_at)
        .execute(&mut *tx)
        .await?;
        for task in tasks {
            sqlx::query(
                "insert into recovery_lanes (recovery_id, callback_id, total, queued, left_out, after_id, through) \
                 values ($1, $2, $3, 0, 0, 0, 0)",
            )
            .bind(recovery.id.0)
            .bind(task.callback.0)
            .bind(task.deliveries)
            .execute(&mut *tx)
            .await?;
            sqlx::query(
                "insert into recovery_outcomes (recovery_id, callback_id, delivered, failed, cancelled) \
                 values ($1, $2, 0, 0, 0)",
            )
            .bind(recovery.id.0)
            .bind(task.callback.0)
            .execute(&mut *tx)
            .await?;
        }
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await
    }

    pub(crate) async fn find_recovery(&self, id: RecoveryId) -> Result<Option<Recovery>, StoreError> {
        let sql = format!("{RECOVERY} where r.id = $1 {BY_RECOVERY}");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id.0).fetch_optional(&self.read).await?;
        row.as_ref().map(recovery).transpose()
    }

    /// Returns the latest recoveries, newest first.
    pub(crate) async fn list_recoveries(&self, limit: i64) -> Result<Vec<Recovery>, StoreError> {
        let sql = format!("{RECOVERY} {BY_RECOVERY} limit $1");
        sqlx::query(AssertSqlSafe(sql)).bind(limit).fetch_all(&self.pages).await?.iter().map(recovery).collect()
    }

    /// Cancels a running recovery. Returns `false` if it was not running.
    pub(crate) async fn cancel_recovery(
        &self,
        id: RecoveryId,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let stopped =
            sqlx::query("update recoveries set state = 'cancelled', ended_at = $2 where id = $1 and state = 'running'");
        if stopped.bind(id.0).bind(now).execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(true)
    }

    /// Returns the unfinished tasks of running recoveries, oldest recovery first.
    pub(crate) async fn open_recovery_tasks(&self) -> Result<Vec<RecoveryTask>, StoreError> {
        let rows = sqlx::query(
            "select l.recovery_id, l.callback_id, l.after_id, r.filter \
             from recovery_lanes l join recoveries r on r.id = l.recovery_id \
             where r.state = 'running' and l.through = 0 order by l.recovery_id, l.callback_id",
        );
        let task = |row: &AnyRow| {
            Ok(RecoveryTask {
                recovery: RecoveryId(row.col("recovery_id")?),
                callback: CallbackId(row.col("callback_id")?),
                after: DeliveryId(row.col("after_id")?),
                filter: row.json("filter")?,
            })
        };
        rows.fetch_all(&self.read).await?.iter().map(task).collect()
    }

    /// Handles the next deliveries of a task: at most `batch`, and only so many that its callback has at most `max_queued` queued
    /// deliveries. Returns `false` if it has as many already.
    pub(crate) async fn advance_recovery_task(
        &self,
        task: &RecoveryTask,
        batch: i64,
        max_queued: i64,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let limit = batch.min(max_queued - self.count_queued_of(task.callback, max_queued).await?);
        if limit <= 0 {
            return Ok(false);
        }
        // This search may be slow, so it runs before the write transaction.
        let ids = self.next_task_deliveries(task, limit).await?;
        let through = (ids.len() as i64) < limit;
        let mut tx = self.begin().await?;
        // The lock orders this with cancelling: that waits for this batch, or this batch finds the recovery cancelled.
        let sql = format!("select state from recoveries where id = $1{}", self.engine.for_share());
        let state = sqlx::query(AssertSqlSafe(sql)).bind(task.recovery.0).fetch_optional(&mut *tx).await?;
        if state.map(|row| row.col::<String>("state")).transpose()?.as_deref() != Some("running") {
            return Ok(true);
        }
        let claimed = sqlx::query(
            "update recovery_lanes set after_id = $3, through = $4 \
             where recovery_id = $1 and callback_id = $2 and after_id = $5 and through = 0",
        )
        .bind(task.recovery.0)
        .bind(task.callback.0)
        .bind(ids.last().unwrap_or(&task.after).0)
        .bind(i64::from(through))
        .bind(task.after.0)
        .execute(&mut *tx)
        .await?;
        if claimed.rows_affected() == 0 {
            // Another process has handled this batch.
            return Ok(true);
        }
        // The lock orders this with turning the callback off: either that takes this batch out of the queue, or this finds it off.
        let sql = format!("select {CALLBACK_COLUMNS} from callbacks c where c.id = $1{}", self.engine.for_share());
        let row = sqlx::query(AssertSqlSafe(sql)).bind(task.callback.0).fetch_optional(&mut *tx).await?;
        let callback = row.as_ref().map(callback).transpose()?.filter(is_active);
        let (changes, left_out) = match callback {
            Some(callback) => (self.requeue_task(&mut tx, task, &ids, callback.settings.ordered, now).await?, 0),
            None => {
                self.add_recovery_deliveries(&mut tx, task.recovery, task.callback, &ids, false).await?;
                (Vec::new(), ids.len() as i64)
            }
        };
        sqlx::query(
            "update recovery_lanes set queued = queued + $3, left_out = left_out + $4 \
             where recovery_id = $1 and callback_id = $2",
        )
        .bind(task.recovery.0)
        .bind(task.callback.0)
        .bind(changes.len() as i64)
        .bind(left_out)
        .execute(&mut *tx)
        .await?;
        if through {
            sqlx::query(
                "update recoveries set state = 'done', ended_at = $2 where id = $1 and not exists \
                 (select 1 from recovery_lanes l where l.recovery_id = recoveries.id and l.through = 0)",
            )
            .bind(task.recovery.0)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        }
        self.commit(tx, changes).await?;
        Ok(true)
    }
}

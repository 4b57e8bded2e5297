//! Deliveries on their way: the queue and their attempts.

use async_trait::async_trait;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::Db;
use super::callbacks::{CALLBACK_COLUMNS, callback};
use super::events::enqueue;
use super::rows::{Conditions, Read, Value, to_json};
use crate::deliveries::{
    AttemptRecord, CallbackOff, DayFigures, DeliveryState, DeliveryStore, Fate, Queued, Ready, Waiting,
};
use crate::model::{CallbackId, DeliveryId, Millis, SessionId, StoreError};

impl Db {
    async fn complete_one(
        &self,
        tx: &mut Transaction<'static, Any>,
        record: &AttemptRecord,
        fate: Fate,
    ) -> Result<Queued, StoreError> {
        let finished_at = record.started_at + record.millis;
        let waits = sqlx::query("select callback_id, stream_key from queue where delivery_id = $1");
        let waits = waits.bind(record.delivery.0).fetch_optional(&mut **tx).await?;
        insert_attempt(tx, record).await?;
        let state = match (fate, &waits) {
            (Fate::Delivered, _) => Some(DeliveryState::Delivered),
            // Somebody cancelled it meanwhile.
            (_, None) => None,
            (Fate::Failed, Some(_)) => Some(DeliveryState::Failed),
            (Fate::Retry { .. }, Some(_)) => Some(DeliveryState::Retrying),
        };
        sqlx::query(
            "update deliveries set attempts = attempts + 1, tries = tries + 1, last_attempt_at = $2, last_status = $3, \
             last_error = $4, out_of_order = out_of_order | $5, state = coalesce($6, state), finished_at = $7 \
             where id = $1",
        )
        .bind(record.delivery.0)
        .bind(record.started_at)
        .bind(record.status)
        .bind(record.error_class)
        .bind(i64::from(record.out_of_order))
        .bind(state.map(DeliveryState::as_str))
        .bind(state.is_none_or(|s| !s.waits()).then_some(finished_at))
        .execute(&mut **tx)
        .await?;
        match (fate, waits) {
            (Fate::Retry { due_at }, Some(row)) => {
                let waiting = Waiting {
                    delivery: record.delivery,
                    callback: CallbackId(row.col("callback_id")?),
                    stream_key: row.col("stream_key")?,
                    due_at,
                };
                enqueue(tx, waiting).await
            }
            _ => {
                sqlx::query("delete from queue where delivery_id = $1")
                    .bind(record.delivery.0)
                    .execute(&mut **tx)
                    .await?;
                Ok(Queued::Removed(record.delivery))
            }
        }
    }
}

async fn insert_attempt(tx: &mut Transaction<'static, Any>, record: &AttemptRecord) -> Result<(), StoreError> {
    sqlx::query(
        "insert into attempts (delivery_id, number, started_at, millis, address, succeeded, status, error_class, error, \
         phases, request_headers, response_headers, response_body) \
         values ($1, (select coalesce(max(number), 0) + 1 from attempts where delivery_id = $1), \
         $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(record.delivery.0)
    .bind(record.started_at)
    .bind(record.millis)
    .bind(record.address.clone())
    .bind(i64::from(record.succeeded))
    .bind(record.status)
    .bind(record.error_class)
    .bind(record.error.clone())
    .bind(to_json(&record.phases)?)
    .bind(to_json(&record.request_headers)?)
    .bind(record.status.map(|_| to_json(&record.response_headers)).transpose()?)
    .bind(record.status.map(|_| record.response_body.clone()))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[async_trait]
impl DeliveryStore for Db {
    async fn waiting(&self, after: (Millis, DeliveryId), limit: i64) -> Result<Vec<Waiting>, StoreError> {
        let rows = sqlx::query(
            "select due_at, delivery_id, callback_id, stream_key from queue \
             where (due_at, delivery_id) > ($1, $2) order by due_at, delivery_id limit $3",
        )
        .bind(after.0)
        .bind(after.1.0)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        let waiting = |row: &AnyRow| {
            Ok(Waiting {
                delivery: DeliveryId(row.col("delivery_id")?),
                callback: CallbackId(row.col("callback_id")?),
                stream_key: row.col("stream_key")?,
                due_at: row.col("due_at")?,
            })
        };
        rows.iter().map(waiting).collect()
    }

    async fn ready(&self, id: DeliveryId) -> Result<Option<Ready>, StoreError> {
        let sql = format!(
            "select d.id, d.event, d.session_id, d.sequence, d.happened_at, d.body, d.attempts, d.tries, {CALLBACK_COLUMNS} \
             from queue q join deliveries d on d.id = q.delivery_id join callbacks c on c.id = d.callback_id \
             where q.delivery_id = $1"
        );
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id.0).fetch_optional(&self.read).await?;
        let ready = |row: AnyRow| {
            Ok(Ready {
                id,
                event: row.word("event")?,
                session: SessionId(row.col("session_id")?),
                sequence: row.col("sequence")?,
                happened_at: row.col("happened_at")?,
                body: row.col("body")?,
                attempts: row.col("attempts")?,
                tries: row.col("tries")?,
                callback: callback(&row)?,
            })
        };
        row.map(ready).transpose()
    }

    async fn complete(&self, attempts: &[(AttemptRecord, Fate)], off: &[CallbackOff]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let mut queued = Vec::with_capacity(attempts.len());
        for (record, fate) in attempts {
            queued.push(self.complete_one(&mut tx, record, *fate).await?);
        }
        for CallbackOff { callback, reason } in off {
            sqlx::query("update callbacks set enabled = 0, off_reason = $2 where id = $1 and enabled = 1")
                .bind(callback.0)
                .bind(reason.clone())
                .execute(&mut *tx)
                .await?;
            let now = attempts.last().map_or(0, |(record, _)| record.started_at);
            queued.extend(self.stop_waiting(&mut tx, callback.0, DeliveryState::Cancelled, now).await?);
        }
        self.commit(tx, queued).await
    }

    async fn figures(&self, since: Millis, only: Option<&[String]>) -> Result<DayFigures, StoreError> {
        let mut figures = DayFigures::default();
        let mut conditions = Conditions::default();
        conditions.add("d.id >= ?", [Value::Int(DeliveryId::floor(since).0)]);
        if let Some(only) = only {
            conditions.any_of("s.domain", only);
        }
        let sql = format!(
            "select d.state, count(*) as n from deliveries d join sessions s on s.id = d.session_id{} group by d.state",
            conditions.sql()
        );
        for row in conditions.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(&self.read).await? {
            let n: i64 = row.col("n")?;
            figures.events += n;
            match row.word("state")? {
                DeliveryState::Delivered => figures.delivered = n,
                DeliveryState::Failed => figures.failed = n,
                DeliveryState::Skipped => figures.skipped = n,
                DeliveryState::Pending | DeliveryState::Retrying => figures.waiting += n,
                DeliveryState::Cancelled => {}
            }
        }
        let mut conditions = Conditions::default();
        if let Some(only) = only {
            conditions.any_of("m.push", only);
        }
        conditions.add("c.enabled = 1", []);
        conditions.add("d.last_error is not null", []);
        let sql = format!(
            "select m.push, c.kind, d.last_error from callbacks c join domains m on m.id = c.domain_id \
             join deliveries d on d.id = (select max(x.id) from deliveries x where x.callback_id = c.id and x.attempts > 0){} \
             order by m.push, c.kind limit 20",
            conditions.sql()
        );
        for row in conditions.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(&self.read).await? {
            figures.troubled.push((row.col("push")?, row.word("kind")?, row.col("last_error")?));
        }
        Ok(figures)
    }

    async fn queue_depth(&self) -> Result<i64, StoreError> {
        sqlx::query("select count(*) as n from queue").fetch_one(&self.read).await?.col("n")
    }
}

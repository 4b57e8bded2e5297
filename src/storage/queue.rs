//! What the delivery loop reads and writes, many rows in a statement.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::batch::{Cell, Rows};
use super::callbacks::{CALLBACK_COLUMNS, callback};
use super::rows::{Read, to_json};
use super::{Db, Engine};
use crate::callbacks::Callback;
use crate::deliveries::{
    AttemptRecord, CallbackOff, DeliveryState, DeliveryStore, Fate, Ownership, Ready, SHARDS, SPREAD, Waiting,
};
use crate::model::{CallbackId, DeliveryId, Millis, SessionId, StoreError};

fn waiting(row: &AnyRow) -> Result<Waiting, StoreError> {
    Ok(Waiting {
        delivery: DeliveryId(row.col("delivery_id")?),
        callback: CallbackId(row.col("callback_id")?),
        stream_key: row.col("stream_key")?,
        due_at: row.col("due_at")?,
        retry: row.flag("retry")?,
        queued_at: row.col("queued_at")?,
    })
}

/// A condition on `callback_id`: that its shard is owned.
fn is_owned(owned: &Ownership) -> String {
    match owned {
        Ownership::All => "1 = 1".to_owned(),
        Ownership::Shards { epochs, .. } if epochs.is_empty() => "1 = 0".to_owned(),
        Ownership::Shards { epochs, .. } => {
            let shards: Vec<String> = epochs.keys().map(i64::to_string).collect();
            format!("callback_id * {SPREAD} % {SHARDS} in ({})", shards.join(", "))
        }
    }
}

#[async_trait]
impl DeliveryStore for Db {
    async fn waiting(
        &self,
        owned: &Ownership,
        after: (CallbackId, DeliveryId),
        limit: i64,
    ) -> Result<Vec<Waiting>, StoreError> {
        let sql = format!(
            "select callback_id, delivery_id, stream_key, due_at, retry, queued_at from queue \
             where (callback_id, delivery_id) > ($1, $2) and {} order by callback_id, delivery_id limit $3",
            is_owned(owned)
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(after.0.0).bind(after.1.0).bind(limit);
        query.fetch_all(&self.read).await?.iter().map(waiting).collect()
    }

    async fn queued_since(&self, owned: &Ownership, since: Millis) -> Result<Vec<Waiting>, StoreError> {
        let sql = format!(
            "select callback_id, delivery_id, stream_key, due_at, retry, queued_at from queue where queued_at >= $1 and {}",
            is_owned(owned)
        );
        sqlx::query(AssertSqlSafe(sql)).bind(since).fetch_all(&self.read).await?.iter().map(waiting).collect()
    }

    async fn ready(&self, deliveries: &[(CallbackId, DeliveryId)]) -> Result<Vec<Ready>, StoreError> {
        let mut places = Rows::new(["callback_id", "delivery_id"], deliveries.len());
        for (callback, delivery) in deliveries {
            places.push([callback.0.into(), delivery.0.into()]);
        }
        let mut connection = self.read.acquire().await?;
        let sql = format!("select {CALLBACK_COLUMNS} from callbacks c where c.id in (select callback_id from r)");
        let mut callbacks: HashMap<CallbackId, Arc<Callback>> = HashMap::new();
        for row in &places.clone().with(self.engine, &mut connection, &sql).await? {
            let callback = callback(row)?;
            callbacks.insert(callback.id, Arc::new(callback));
        }
        let sql = "select d.id, d.callback_id, d.event, d.session_id, d.sequence, d.happened_at, d.body, d.attempts, d.tries \
             from r join queue q on q.callback_id = r.callback_id and q.delivery_id = r.delivery_id \
             join deliveries d on d.id = r.delivery_id";
        let mut ready = Vec::with_capacity(deliveries.len());
        for row in &places.with(self.engine, &mut connection, sql).await? {
            let Some(callback) = callbacks.get(&CallbackId(row.col("callback_id")?)) else { continue };
            ready.push(Ready {
                id: DeliveryId(row.col("id")?),
                event: row.word("event")?,
                session: SessionId(row.col("session_id")?),
                sequence: row.col("sequence")?,
                happened_at: row.col("happened_at")?,
                body: row.col("body")?,
                attempts: row.col("attempts")?,
                tries: row.col("tries")?,
                callback: callback.clone(),
            });
        }
        Ok(ready)
    }

    async fn complete(
        &self,
        owned: &Ownership,
        attempts: &[(AttemptRecord, Fate)],
        off: &[CallbackOff],
    ) -> Result<Vec<DeliveryId>, StoreError> {
        let mut tx = self.begin().await?;
        let held = self.held(&mut tx, owned).await?;
        let (attempts, refused): (Vec<_>, Vec<_>) =
            attempts.iter().partition(|(record, _)| held.holds(record.callback));
        // An attempt that is there already was written by a commit whose answer got lost.
        let new = self.append_attempts(&mut tx, &attempts).await?;
        let attempts: Vec<_> = attempts.into_iter().filter(|(record, _)| new.contains(&record.delivery)).collect();
        if !attempts.is_empty() {
            self.move_deliveries(&mut tx, &attempts).await?;
        }
        let mut queued = Vec::new();
        for off in off.iter().filter(|off| held.holds(off.callback)) {
            queued.extend(self.turn_off(&mut tx, off).await?);
        }
        self.commit(tx, queued).await?;
        Ok(refused.iter().map(|(record, _)| record.delivery).collect())
    }
}

impl Db {
    /// Length of the queue.
    pub async fn queue_depth(&self) -> Result<i64, StoreError> {
        sqlx::query("select count(*) as n from queue").fetch_one(&self.read).await?.col("n")
    }

    /// Returns the deliveries of the attempts that were not there.
    async fn append_attempts(
        &self,
        tx: &mut AnyConnection,
        attempts: &[&(AttemptRecord, Fate)],
    ) -> Result<BTreeSet<DeliveryId>, StoreError> {
        let mut rows = Rows::new(
            [
                "delivery_id",
                "number",
                "started_at",
                "millis",
                "address",
                "succeeded",
                "status",
                "error_class",
                "error",
                "phases",
                "request_headers",
                "response_headers",
                "response_body",
            ],
            attempts.len(),
        );
        for (record, _) in attempts {
            rows.push([
                record.delivery.0.into(),
                record.number.into(),
                record.started_at.into(),
                record.millis.into(),
                record.address.as_str().into(),
                record.succeeded.into(),
                record.status.into(),
                record.error_class.into(),
                record.error.clone().into(),
                to_json(&record.phases)?.into(),
                to_json(&record.request_headers)?.into(),
                record.status.map(|_| to_json(&record.response_headers)).transpose()?.into(),
                record.status.map(|_| record.response_body.clone()).into(),
            ]);
        }
        let new = rows.insert(self.engine, tx, "attempts", " on conflict do nothing returning delivery_id").await?;
        new.iter().map(|row| Ok(DeliveryId(row.col("delivery_id")?))).collect()
    }

    async fn move_deliveries(
        &self,
        tx: &mut AnyConnection,
        attempts: &[&(AttemptRecord, Fate)],
    ) -> Result<(), StoreError> {
        const PLACE: [&str; 2] = ["callback_id", "delivery_id"];
        let mut places = Rows::new(PLACE, attempts.len());
        for (record, _) in attempts {
            places.push([record.callback.0.into(), record.delivery.0.into()]);
        }
        let lock = match self.engine {
            Engine::Sqlite => "",
            Engine::Postgres => " order by 1 for update of q",
        };
        let sql = format!(
            "select q.delivery_id from r join queue q on q.callback_id = r.callback_id and q.delivery_id = r.delivery_id{lock}"
        );
        let mut waits = BTreeSet::new();
        for row in &places.with(self.engine, tx, &sql).await? {
            waits.insert(DeliveryId(row.col("delivery_id")?));
        }
        let mut moved = Rows::new(
            ["id", "counts", "last_attempt_at", "last_status", "last_error", "out_of_order", "state", "finished_at"],
            attempts.len(),
        );
        let (mut finished, mut postponed) =
            (Rows::new(PLACE, attempts.len()), Rows::new(["callback_id", "delivery_id", "due_at"], 0));
        for (record, fate) in attempts {
            let state = match (fate, waits.contains(&record.delivery)) {
                (Fate::Delivered, _) => Some(DeliveryState::Delivered),
                // Somebody cancelled it meanwhile.
                (_, false) => None,
                (Fate::Failed, true) => Some(DeliveryState::Failed),
                (Fate::Retry { .. }, true) => Some(DeliveryState::Retrying),
            };
            let finished_at = state.is_none_or(|s| !s.waits()).then_some(record.started_at + record.millis);
            moved.push([
                record.delivery.0.into(),
                record.counts.into(),
                record.started_at.into(),
                record.status.into(),
                record.error_class.into(),
                record.out_of_order.into(),
                state.map(DeliveryState::as_str).into(),
                finished_at.into(),
            ]);
            let place = [record.callback.0, record.delivery.0].map(Cell::from);
            match fate {
                Fate::Retry { due_at } => {
                    let [callback, delivery] = place;
                    postponed.push([callback, delivery, (*due_at).into()]);
                }
                Fate::Delivered | Fate::Failed => finished.push(place),
            }
        }
        let sql = "update deliveries as d set attempts = d.attempts + 1, tries = d.tries + r.counts, \
             last_attempt_at = r.last_attempt_at, last_status = r.last_status, last_error = r.last_error, \
             out_of_order = d.out_of_order | r.out_of_order, state = coalesce(r.state, d.state), \
             finished_at = r.finished_at from r where d.id = r.id";
        moved.with(self.engine, tx, sql).await?;
        let sql = "delete from queue where (callback_id, delivery_id) in (select callback_id, delivery_id from r)";
        finished.with(self.engine, tx, sql).await?;
        let sql = "update queue as q set due_at = r.due_at, retry = 1 from r \
             where q.callback_id = r.callback_id and q.delivery_id = r.delivery_id";
        postponed.with(self.engine, tx, sql).await?;
        Ok(())
    }
}

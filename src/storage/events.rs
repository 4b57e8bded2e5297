//! Events, and the deliveries made for them in the same transaction.

use sqlx::{Any, AssertSqlSafe, Transaction};

use super::Db;
use super::callbacks::{CALLBACK_COLUMNS, callback};
use super::rows::{Read, to_json};
use crate::deliveries::{DeliveryState, Queued, Waiting, render};
use crate::model::{DeliveryId, Millis, StoreError};
use crate::streams::{Event, StoredSession};

impl Db {
    /// Appends an event and, if its domain still has callbacks and the dialect tells of it, the delivery for it: queued while
    /// the callback is on and has an address, else skipped.
    pub(super) async fn append_event(
        &self,
        tx: &mut Transaction<'static, Any>,
        stored: &StoredSession,
        event: &Event,
        now: Millis,
    ) -> Result<Option<Queued>, StoreError> {
        metrics::counter!("callsheet_events_total", "event" => event.name.as_str()).increment(1);
        let event_id = self.ids.next(now);
        sqlx::query(
            "insert into events (id, session_id, domain_id, name, status, sequence, happened_at, stored_at, detail) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(event_id)
        .bind(stored.id.0)
        .bind(stored.domain_id.0)
        .bind(event.name.as_str())
        .bind(event.status.as_str())
        .bind(event.sequence)
        .bind(event.at)
        .bind(now)
        .bind(to_json(event)?)
        .execute(&mut **tx)
        .await?;
        let sql = format!(
            "select {CALLBACK_COLUMNS} from callbacks c where c.domain_id = $1 and c.kind = $2{}",
            // A callback that is being turned off either sees this delivery or is seen off by it.
            self.engine.for_update()
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(stored.domain_id.0)
            .bind(event.name.kind().as_str())
            .fetch_optional(&mut **tx)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let callback = callback(&row)?;
        let told = render(callback.dialect, &stored.domain, &stored.app, &stored.stream, event);
        let Some(told) = told else { return Ok(None) };
        let goes = callback.enabled && callback.address.is_some();
        let state = if goes { DeliveryState::Pending } else { DeliveryState::Skipped };
        let id = DeliveryId(self.ids.next(now));
        sqlx::query(
            "insert into deliveries (id, event_id, callback_id, domain_id, session_id, kind, event, app, stream, sequence, \
             happened_at, body, state, attempts, tries, out_of_order, finished_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0, 0, $14)",
        )
        .bind(id.0)
        .bind(event_id)
        .bind(callback.id.0)
        .bind(stored.domain_id.0)
        .bind(stored.id.0)
        .bind(event.name.kind().as_str())
        .bind(told.event.as_str())
        .bind(stored.app.clone())
        .bind(stored.stream.clone())
        .bind(event.sequence)
        .bind(event.at)
        .bind(told.body)
        .bind(state.as_str())
        .bind((!goes).then_some(now))
        .execute(&mut **tx)
        .await?;
        if !goes {
            return Ok(None);
        }
        let stream_key = if callback.ordered { format!("{}/{}", stored.app, stored.stream) } else { id.to_string() };
        let waiting = Waiting { delivery: id, callback: callback.id, stream_key, due_at: now };
        Ok(Some(enqueue(tx, waiting).await?))
    }
}

/// Puts a delivery into the queue, or changes when it is due; one that waits already keeps its place in its stream.
pub(super) async fn enqueue(tx: &mut Transaction<'static, Any>, mut waiting: Waiting) -> Result<Queued, StoreError> {
    let row = sqlx::query(
        "insert into queue (due_at, delivery_id, callback_id, stream_key) values ($1, $2, $3, $4) \
         on conflict (delivery_id) do update set due_at = excluded.due_at returning stream_key",
    )
    .bind(waiting.due_at)
    .bind(waiting.delivery.0)
    .bind(waiting.callback.0)
    .bind(waiting.stream_key.clone())
    .fetch_one(&mut **tx)
    .await?;
    waiting.stream_key = row.col("stream_key")?;
    Ok(Queued::Put(waiting))
}

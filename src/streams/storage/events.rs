//! Events, and the deliveries made for them in the same transaction.

use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use sqlx::AnyConnection;

use crate::callbacks::Dialect;
use crate::deliveries::{DeliveryState, QueueChange, QueuedDelivery, render};
use crate::model::{CallbackId, CallbackKind, DeliveryId, DomainId, StoreError};
use crate::storage::batch::Rows;
use crate::storage::rows::to_json;
use crate::storage::{DATABASE_NOW, Db, Engine};
use crate::streams::storage::reports::NewEvent;

/// A callback, as far as it decides what is delivered.
#[derive(Deserialize)]
struct CallbackTarget {
    id: CallbackId,
    domain: DomainId,
    kind: CallbackKind,
    dialect: Dialect,
    ordered: i64,
    /// Not 0: it is on and has an address.
    on: i64,
    /// Its latest delivery, or 0.
    latest: i64,
}

impl Db {
    /// Appends events and, where a domain still has callbacks and their dialect tells of it, the deliveries for them: queued while
    /// the callback is on and has an address, else skipped.
    pub(crate) async fn append_events(
        &self,
        tx: &mut AnyConnection,
        happened: &[NewEvent<'_>],
    ) -> Result<Vec<QueueChange>, StoreError> {
        if happened.is_empty() {
            return Ok(Vec::new());
        }
        let callbacks = self.callbacks_of(tx, happened).await?;
        let mut queued = Vec::new();
        let mut events = Rows::new(
            ["id", "session_id", "domain_id", "name", "status", "sequence", "happened_at", "stored_at", "detail"],
            happened.len(),
        );
        let mut deliveries = Rows::new(
            [
                "id",
                "event_id",
                "callback_id",
                "domain_id",
                "session_id",
                "kind",
                "event",
                "app",
                "stream",
                "sequence",
                "happened_at",
                "body",
                "state",
                "attempts",
                "tries",
                "out_of_order",
                "finished_at",
            ],
            happened.len(),
        );
        for NewEvent { stored, event, now } in happened {
            let event_id = self.ids.next(*now);
            events.push([
                event_id.into(),
                stored.id.0.into(),
                stored.domain_id.0.into(),
                event.name.as_str().into(),
                event.status.as_str().into(),
                event.sequence.into(),
                event.at.into(),
                (*now).into(),
                to_json(event)?.into(),
            ]);
            let Some(callback) = callbacks.get(&(stored.domain_id, event.name.kind())) else { continue };
            let told = render(callback.dialect, &stored.domain, &stored.app, &stored.stream, event);
            let Some(told) = told else { continue };
            let goes = callback.on != 0;
            let state = if goes { DeliveryState::Pending } else { DeliveryState::Skipped };
            let id = DeliveryId(self.ids.next(*now));
            deliveries.push([
                id.0.into(),
                event_id.into(),
                callback.id.0.into(),
                stored.domain_id.0.into(),
                stored.id.0.into(),
                event.name.kind().as_str().into(),
                told.event.as_str().into(),
                stored.app.clone().into(),
                stored.stream.clone().into(),
                event.sequence.into(),
                event.at.into(),
                told.body.into(),
                state.as_str().into(),
                0.into(),
                0.into(),
                false.into(),
                (!goes).then_some(*now).into(),
            ]);
            if goes {
                let stream_key =
                    if callback.ordered != 0 { format!("{}/{}", stored.app, stored.stream) } else { id.to_string() };
                queued.push(QueuedDelivery {
                    delivery: id,
                    callback: callback.id,
                    stream_key,
                    due_at: *now,
                    retry: false,
                    queued_at: *now,
                });
            }
        }
        events.insert(self.engine, tx, "events", "").await?;
        deliveries.insert(self.engine, tx, "deliveries", "").await?;
        self.enqueue(tx, &queued).await?;
        Ok(queued.into_iter().map(QueueChange::Added).collect())
    }

    async fn callbacks_of(
        &self,
        tx: &mut AnyConnection,
        happened: &[NewEvent<'_>],
    ) -> Result<HashMap<(DomainId, CallbackKind), CallbackTarget>, StoreError> {
        let domains: BTreeSet<i64> = happened.iter().map(|one| one.stored.domain_id.0).collect();
        let mut rows = Rows::new(["domain_id"], domains.len());
        domains.into_iter().for_each(|domain| rows.push([domain.into()]));
        let from = format!(
            "from (select * from callbacks where domain_id in (select domain_id from r) order by id{}) c",
            // A callback that is being turned off either sees these deliveries or is seen off by them.
            self.engine.for_share()
        );
        let latest = match self.engine {
            Engine::Sqlite => "0",
            Engine::Postgres => "coalesce((select max(d.id) from deliveries d where d.callback_id = c.id), 0)",
        };
        let columns = format!(
            "id, domain_id, kind, dialect, ordered, case when address is null then 0 else enabled end, {latest}"
        );
        let found = rows.read::<CallbackTarget>(self.engine, tx, &columns, &from).await?;
        // The order of ids is that of events, also where processes with different clocks tell of them.
        if let Some(latest) = found.iter().map(|callback| callback.latest).max() {
            self.ids.follow(latest);
        }
        Ok(found.into_iter().map(|callback| ((callback.domain, callback.kind), callback)).collect())
    }

    /// Puts deliveries into the queue, or changes when they are due; one that waits already keeps its place in its stream. PostgreSQL
    /// says itself when that was, because other processes look for it, whose clocks differ.
    pub(crate) async fn enqueue(&self, tx: &mut AnyConnection, waiting: &[QueuedDelivery]) -> Result<(), StoreError> {
        let columns = ["callback_id", "delivery_id", "stream_key", "due_at", "retry", "queued_at"];
        let mut rows = Rows::new(columns, waiting.len());
        for w in waiting {
            rows.push([
                w.callback.0.into(),
                w.delivery.0.into(),
                w.stream_key.clone().into(),
                w.due_at.into(),
                w.retry.into(),
                w.queued_at.into(),
            ]);
        }
        let ending = " on conflict (callback_id, delivery_id) do update set due_at = excluded.due_at, \
             retry = excluded.retry, queued_at = excluded.queued_at";
        match self.engine {
            Engine::Sqlite => rows.insert(self.engine, tx, "queue", ending).await?,
            Engine::Postgres => {
                let row = "callback_id, delivery_id, stream_key, due_at, retry";
                let sql = format!(
                    "insert into queue ({row}, queued_at) select {row}, {DATABASE_NOW} from r where callback_id is not null{ending}"
                );
                rows.with(self.engine, tx, &sql).await?
            }
        };
        Ok(())
    }
}

//! What the delivery loop reads and writes, many rows in a statement.

pub(crate) mod leases;
pub(crate) mod log;
pub(crate) mod poll;
pub(crate) mod recoveries;
pub(crate) mod recovery_counts;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::callbacks::Callback;
use crate::callbacks::storage::{CALLBACK_COLUMNS, callback};
use crate::deliveries::storage::recovery_counts::Ended;
use crate::deliveries::{
    AttemptRecord, CallbackOff, DeliveryState, Fate, Ownership, PhaseView, Ready, SHARDS, SPREAD, Waiting,
};
use crate::model::{CallbackId, DeliveryId, EventName, Millis, RecoveryId, SessionId, StoreError};
use crate::storage::Db;
use crate::storage::batch::{Cell, Rows};
use crate::storage::rows::{Read, to_json};

const WAITING_COLUMNS: &str = "callback_id, delivery_id, stream_key, due_at, retry, queued_at";

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

/// Those rows of the queue that can be read. The others stop nothing but themselves.
pub(crate) fn readable<'r>(rows: impl IntoIterator<Item = &'r AnyRow>) -> Vec<Waiting> {
    let read = |row| {
        let unreadable = |error: &StoreError| {
            tracing::error!(error = error as &dyn std::error::Error, "cannot read a row of the queue");
        };
        waiting(row).inspect_err(unreadable).ok()
    };
    rows.into_iter().filter_map(read).collect()
}

/// A condition on `callback_id`: that its shard is owned.
pub(crate) fn is_owned(owned: &Ownership) -> String {
    match owned {
        Ownership::All => "1 = 1".to_owned(),
        Ownership::Shards { epochs, .. } if epochs.is_empty() => "1 = 0".to_owned(),
        Ownership::Shards { epochs, .. } => {
            let shards: Vec<String> = epochs.keys().map(i64::to_string).collect();
            format!("callback_id * {SPREAD} % {SHARDS} in ({})", shards.join(", "))
        }
    }
}

/// What `Db::read_ready` reads of a delivery.
type ReadyRow = (i64, CallbackId, EventName, i64, i64, Millis, String, i64, i64);

/// What `Db::find_places` reads: a delivery, whether it is gone, whether its attempt is recorded, its recovery.
type FoundRow = (i64, i64, i64, Option<i64>);

/// What became of the deliveries of attempts meanwhile.
#[derive(Default)]
struct Found {
    /// Somebody cancelled them.
    gone: BTreeSet<DeliveryId>,
    /// The attempt is written down.
    recorded: BTreeSet<DeliveryId>,
    /// The recoveries that queued them.
    recoveries: BTreeMap<DeliveryId, RecoveryId>,
}

fn attempt_rows<'a>(attempts: impl IntoIterator<Item = &'a (AttemptRecord, Fate)>) -> Result<Rows<13>, StoreError> {
    let columns = [
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
    ];
    let mut rows = Rows::new(columns, 0);
    for (record, _) in attempts {
        let phases: Vec<_> = record.phases.iter().map(PhaseView::columns).collect();
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
            to_json(&phases)?.into(),
            to_json(&record.request_headers)?.into(),
            record.status.map(|_| to_json(&record.response_headers)).transpose()?.into(),
            record.status.map(|_| record.response_body.clone()).into(),
        ]);
    }
    Ok(rows)
}

impl Db {
    /// Rows of the queue that `owned` holds, after `(callback, delivery)`, in order of that pair.
    pub async fn waiting(
        &self,
        owned: &Ownership,
        after: (CallbackId, DeliveryId),
        limit: i64,
    ) -> Result<Vec<Waiting>, StoreError> {
        let sql = format!(
            "select {WAITING_COLUMNS} from queue \
             where (callback_id, delivery_id) > ($1, $2) and {} order by callback_id, delivery_id limit $3",
            is_owned(owned)
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(after.0.0).bind(after.1.0).bind(limit);
        Ok(readable(&query.fetch_all(&self.read).await?))
    }

    /// Rows of the queue of one callback, after this delivery, in order.
    pub async fn waiting_of(
        &self,
        callback: CallbackId,
        after: DeliveryId,
        limit: i64,
    ) -> Result<Vec<Waiting>, StoreError> {
        let sql = format!(
            "select {WAITING_COLUMNS} from queue where callback_id = $1 and delivery_id > $2 order by delivery_id limit $3"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(callback.0).bind(after.0).bind(limit);
        Ok(readable(&query.fetch_all(self.hot_read()).await?))
    }

    /// Those of the deliveries that still wait, with their callbacks as they are now.
    pub async fn ready(&self, deliveries: &[(CallbackId, DeliveryId)]) -> Result<Vec<Ready>, StoreError> {
        let mut places = Rows::new(["callback_id", "delivery_id"], deliveries.len());
        for (callback, delivery) in deliveries {
            places.push([callback.0.into(), delivery.0.into()]);
        }
        let mut connection = self.hot_read().acquire().await?;
        let sql = format!("select {CALLBACK_COLUMNS} from callbacks c where c.id in (select callback_id from r)");
        let mut callbacks: HashMap<CallbackId, Arc<Callback>> = HashMap::new();
        for row in &places.clone().with(self.engine, &mut connection, &sql).await? {
            let callback = callback(row)?;
            callbacks.insert(callback.id, Arc::new(callback));
        }
        let columns = format!(
            "d.id, d.callback_id, d.event, d.session_id, d.sequence, d.happened_at, {}, d.attempts, d.tries",
            self.engine.text("d.body")
        );
        let from = "from r join queue q on q.callback_id = r.callback_id and q.delivery_id = r.delivery_id \
             join deliveries d on d.id = r.delivery_id";
        let found = places.read(self.engine, &mut connection, &columns, from).await?;
        let ready = found.into_iter().filter_map(|row: ReadyRow| {
            let (id, callback, event, session, sequence, happened_at, body, attempts, tries) = row;
            Some(Ready {
                id: DeliveryId(id),
                event,
                session: SessionId(session),
                sequence,
                happened_at,
                body: body.into_bytes(),
                attempts,
                tries,
                callback: callbacks.get(&callback)?.clone(),
            })
        });
        Ok(ready.collect())
    }

    /// Appends the attempts and moves their deliveries on, all in one transaction. A delivery that waits no more keeps its state
    /// unless it was delivered. Returns the attempts that were not written, because `owned` is no longer true of them: another worker
    /// has taken their shard over, and will make them again.
    pub async fn complete(
        &self,
        owned: &Ownership,
        attempts: &[(AttemptRecord, Fate)],
        off: &[CallbackOff],
    ) -> Result<Vec<DeliveryId>, StoreError> {
        let rows = attempt_rows(attempts)?;
        let mut tx = self.begin_hot().await?;
        let held = self.held(&mut tx, owned).await?;
        let (mine, refused): (Vec<_>, Vec<_>) = attempts.iter().partition(|(record, _)| held.holds(record.callback));
        let found = self.find_places(&mut tx, &mine).await?;
        // An attempt that is there already was written by a commit whose answer got lost.
        let is_new = |record: &AttemptRecord| !found.recorded.contains(&record.delivery);
        let new: Vec<_> = mine.into_iter().filter(|(record, _)| is_new(record)).collect();
        let rows = if new.len() == attempts.len() { rows } else { attempt_rows(new.iter().copied())? };
        rows.insert(self.engine, &mut tx, "attempts", "").await?;
        self.move_deliveries(&mut tx, &new, &found).await?;
        self.write_latest(&mut tx, new.iter().map(|(record, _)| record)).await?;
        let mut queued = Vec::new();
        for off in off.iter().filter(|off| held.holds(off.callback)) {
            queued.extend(self.turn_off(&mut tx, off).await?);
        }
        self.commit(tx, queued).await?;
        Ok(refused.iter().map(|(record, _)| record.delivery).collect())
    }
}

impl Db {
    /// Length of the queue, as far as it is owned.
    pub async fn queue_depth(&self, owned: &Ownership) -> Result<i64, StoreError> {
        let sql = format!("select count(*) as n from queue where {}", is_owned(owned));
        sqlx::query(AssertSqlSafe(sql)).fetch_one(&self.read).await?.col("n")
    }

    /// Of most attempts there is nothing to be found.
    async fn find_places(
        &self,
        tx: &mut AnyConnection,
        attempts: &[&(AttemptRecord, Fate)],
    ) -> Result<Found, StoreError> {
        let mut places = Rows::new(["callback_id", "delivery_id", "number"], attempts.len());
        for (record, _) in attempts {
            places.push([record.callback.0.into(), record.delivery.0.into(), record.number.into()]);
        }
        if self.is_shared() {
            let lock = "select count(*) from (select 1 from r join queue q on q.callback_id = r.callback_id \
                 and q.delivery_id = r.delivery_id order by q.callback_id, q.delivery_id for update of q) locked";
            places.clone().with(self.engine, tx, lock).await?;
        }
        let is_gone = "case when q.delivery_id is null then 1 else 0 end";
        let is_recorded = "case when a.number is null then 0 else 1 end";
        let from = "from r left join queue q on q.callback_id = r.callback_id and q.delivery_id = r.delivery_id \
             left join attempts a on a.delivery_id = r.delivery_id and a.number = r.number \
             where r.delivery_id is not null and (q.delivery_id is null or a.number is not null or q.recovery_id is not null)";
        let columns = format!("r.delivery_id, {is_gone}, {is_recorded}, q.recovery_id");
        let mut found = Found::default();
        for (delivery, gone, recorded, recovery) in places.read::<FoundRow>(self.engine, tx, &columns, from).await? {
            found.recoveries.extend(recovery.map(|recovery| (DeliveryId(delivery), RecoveryId(recovery))));
            found.gone.extend((gone != 0).then_some(DeliveryId(delivery)));
            found.recorded.extend((recorded != 0).then_some(DeliveryId(delivery)));
        }
        Ok(found)
    }

    async fn move_deliveries(
        &self,
        tx: &mut AnyConnection,
        attempts: &[&(AttemptRecord, Fate)],
        found: &Found,
    ) -> Result<(), StoreError> {
        const PLACE: [&str; 2] = ["callback_id", "delivery_id"];
        let mut moved = Rows::new(
            ["id", "counts", "last_attempt_at", "last_status", "last_error", "out_of_order", "state", "finished_at"],
            attempts.len(),
        );
        let (mut finished, mut failed) = (Rows::new(PLACE, attempts.len()), Rows::new(PLACE, 0));
        let mut postponed = Rows::new(["callback_id", "delivery_id", "due_at"], 0);
        let mut ended = Ended::default();
        for (record, fate) in attempts {
            let state = match (fate, !found.gone.contains(&record.delivery)) {
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
            if state == Some(DeliveryState::Failed) {
                failed.push(place.clone());
            }
            if let (Some(state), Some(recovery)) = (state, found.recoveries.get(&record.delivery)) {
                ended.count(*recovery, record.callback, state);
            }
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
        failed.insert(self.engine, tx, "failures", " on conflict (callback_id, delivery_id) do nothing").await?;
        let sql = "delete from queue where (callback_id, delivery_id) in (select callback_id, delivery_id from r)";
        finished.with(self.engine, tx, sql).await?;
        let sql = "update queue as q set due_at = r.due_at, retry = 1 from r \
             where q.callback_id = r.callback_id and q.delivery_id = r.delivery_id";
        postponed.with(self.engine, tx, sql).await?;
        self.write_ended(tx, ended).await
    }
}

//! SQL of the delivery loop, with many rows in each statement.

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
use crate::deliveries::storage::recovery_counts::RecoveryCounts;
use crate::deliveries::{
    CallbackOff, CompletedAttempt, DeliveryOutcome, DeliveryState, Dispatch, Ownership, PhaseView, PreparedDelivery,
    QueuedDelivery, SHARDS, SPREAD,
};
use crate::model::{CallbackId, DeliveryId, EventName, Millis, RecoveryId, SessionId, StoreError};
use crate::storage::Db;
use crate::storage::batch::{Cell, Rows};
use crate::storage::rows::{Read, to_json};

const QUEUE_COLUMNS: &str = "callback_id, delivery_id, stream_key, due_at, retry, queued_at";

fn queued_delivery(row: &AnyRow) -> Result<QueuedDelivery, StoreError> {
    Ok(QueuedDelivery {
        delivery: DeliveryId(row.col("delivery_id")?),
        callback: CallbackId(row.col("callback_id")?),
        stream_key: row.col("stream_key")?,
        due_at: row.col("due_at")?,
        retry: row.flag("retry")?,
        queued_at: row.col("queued_at")?,
    })
}

/// Decodes rows of the queue. Logs and skips invalid ones, so that they do not block the others.
pub(crate) fn queued_deliveries<'r>(rows: impl IntoIterator<Item = &'r AnyRow>) -> Vec<QueuedDelivery> {
    let decode = |row| {
        let log = |error: &StoreError| {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "failed to decode a row of the queue; skipping it"
            );
        };
        queued_delivery(row).inspect_err(log).ok()
    };
    rows.into_iter().filter_map(decode).collect()
}

/// Returns the SQL condition that the shard of `callback_id` is owned.
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

/// A row of `Db::prepare_deliveries`.
type PreparedRow = (i64, CallbackId, EventName, i64, i64, Millis, String, i64, i64);

/// A row of `Db::find_exceptions`: a delivery, whether it is no longer queued, whether its attempt is recorded, and its recovery.
type ExceptionRow = (i64, i64, i64, Option<i64>);

/// Deliveries whose attempts need special treatment. Most attempts have none.
#[derive(Default)]
struct Exceptions {
    /// Cancelled during the attempt.
    not_queued: BTreeSet<DeliveryId>,
    /// The attempt is recorded already.
    recorded: BTreeSet<DeliveryId>,
    /// Queued by these recoveries.
    recoveries: BTreeMap<DeliveryId, RecoveryId>,
}

fn attempt_rows<'a>(attempts: impl IntoIterator<Item = &'a CompletedAttempt>) -> Result<Rows<13>, StoreError> {
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
    for attempt in attempts {
        let phases: Vec<_> = attempt.phases.iter().map(PhaseView::columns).collect();
        rows.push([
            attempt.delivery.0.into(),
            attempt.number.into(),
            attempt.started_at.into(),
            attempt.millis.into(),
            attempt.address.as_str().into(),
            attempt.succeeded().into(),
            attempt.status.into(),
            attempt.error_class.into(),
            attempt.error.clone().into(),
            to_json(&phases)?.into(),
            to_json(&attempt.request_headers)?.into(),
            attempt.status.map(|_| to_json(&attempt.response_headers)).transpose()?.into(),
            attempt.status.map(|_| attempt.response_body.clone()).into(),
        ]);
    }
    Ok(rows)
}

impl Db {
    /// Returns rows of the owned part of the queue after `(callback, delivery)`, in order of that pair.
    pub async fn queued_deliveries(
        &self,
        owned: &Ownership,
        after: (CallbackId, DeliveryId),
        limit: i64,
    ) -> Result<Vec<QueuedDelivery>, StoreError> {
        let sql = format!(
            "select {QUEUE_COLUMNS} from queue \
             where (callback_id, delivery_id) > ($1, $2) and {} order by callback_id, delivery_id limit $3",
            is_owned(owned)
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(after.0.0).bind(after.1.0).bind(limit);
        Ok(queued_deliveries(&query.fetch_all(&self.read).await?))
    }

    /// Returns rows of the queue of one callback after this delivery, in order.
    pub async fn queued_deliveries_of(
        &self,
        callback: CallbackId,
        after: DeliveryId,
        limit: i64,
    ) -> Result<Vec<QueuedDelivery>, StoreError> {
        let sql = format!(
            "select {QUEUE_COLUMNS} from queue where callback_id = $1 and delivery_id > $2 order by delivery_id limit $3"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(callback.0).bind(after.0).bind(limit);
        Ok(queued_deliveries(&query.fetch_all(self.hot_read()).await?))
    }

    /// Returns the current content of those deliveries that are still queued, with their current callbacks.
    pub async fn prepare_deliveries(
        &self,
        dispatches: &[Dispatch],
    ) -> Result<HashMap<DeliveryId, PreparedDelivery>, StoreError> {
        let mut keys = Rows::new(["callback_id", "delivery_id"], dispatches.len());
        for dispatch in dispatches {
            keys.push([dispatch.callback.0.into(), dispatch.delivery.0.into()]);
        }
        let mut connection = self.hot_read().acquire().await?;
        let sql = format!("select {CALLBACK_COLUMNS} from callbacks c where c.id in (select callback_id from r)");
        let mut callbacks: HashMap<CallbackId, Arc<Callback>> = HashMap::new();
        for row in &keys.clone().with(self.engine, &mut connection, &sql).await? {
            let callback = callback(row)?;
            callbacks.insert(callback.id, Arc::new(callback));
        }
        let columns = format!(
            "d.id, d.callback_id, d.event, d.session_id, d.sequence, d.happened_at, {}, d.attempts, d.tries",
            self.engine.text("d.body")
        );
        let from = "from r join queue q on q.callback_id = r.callback_id and q.delivery_id = r.delivery_id \
             join deliveries d on d.id = r.delivery_id";
        let rows = keys.read(self.engine, &mut connection, &columns, from).await?;
        let prepared = rows.into_iter().filter_map(|row: PreparedRow| {
            let (id, callback, event, session, sequence, happened_at, body, attempts, tries) = row;
            let callback = callbacks.get(&callback)?.clone();
            let (session, body) = (SessionId(session), body.into_bytes());
            let delivery = PreparedDelivery { event, session, sequence, happened_at, body, attempts, tries, callback };
            Some((DeliveryId(id), delivery))
        });
        Ok(prepared.collect())
    }

    /// Records attempts and updates their deliveries in one transaction. A delivery that is no longer queued keeps its state unless the
    /// attempt delivered it. Also turns callbacks off: those of `off`, and those whose attempts demand it. Returns the deliveries whose
    /// attempts were refused: another worker has taken over their shards, and will make these attempts again.
    pub async fn complete(
        &self,
        owned: &Ownership,
        attempts: &[CompletedAttempt],
        off: &[CallbackOff],
    ) -> Result<Vec<DeliveryId>, StoreError> {
        let rows = attempt_rows(attempts)?;
        let mut tx = self.begin_hot().await?;
        let held = self.held(&mut tx, owned).await?;
        let (mine, refused): (Vec<_>, Vec<_>) = attempts.iter().partition(|attempt| held.holds(attempt.callback));
        let exceptions = self.find_exceptions(&mut tx, &mine).await?;
        // A recorded attempt was written by a commit whose response was lost.
        let is_new = |attempt: &&CompletedAttempt| !exceptions.recorded.contains(&attempt.delivery);
        let new: Vec<_> = mine.into_iter().filter(is_new).collect();
        let rows = if new.len() == attempts.len() { rows } else { attempt_rows(new.iter().copied())? };
        rows.insert(self.engine, &mut tx, "attempts", "").await?;
        self.update_deliveries(&mut tx, &new, &exceptions).await?;
        self.write_latest(&mut tx, new.iter().copied()).await?;
        let mut changes = Vec::new();
        let off = attempts.iter().filter_map(|attempt| attempt.off.as_ref()).chain(off);
        for off in off.filter(|off| held.holds(off.callback)) {
            changes.extend(self.turn_off(&mut tx, off).await?);
        }
        self.commit(tx, changes).await?;
        Ok(refused.iter().map(|attempt| attempt.delivery).collect())
    }

    /// Returns the length of the owned part of the queue.
    pub async fn queue_depth(&self, owned: &Ownership) -> Result<i64, StoreError> {
        let sql = format!("select count(*) as n from queue where {}", is_owned(owned));
        sqlx::query(AssertSqlSafe(sql)).fetch_one(&self.read).await?.col("n")
    }

    async fn find_exceptions(
        &self,
        tx: &mut AnyConnection,
        attempts: &[&CompletedAttempt],
    ) -> Result<Exceptions, StoreError> {
        let mut keys = Rows::new(["callback_id", "delivery_id", "number"], attempts.len());
        for attempt in attempts {
            keys.push([attempt.callback.0.into(), attempt.delivery.0.into(), attempt.number.into()]);
        }
        if self.is_shared() {
            let lock = "select count(*) from (select 1 from r join queue q on q.callback_id = r.callback_id \
                 and q.delivery_id = r.delivery_id order by q.callback_id, q.delivery_id for update of q) locked";
            keys.clone().with(self.engine, tx, lock).await?;
        }
        let is_not_queued = "case when q.delivery_id is null then 1 else 0 end";
        let is_recorded = "case when a.number is null then 0 else 1 end";
        let from = "from r left join queue q on q.callback_id = r.callback_id and q.delivery_id = r.delivery_id \
             left join attempts a on a.delivery_id = r.delivery_id and a.number = r.number \
             where r.delivery_id is not null and (q.delivery_id is null or a.number is not null or q.recovery_id is not null)";
        let columns = format!("r.delivery_id, {is_not_queued}, {is_recorded}, q.recovery_id");
        let mut exceptions = Exceptions::default();
        for (delivery, not_queued, recorded, recovery) in
            keys.read::<ExceptionRow>(self.engine, tx, &columns, from).await?
        {
            exceptions.recoveries.extend(recovery.map(|recovery| (DeliveryId(delivery), RecoveryId(recovery))));
            exceptions.not_queued.extend((not_queued != 0).then_some(DeliveryId(delivery)));
            exceptions.recorded.extend((recorded != 0).then_some(DeliveryId(delivery)));
        }
        Ok(exceptions)
    }

    async fn update_deliveries(
        &self,
        tx: &mut AnyConnection,
        attempts: &[&CompletedAttempt],
        exceptions: &Exceptions,
    ) -> Result<(), StoreError> {
        const KEY: [&str; 2] = ["callback_id", "delivery_id"];
        let mut updated = Rows::new(
            ["id", "counts", "last_attempt_at", "last_status", "last_error", "out_of_order", "state", "finished_at"],
            attempts.len(),
        );
        let (mut finished, mut failed) = (Rows::new(KEY, attempts.len()), Rows::new(KEY, 0));
        let mut postponed = Rows::new(["callback_id", "delivery_id", "due_at"], 0);
        let mut counts = RecoveryCounts::default();
        for attempt in attempts {
            let state = match (attempt.outcome, !exceptions.not_queued.contains(&attempt.delivery)) {
                (DeliveryOutcome::Delivered, _) => Some(DeliveryState::Delivered),
                // Cancelled during the attempt.
                (_, false) => None,
                (DeliveryOutcome::Failed, true) => Some(DeliveryState::Failed),
                (DeliveryOutcome::Retry { .. }, true) => Some(DeliveryState::Retrying),
            };
            let finished_at = state.is_none_or(|s| !s.waits()).then_some(attempt.started_at + attempt.millis);
            updated.push([
                attempt.delivery.0.into(),
                attempt.counts.into(),
                attempt.started_at.into(),
                attempt.status.into(),
                attempt.error_class.into(),
                attempt.out_of_order.into(),
                state.map(DeliveryState::as_str).into(),
                finished_at.into(),
            ]);
            let key = [attempt.callback.0, attempt.delivery.0].map(Cell::from);
            if state == Some(DeliveryState::Failed) {
                failed.push(key.clone());
            }
            if let (Some(state), Some(recovery)) = (state, exceptions.recoveries.get(&attempt.delivery)) {
                counts.count(*recovery, attempt.callback, state);
            }
            match attempt.outcome {
                DeliveryOutcome::Retry { due_at, .. } => {
                    let [callback, delivery] = key;
                    postponed.push([callback, delivery, due_at.into()]);
                }
                DeliveryOutcome::Delivered | DeliveryOutcome::Failed => finished.push(key),
            }
        }
        let sql = "update deliveries as d set attempts = d.attempts + 1, tries = d.tries + r.counts, \
             last_attempt_at = r.last_attempt_at, last_status = r.last_status, last_error = r.last_error, \
             out_of_order = d.out_of_order | r.out_of_order, state = coalesce(r.state, d.state), \
             finished_at = r.finished_at from r where d.id = r.id";
        updated.with(self.engine, tx, sql).await?;
        failed.insert(self.engine, tx, "failures", " on conflict (callback_id, delivery_id) do nothing").await?;
        let sql = "delete from queue where (callback_id, delivery_id) in (select callback_id, delivery_id from r)";
        finished.with(self.engine, tx, sql).await?;
        let sql = "update queue as q set due_at = r.due_at, retry = 1 from r \
             where q.callback_id = r.callback_id and q.delivery_id = r.delivery_id";
        postponed.with(self.engine, tx, sql).await?;
        self.add_recovery_counts(tx, counts).await
    }
}

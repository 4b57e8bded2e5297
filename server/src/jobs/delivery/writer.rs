//! Commits what attempts bring home, and what they say of their callbacks.

use std::sync::Arc;

use callsheet::callbacks::Pause;
use callsheet::deliveries::{AttemptRecord, CallbackOff, Fate, Leases, Made, Ownership};
use callsheet::model::{CallbackId, StoreError};
use callsheet::storage::Db;
use tokio::sync::{mpsc, watch};

use super::dispatcher::{Home, Landed, Message};
use super::{TRY_AGAIN, TRY_AGAIN_MS};

/// Attempts in one commit at most.
pub(super) const BATCH: usize = 512;

/// Commits attempts in batches. It does not give up: an attempt that was made must be recorded.
pub(super) async fn write(db: Db, mut made: mpsc::Receiver<Home>, messages: mpsc::UnboundedSender<Message>) {
    let mut batch = Vec::with_capacity(BATCH);
    while made.recv_many(&mut batch, BATCH).await > 0 {
        // What was owned changes seldom, so that there is hardly ever more than one round.
        while let Some((_, owned)) = batch.first() {
            let owned = owned.clone();
            let (together, others) = batch.drain(..).partition(|(_, other)| Arc::ptr_eq(other, &owned));
            batch = others;
            let Some(landed) = record(&db, &owned, together, &made).await else { return };
            let _ = messages.send(Message::Landed(landed));
        }
    }
}

/// Commits attempts that departed while this was owned: a shard that was taken over since is not written for, even if this worker
/// has it again. `None`: the console stops and the database is away, so these attempts will be made once more.
async fn record(db: &Db, owned: &Ownership, batch: Vec<Home>, made: &mpsc::Receiver<Home>) -> Option<Vec<Landed>> {
    let (mut records, mut off, mut ends) = (Vec::with_capacity(batch.len()), Vec::new(), Vec::new());
    for (attempt, _) in batch {
        count(&attempt);
        off.extend(attempt.off);
        ends.push((attempt.retry_in, attempt.verdict));
        records.push((attempt.record, attempt.fate));
    }
    let refused = loop {
        match db.complete(owned, &records, &off).await {
            Ok(refused) => break refused,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot record attempts; will try again");
                if made.is_closed() && matches!(error, StoreError::Unavailable(_)) {
                    return None;
                }
                tokio::time::sleep(TRY_AGAIN).await;
            }
        }
    };
    if !refused.is_empty() {
        metrics::counter!("callsheet_refused_attempts_total").increment(refused.len() as u64);
        tracing::warn!(attempts = refused.len(), "another worker has taken over; it will make these attempts again");
    }
    let landed = records.into_iter().zip(ends).map(|((record, _), (retry_in, verdict))| {
        let AttemptRecord { delivery, callback, .. } = record;
        if refused.contains(&delivery) {
            // Its stream must not go on before the loop has heard of what it lost.
            return Landed { delivery, callback, retry_in: Some(TRY_AGAIN_MS), verdict: None };
        }
        Landed { delivery, callback, retry_in, verdict: Some(verdict) }
    });
    Some(landed.collect())
}

/// What is to be stored of a callback's pace.
pub(super) enum Pace {
    Pause(Pause),
    Resumed,
    Off(CallbackOff),
}

/// Stores the pauses of callbacks, in the order in which they come.
pub(super) async fn keep_pace(
    db: Db,
    leases: watch::Receiver<Leases>,
    mut paces: mpsc::UnboundedReceiver<(CallbackId, Pace)>,
    messages: mpsc::UnboundedSender<Message>,
) {
    while let Some((callback, pace)) = paces.recv().await {
        let kept = loop {
            let owned = leases.borrow().owned.clone();
            let kept = match &pace {
                Pace::Pause(pause) => db.set_pause(callback, Some(pause)).await,
                Pace::Resumed => db.set_pause(callback, None).await,
                Pace::Off(off) => db.complete(&owned, &[], std::slice::from_ref(off)).await.map(|_| true),
            };
            match kept {
                Ok(kept) => break kept,
                Err(_) if paces.is_closed() => return,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "cannot store a pause; will try again");
                    tokio::time::sleep(TRY_AGAIN).await;
                }
            }
        };
        if matches!(pace, Pace::Pause(_)) {
            let _ = messages.send(if kept { Message::PauseKept(callback) } else { Message::PauseRefused(callback) });
        }
    }
}

fn count(made: &Made) {
    let kind = made.kind.as_str();
    let outcome = made.record.error_class.unwrap_or("delivered");
    metrics::counter!("callsheet_attempts_total", "kind" => kind, "outcome" => outcome).increment(1);
    metrics::histogram!("callsheet_attempt_duration_seconds").record(made.record.millis as f64 / 1000.0);
    if made.record.number == 1 {
        let delay = made.record.started_at - made.record.delivery.made_at();
        metrics::histogram!("callsheet_delivery_delay_seconds").record(delay as f64 / 1000.0);
    }
    let state = match made.fate {
        Fate::Delivered => "delivered",
        Fate::Failed => "failed",
        Fate::Retry { .. } => return,
    };
    metrics::counter!("callsheet_deliveries_total", "kind" => kind, "state" => state).increment(1);
}

//! Persists attempt results and circuit-breaker changes.

use std::sync::Arc;

use callsheet::callbacks::OffReason;
use callsheet::deliveries::{
    BreakerUpdate, CallbackOff, CompletedAttempt, DeliveryOutcome, Leases, Ownership, Verdict,
};
use callsheet::model::{CallbackId, StoreError};
use callsheet::storage::Db;
use tokio::sync::{mpsc, watch};

use super::messages::{AttemptOutcome, FinishedAttempt, Message, RETRY_DELAY, RETRY_DELAY_MS};

/// Maximum number of attempts in one commit.
pub(super) const BATCH: usize = 512;

/// Records attempts in batches, and retries until it succeeds: an attempt that was made must be recorded.
pub(super) async fn write_attempts(
    db: Db,
    mut finished: mpsc::Receiver<FinishedAttempt>,
    messages: mpsc::UnboundedSender<Message>,
) {
    let mut batch: Vec<FinishedAttempt> = Vec::with_capacity(BATCH);
    while finished.recv_many(&mut batch, BATCH).await > 0 {
        // Ownership seldom changes, so there is rarely more than one round.
        while let Some(first) = batch.first() {
            let owned = first.owned.clone();
            let (same, others) = batch.drain(..).partition(|other| Arc::ptr_eq(&other.owned, &owned));
            batch = others;
            let Some(outcomes) = record(&db, &owned, same, &finished).await else { return };
            let _ = messages.send(Message::Completed(outcomes));
        }
    }
}

/// Records attempts that were started under `owned`. Those of shards that were taken over since are refused, even if this worker has
/// leased the shard again. Returns `None` if the console stops while the database is unavailable; the attempts are then repeated.
async fn record(
    db: &Db,
    owned: &Ownership,
    batch: Vec<FinishedAttempt>,
    finished: &mpsc::Receiver<FinishedAttempt>,
) -> Option<Vec<AttemptOutcome>> {
    let attempts: Vec<CompletedAttempt> = batch.into_iter().map(|finished| finished.attempt).collect();
    attempts.iter().for_each(count);
    let refused = loop {
        match db.complete(owned, &attempts, &[]).await {
            Ok(refused) => break refused,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "failed to record attempts; retrying");
                if finished.is_closed() && matches!(error, StoreError::Unavailable(_)) {
                    return None;
                }
                tokio::time::sleep(RETRY_DELAY).await;
            }
        }
    };
    if !refused.is_empty() {
        metrics::counter!("callsheet_refused_attempts_total").increment(refused.len() as u64);
        tracing::warn!(attempts = refused.len(), "lost the shard lease; the new owner will retry these attempts");
    }
    let outcomes = attempts.into_iter().map(|attempt| {
        let CompletedAttempt { delivery, callback, error_class, status, outcome, .. } = attempt;
        if refused.contains(&delivery) {
            // Its stream must not continue before the dispatcher knows that it lost the shard.
            return AttemptOutcome { delivery, callback, retry_in: Some(RETRY_DELAY_MS), verdict: None };
        }
        let retry_in = match outcome {
            DeliveryOutcome::Retry { wait, .. } => Some(wait),
            DeliveryOutcome::Delivered | DeliveryOutcome::Failed => None,
        };
        AttemptOutcome { delivery, callback, retry_in, verdict: Some(Verdict::of(error_class, status)) }
    });
    Some(outcomes.collect())
}

/// Stores the changes of breakers in order.
pub(super) async fn write_breaker_updates(
    db: Db,
    leases: watch::Receiver<Leases>,
    mut updates: mpsc::UnboundedReceiver<(CallbackId, BreakerUpdate)>,
    messages: mpsc::UnboundedSender<Message>,
) {
    while let Some((callback, update)) = updates.recv().await {
        let pauses = matches!(update, BreakerUpdate::Paused(_) | BreakerUpdate::ProbeFailed(_));
        let stored = loop {
            let owned = leases.borrow().owned.clone();
            let stored = match &update {
                BreakerUpdate::Paused(pause) | BreakerUpdate::ProbeFailed(pause) => {
                    db.set_pause(callback, Some(pause)).await
                }
                BreakerUpdate::Resumed => db.set_pause(callback, None).await,
                BreakerUpdate::TurnOff { at } => {
                    let off = CallbackOff { callback, at: *at, reason: OffReason::PausedForLong };
                    db.complete(&owned, &[], &[off]).await.map(|_| true)
                }
            };
            match stored {
                Ok(stored) => break stored,
                Err(_) if updates.is_closed() => return,
                Err(error) => {
                    tracing::error!(
                        %callback,
                        error = &error as &dyn std::error::Error,
                        "failed to store a breaker change; retrying"
                    );
                    tokio::time::sleep(RETRY_DELAY).await;
                }
            }
        };
        if pauses {
            let _ =
                messages.send(if stored { Message::PauseStored(callback) } else { Message::PauseRefused(callback) });
        }
    }
}

fn count(attempt: &CompletedAttempt) {
    let kind = attempt.kind.as_str();
    let outcome = attempt.error_class.unwrap_or("delivered");
    metrics::counter!("callsheet_attempts_total", "kind" => kind, "outcome" => outcome).increment(1);
    metrics::histogram!("callsheet_attempt_duration_seconds").record(attempt.millis as f64 / 1000.0);
    if attempt.number == 1 {
        let delay = attempt.started_at - attempt.delivery.made_at();
        metrics::histogram!("callsheet_delivery_delay_seconds").record(delay as f64 / 1000.0);
    }
    let state = match attempt.outcome {
        DeliveryOutcome::Delivered => "delivered",
        DeliveryOutcome::Failed => "failed",
        DeliveryOutcome::Retry { .. } => return,
    };
    metrics::counter!("callsheet_deliveries_total", "kind" => kind, "state" => state).increment(1);
}

//! Prepares deliveries in groups, and makes an attempt for each in a task of its own.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use callsheet::deliveries::{DeliverySender, Dispatch, Ownership, PreparedDelivery};
use callsheet::model::{Millis, StoreError};
use futures::FutureExt;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::messages::{AttemptOutcome, FinishedAttempt, Message, RETRY_DELAY_MS};

/// Wait after a delivery could not be decoded, so that an operator can repair its rows.
const UNREADABLE_MS: Millis = 3_600_000;

/// Makes attempts and reports their results.
#[derive(Clone)]
pub(super) struct AttemptRunner {
    pub(super) sender: DeliverySender,
    /// The ownership under which the attempts are started.
    pub(super) owned: Arc<Ownership>,
    pub(super) finished: mpsc::Sender<FinishedAttempt>,
    pub(super) messages: mpsc::UnboundedSender<Message>,
}

/// Why no attempt is made: the wait until the next try in ms, or `None` if the delivery is no longer queued.
type NotSent = Option<Millis>;

impl AttemptRunner {
    /// Starts an attempt for each delivery that is still queued.
    pub(super) async fn run(self, dispatches: Vec<Dispatch>, tasks: TaskTracker) {
        let mut not_sent = Vec::new();
        for (dispatch, prepared) in self.prepare(dispatches).await {
            match prepared {
                Ok(delivery) => drop(tasks.spawn(self.clone().run_attempt(dispatch, delivery))),
                Err(retry_in) => not_sent.push(AttemptOutcome::not_sent(dispatch, retry_in)),
            }
        }
        if !not_sent.is_empty() {
            let _ = self.messages.send(Message::Completed(not_sent));
        }
    }

    /// Reads the deliveries in one statement. If a row is invalid, reads each delivery separately, so that only those with an invalid
    /// row are postponed.
    async fn prepare(&self, dispatches: Vec<Dispatch>) -> Vec<(Dispatch, Result<PreparedDelivery, NotSent>)> {
        let error = match self.sender.prepare(&dispatches).await {
            Ok(mut prepared) => {
                let take = |dispatch: Dispatch| (dispatch, prepared.remove(&dispatch.delivery).ok_or(None));
                return dispatches.into_iter().map(take).collect();
            }
            Err(error) => error,
        };
        if matches!(error, StoreError::Unavailable(_)) {
            tracing::error!(error = &error as &dyn std::error::Error, "failed to read deliveries; retrying");
            return dispatches.into_iter().map(|dispatch| (dispatch, Err(Some(RETRY_DELAY_MS)))).collect();
        }
        if let [dispatch] = dispatches[..] {
            let (delivery, callback) = (dispatch.delivery, dispatch.callback);
            let error = &error as &dyn std::error::Error;
            tracing::error!(%delivery, %callback, error, "failed to read a delivery and its callback; retrying in an hour");
            metrics::counter!("callsheet_unreadable_deliveries_total").increment(1);
            return vec![(dispatch, Err(Some(UNREADABLE_MS)))];
        }
        let mut prepared = Vec::with_capacity(dispatches.len());
        for dispatch in dispatches {
            prepared.append(&mut Box::pin(self.prepare(vec![dispatch])).await);
        }
        prepared
    }

    async fn run_attempt(self, dispatch: Dispatch, delivery: PreparedDelivery) {
        let retry_in = match AssertUnwindSafe(self.sender.attempt(dispatch, delivery)).catch_unwind().await {
            Ok(Ok(Some(attempt))) => {
                // The writer runs until all attempts have ended.
                let _ = self.finished.send(FinishedAttempt { attempt, owned: self.owned }).await;
                return;
            }
            Ok(Ok(None)) => None,
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(delivery = %dispatch.delivery, error, "failed to make an attempt; retrying");
                Some(RETRY_DELAY_MS)
            }
            Err(_) => {
                tracing::error!(delivery = %dispatch.delivery, "an attempt panicked; retrying");
                Some(RETRY_DELAY_MS)
            }
        };
        let _ = self.messages.send(Message::Completed(vec![AttemptOutcome::not_sent(dispatch, retry_in)]));
    }
}

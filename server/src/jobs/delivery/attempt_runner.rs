//! Attempts on their way: reads a group of deliveries as they are now, and makes an attempt for each.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use callsheet::deliveries::{Courier, Departure, Ownership, Ready, log_courier_error};
use callsheet::model::{DeliveryId, Millis, StoreError};
use futures::FutureExt;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::TRY_AGAIN_MS;
use super::dispatcher::{Home, Landed, Message};

/// A delivery that cannot be read is put off for so long: time for a person to repair its rows.
const UNREADABLE_MS: Millis = 3_600_000;

/// Starts attempts and passes on their results.
#[derive(Clone)]
pub(super) struct Flight {
    pub(super) courier: Courier,
    /// The shards that this worker owns when the attempt starts.
    pub(super) owned: Arc<Ownership>,
    pub(super) made: mpsc::Sender<Home>,
    pub(super) messages: mpsc::UnboundedSender<Message>,
}

/// Why no attempt is made: in how many ms it is tried again; `None`: the delivery waits no more.
type NotSent = Option<Millis>;

impl Flight {
    /// Starts an attempt for each delivery that still waits, as a task of its own.
    pub(super) async fn begin(self, group: Vec<Departure>, flights: TaskTracker) {
        let mut not_sent = Vec::new();
        for (departure, ready) in self.prepare(group).await {
            match ready {
                Ok(ready) => drop(flights.spawn(self.clone().fly(departure, ready))),
                Err(retry_in) => not_sent.push(nothing_sent(&departure, retry_in)),
            }
        }
        if !not_sent.is_empty() {
            let _ = self.messages.send(Message::Landed(not_sent));
        }
    }

    /// Reads the deliveries. If a row among them cannot be read, each is read by itself, so that only those with such a row are put off.
    async fn prepare(&self, group: Vec<Departure>) -> Vec<(Departure, Result<Ready, NotSent>)> {
        let error = match self.courier.ready(&group).await {
            Ok(ready) => return pair(group, ready),
            Err(error) => error,
        };
        if matches!(error, StoreError::Unavailable(_)) {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot read deliveries; will try again");
            return group.into_iter().map(|departure| (departure, Err(Some(TRY_AGAIN_MS)))).collect();
        }
        if let [departure] = group[..] {
            let (delivery, callback) = (departure.delivery, departure.callback);
            let error = &error as &dyn std::error::Error;
            tracing::error!(%delivery, %callback, error, "cannot read a delivery and its callback; will try again in an hour");
            metrics::counter!("callsheet_unreadable_deliveries_total").increment(1);
            return vec![(departure, Err(Some(UNREADABLE_MS)))];
        }
        let mut prepared = Vec::with_capacity(group.len());
        for departure in group {
            prepared.append(&mut Box::pin(self.prepare(vec![departure])).await);
        }
        prepared
    }

    async fn fly(self, departure: Departure, ready: Ready) {
        let retry_in = match AssertUnwindSafe(self.courier.attempt(departure, ready)).catch_unwind().await {
            Ok(Ok(Some(attempt))) => {
                // The writer outlives all flights.
                let _ = self.made.send((attempt, self.owned)).await;
                return;
            }
            Ok(Ok(None)) => None,
            Ok(Err(error)) => {
                log_courier_error(&error);
                Some(TRY_AGAIN_MS)
            }
            Err(_) => {
                tracing::error!(delivery = %departure.delivery, "an attempt broke down; will try again");
                Some(TRY_AGAIN_MS)
            }
        };
        let _ = self.messages.send(Message::Landed(vec![nothing_sent(&departure, retry_in)]));
    }
}

fn pair(group: Vec<Departure>, ready: Vec<Ready>) -> Vec<(Departure, Result<Ready, NotSent>)> {
    let mut ready: HashMap<DeliveryId, Ready> = ready.into_iter().map(|ready| (ready.id, ready)).collect();
    group.into_iter().map(|departure| (departure, ready.remove(&departure.delivery).ok_or(None))).collect()
}

fn nothing_sent(departure: &Departure, retry_in: NotSent) -> Landed {
    Landed { delivery: departure.delivery, callback: departure.callback, retry_in, verdict: None }
}

//! Messages between the tasks of the delivery loop.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use callsheet::callbacks::Pause;
use callsheet::deliveries::{
    BreakerUpdate, CompletedAttempt, Dispatch, Epochs, Ownership, PollResult, QueueRead, QueuedDelivery, Verdict,
};
use callsheet::model::{CallbackId, DeliveryId, Millis};
use tokio::sync::mpsc;

/// Wait after an internal error.
pub(super) const RETRY_DELAY_MS: Millis = 1_000;
pub(super) const RETRY_DELAY: Duration = Duration::from_millis(RETRY_DELAY_MS.unsigned_abs());

/// A finished attempt and the shard ownership it was started under.
pub(super) struct FinishedAttempt {
    pub(super) attempt: CompletedAttempt,
    pub(super) owned: Arc<Ownership>,
}

/// The consequence of a recorded attempt, or of one that could not be made, for the run queue and the breaker.
pub(super) struct AttemptOutcome {
    pub(super) delivery: DeliveryId,
    pub(super) callback: CallbackId,
    /// Wait until the next attempt in ms. `None`: there is none.
    pub(super) retry_in: Option<Millis>,
    /// `None`: nothing was sent.
    pub(super) verdict: Option<Verdict>,
}

impl AttemptOutcome {
    pub(super) fn not_sent(dispatch: Dispatch, retry_in: Option<Millis>) -> Self {
        Self { delivery: dispatch.delivery, callback: dispatch.callback, retry_in, verdict: None }
    }
}

/// A message to the dispatcher.
pub(super) enum Message {
    Completed(Vec<AttemptOutcome>),
    /// A page of the queue, read by the load with this number, and the key after which the next page begins.
    Page {
        load: u64,
        rows: Vec<QueuedDelivery>,
        next: Option<(CallbackId, DeliveryId)>,
    },
    /// The next rows of a callback whose queue is only partly in memory.
    ReadRows {
        read: QueueRead,
        rows: Vec<QueuedDelivery>,
    },
    /// The end of a poll. `None`: it failed.
    Polled {
        result: Option<PollResult>,
        took: Duration,
    },
    /// The paused callbacks in the database. `known`: those whose pause this worker had stored before it read them.
    Pauses {
        known: HashSet<CallbackId>,
        paused: Vec<(CallbackId, Pause)>,
    },
    PauseStored(CallbackId),
    /// The pause was not stored: the callback is off, or a user changed it meanwhile.
    PauseRefused(CallbackId),
}

/// The channels of the dispatcher to the other tasks, and from its own tasks to itself.
pub(super) struct Channels {
    pub(super) finished: mpsc::Sender<FinishedAttempt>,
    pub(super) breaker_updates: mpsc::UnboundedSender<(CallbackId, BreakerUpdate)>,
    pub(super) messages: mpsc::UnboundedSender<Message>,
    /// Shards to leave that have no attempt in flight.
    pub(super) drained: mpsc::UnboundedSender<Epochs>,
}

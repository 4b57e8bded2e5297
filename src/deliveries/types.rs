//! A delivery from the queue to its completed attempt, and the shards of the queue that a worker owns.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::PhaseView;
use crate::audit::AuditEntry;
use crate::callbacks::{Callback, OffReason};
use crate::model::{CallbackId, CallbackKind, DeliveryId, EventName, Millis, SessionId};

/// A row of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedDelivery {
    pub delivery: DeliveryId,
    pub callback: CallbackId,
    /// Deliveries of one callback with the same key are sent in order.
    pub stream_key: String,
    pub due_at: Millis,
    /// At least one try failed.
    pub retry: bool,
    /// When it was queued, or queued again by a resend. PostgreSQL stores the time of its own clock.
    pub queued_at: Millis,
}

impl QueuedDelivery {
    /// Returns an ordinary, in-order attempt of this delivery.
    #[must_use]
    pub fn dispatch(&self) -> Dispatch {
        Dispatch { delivery: self.delivery, callback: self.callback, out_of_order: false, probe: false }
    }
}

/// A change to the queue that was committed. The delivery loop gets no notice of the attempts that it records itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueChange {
    Added(QueuedDelivery),
    Removed(DeliveryId),
    /// A user changed or resumed the callback, or it was turned off automatically: it is no longer paused.
    CallbackChanged(CallbackId),
}

/// An attempt to make now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dispatch {
    pub delivery: DeliveryId,
    pub callback: CallbackId,
    /// It is sent before an earlier event of its stream.
    pub out_of_order: bool,
    /// It tests whether a paused callback works again; a failed probe does not use up a try.
    pub probe: bool,
}

/// The current content of a delivery to attempt, and its current callback.
#[derive(Debug)]
pub struct PreparedDelivery {
    pub event: EventName,
    pub session: SessionId,
    pub sequence: i64,
    pub happened_at: Millis,
    pub body: Vec<u8>,
    pub attempts: i64,
    pub tries: i64,
    pub callback: Arc<Callback>,
}

/// An HTTP attempt that was made, and its consequences for the delivery and the callback.
#[derive(Debug, Clone)]
pub struct CompletedAttempt {
    pub delivery: DeliveryId,
    pub callback: CallbackId,
    pub kind: CallbackKind,
    pub number: i64,
    pub started_at: Millis,
    pub millis: i64,
    pub address: String,
    pub status: Option<i64>,
    /// `None`: it succeeded.
    pub error_class: Option<&'static str>,
    pub error: Option<String>,
    pub phases: Vec<PhaseView>,
    pub request_headers: Vec<(String, String)>,
    pub response_headers: Vec<(String, String)>,
    pub response_body: Vec<u8>,
    pub out_of_order: bool,
    /// It used up one of the delivery's tries.
    pub counts: bool,
    pub outcome: DeliveryOutcome,
    /// Set if the response turns the callback off.
    pub off: Option<CallbackOff>,
}

impl CompletedAttempt {
    /// Returns whether the receiver accepted the delivery.
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        self.error_class.is_none()
    }
}

/// The state of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryOutcome {
    Delivered,
    Retry {
        due_at: Millis,
        /// Time from the end of the attempt to `due_at`, which does not change when the wall clock is set.
        wait: Millis,
    },
    Failed,
}

/// An automatic turn-off of a callback.
#[derive(Debug, Clone)]
pub struct CallbackOff {
    pub callback: CallbackId,
    pub at: Millis,
    pub reason: OffReason,
}

impl CallbackOff {
    /// Returns the audit entry, whose actor is the console.
    pub(crate) fn audit(&self, kind: CallbackKind, push_domain: String) -> AuditEntry {
        let detail = json!({
            "kind": kind,
            "before": { "enabled": true },
            "after": { "enabled": false },
            "reason": self.reason,
        });
        AuditEntry::of_console(self.at, "callback.turned_off", push_domain, detail)
    }
}

/// The part of the queue that one worker owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// The database has only one worker.
    All,
    /// Leased shards, each with the epoch of its lease.
    Shards { worker: String, epochs: BTreeMap<i64, i64> },
}

/// Number of shards that callbacks are distributed over.
pub const SHARDS: i64 = 256;

/// Callbacks are numbered consecutively, and a worker owns consecutive shards. This factor spreads even a few callbacks over all workers.
pub const SPREAD: i64 = 157;

/// Returns the shard of a callback.
#[must_use]
pub const fn shard_of(callback: CallbackId) -> i64 {
    callback.0 * SPREAD % SHARDS
}

impl Ownership {
    /// Returns whether this worker delivers for the callback.
    #[must_use]
    pub fn holds(&self, callback: CallbackId) -> bool {
        match self {
            Self::All => true,
            Self::Shards { epochs, .. } => epochs.contains_key(&shard_of(callback)),
        }
    }

    /// Returns whether it includes a shard, or a newer lease of a shard, that `before` does not include. Always true for `All`.
    #[must_use]
    pub fn has_more_than(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::Shards { epochs, .. }, Self::Shards { epochs: before, .. }) => {
                epochs.iter().any(|(shard, epoch)| before.get(shard) != Some(epoch))
            }
            (Self::All, _) => true,
            (Self::Shards { epochs, .. }, Self::All) => !epochs.is_empty(),
        }
    }
}

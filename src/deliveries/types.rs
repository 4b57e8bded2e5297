//! What deliveries on their way need stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::PhaseView;
use crate::audit::AuditEntry;
use crate::callbacks::{Callback, OffReason};
use crate::model::{CallbackId, CallbackKind, DeliveryId, EventName, Millis, SessionId};

/// A row of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub delivery: DeliveryId,
    pub callback: CallbackId,
    /// Deliveries of one callback with the same key keep their order.
    pub stream_key: String,
    pub due_at: Millis,
    /// Some try has failed.
    pub retry: bool,
    /// When it was queued, or queued anew by a resend. In the table of a shared database: by the database's clock.
    pub queued_at: Millis,
}

/// What a commit changed for the delivery loop. What the loop itself completes is not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Queued {
    Put(Waiting),
    Removed(DeliveryId),
    /// A person changed or resumed it, or the console turned it off: it is not paused any more.
    CallbackChanged(CallbackId),
}

/// What one worker owns of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// The database has one worker.
    All,
    /// Shards by lease, each with the epoch in which it was taken.
    Shards { worker: String, epochs: BTreeMap<i64, i64> },
}

/// Into how many shards callbacks fall.
pub const SHARDS: i64 = 256;

/// Workers own neighbouring shards, and ids of callbacks are neighbours as well: a factor scatters them, so that a few callbacks
/// are spread over all workers.
pub const SPREAD: i64 = 157;

/// The shard of a callback.
#[must_use]
pub const fn shard_of(callback: CallbackId) -> i64 {
    callback.0 * SPREAD % SHARDS
}

impl Ownership {
    /// Whether deliveries of this callback are this worker's.
    #[must_use]
    pub fn holds(&self, callback: CallbackId) -> bool {
        match self {
            Self::All => true,
            Self::Shards { epochs, .. } => epochs.contains_key(&shard_of(callback)),
        }
    }

    /// Whether it holds a shard that `before` did not hold, or not in this epoch. What holds all always does.
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

/// A delivery ready for an attempt, with its callback as it is now.
#[derive(Debug)]
pub struct Ready {
    pub id: DeliveryId,
    pub event: EventName,
    pub session: SessionId,
    pub sequence: i64,
    pub happened_at: Millis,
    pub body: Vec<u8>,
    pub attempts: i64,
    pub tries: i64,
    pub callback: Arc<Callback>,
}

/// One HTTP request that was made.
#[derive(Debug, Clone)]
pub struct AttemptRecord {
    pub delivery: DeliveryId,
    pub callback: CallbackId,
    pub number: i64,
    pub started_at: Millis,
    pub millis: i64,
    pub address: String,
    pub succeeded: bool,
    pub status: Option<i64>,
    pub error_class: Option<&'static str>,
    pub error: Option<String>,
    pub phases: Vec<PhaseView>,
    pub request_headers: Vec<(String, String)>,
    pub response_headers: Vec<(String, String)>,
    pub response_body: Vec<u8>,
    pub out_of_order: bool,
    /// It used up one of the delivery's tries.
    pub counts: bool,
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Delivered,
    Retry { due_at: Millis },
    Failed,
}

/// The console turns a callback off by itself.
#[derive(Debug, Clone)]
pub struct CallbackOff {
    pub callback: CallbackId,
    pub at: Millis,
    pub reason: OffReason,
}

impl CallbackOff {
    /// Its entry in the audit log: nobody did it but the console.
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

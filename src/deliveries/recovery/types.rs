//! Recoveries and their tasks.

use serde::Serialize;

use crate::deliveries::DeliveryFilter;
use crate::model::{CallbackId, DeliveryId, Millis, RecoveryId, string_enum};

string_enum!(
    /// State of a recovery.
    RecoveryState {
        /// Some deliveries are not handled yet.
        Running = "running",
        /// All deliveries were handled.
        Done = "done",
        /// A user stopped it.
        Cancelled = "cancelled",
    }
);

/// A recovery and its progress.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// Deliveries with later ids are not part of it.
    pub id: RecoveryId,
    pub state: RecoveryState,
    pub filter: DeliveryFilter,
    /// Name of the user or API key.
    pub started_by: String,
    pub started_at: Millis,
    pub ended_at: Option<Millis>,
    /// Deliveries that matched when it started.
    pub total: i64,
    /// Deliveries queued again so far.
    pub queued: i64,
    /// Deliveries that were not queued because their callback was off.
    pub left_out: i64,
    /// `None`: not recorded, for example because no delivery matched.
    pub outcome: Option<RecoveryOutcome>,
}

/// The states of the deliveries that a recovery queued.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecoveryOutcome {
    pub delivered: i64,
    /// All tries failed again.
    pub failed: i64,
    /// Queued, retries included.
    pub waiting: i64,
    /// Taken out of the queue by a user, or because their callback was turned off.
    pub cancelled: i64,
}

impl Recovery {
    /// Returns the number of handled deliveries.
    #[must_use]
    pub const fn handled(&self) -> i64 {
        self.queued + self.left_out
    }

    /// Returns the average number of deliveries handled per second, until `now`.
    #[must_use]
    pub fn per_second(&self, now: Millis) -> f64 {
        let millis = (self.ended_at.unwrap_or(now) - self.started_at).max(1);
        self.handled() as f64 * 1000.0 / millis as f64
    }
}

/// The deliveries that a recovery would handle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recoverable {
    /// Matching deliveries.
    pub total: i64,
    /// Those of them whose callback is off, has no address or was removed.
    pub callback_off: i64,
}

/// The number of matching deliveries of one callback.
#[derive(Debug, Clone, Copy)]
pub struct TaskCount {
    pub callback: CallbackId,
    pub deliveries: i64,
    /// The callback is on and has an address.
    pub active: bool,
}

/// The part of a running recovery for one callback.
#[derive(Debug, Clone)]
pub struct RecoveryTask {
    pub recovery: RecoveryId,
    pub callback: CallbackId,
    /// The last handled delivery.
    pub after: DeliveryId,
    pub filter: DeliveryFilter,
}

/// The result of [`super::Recoveries::advance`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecoveryProgress {
    /// No recovery is running.
    Idle,
    /// The queues of all callbacks are too long to add deliveries.
    Blocked,
    /// At least one task handled deliveries.
    Advanced,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recovery(queued: i64, left_out: i64, ended_at: Option<Millis>) -> Recovery {
        Recovery {
            id: RecoveryId(1),
            state: RecoveryState::Running,
            filter: DeliveryFilter::default(),
            started_by: "ada".to_owned(),
            started_at: 10_000,
            ended_at,
            total: 100,
            queued,
            left_out,
            outcome: None,
        }
    }

    #[test]
    fn the_rate_is_an_average_up_to_the_end() {
        assert_eq!(recovery(30, 10, None).per_second(20_000), 4.0);
        assert_eq!(recovery(30, 10, Some(14_000)).per_second(20_000), 10.0);
        assert_eq!(recovery(0, 0, None).per_second(10_000), 0.0);
    }
}

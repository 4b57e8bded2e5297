//! What the log of deliveries needs stored.

use serde::{Deserialize, Serialize};

use super::DeliveryState;
use crate::model::{CallbackKind, EventName, Millis, RecoveryId};

/// Which deliveries to list. Empty fields do not filter.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DeliveryFilter {
    /// ASCII push domain.
    pub domain: Option<String>,
    pub kind: Option<CallbackKind>,
    pub event: Option<EventName>,
    /// `stream` or `app/stream`.
    pub stream: Option<String>,
    pub state: Option<DeliveryState>,
    /// Made from then on (Unix ms).
    pub since: Option<Millis>,
    /// Made before (Unix ms).
    pub until: Option<Millis>,
    /// HTTP status of the last attempt.
    pub status: Option<i64>,
    pub error_class: Option<String>,
    /// Part of the body.
    pub text: Option<String>,
    /// Those that had their turn in this recovery.
    pub recovery: Option<RecoveryId>,
    /// Only these push domains (of a limited key).
    pub only: Option<Vec<String>>,
}

impl DeliveryFilter {
    /// Whether finding a page may mean to read the whole log. Time is what the log is ordered by; all else is found by looking at each row.
    #[must_use]
    pub fn may_read_all(&self) -> bool {
        let Self { domain, kind, event, stream, state, since: _, until: _, status, error_class, text, recovery, only } =
            self;
        [domain, stream, error_class, text].into_iter().any(Option::is_some)
            || kind.is_some()
            || event.is_some()
            || state.is_some()
            || status.is_some()
            || recovery.is_some()
            || only.is_some()
    }
}

//! The filter of the delivery log.

use serde::{Deserialize, Serialize};

use super::DeliveryState;
use crate::model::{CallbackKind, EventName, Millis, RecoveryId};

/// The deliveries to list. A field that is `None` does not filter.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DeliveryFilter {
    /// ASCII push domain.
    pub domain: Option<String>,
    pub kind: Option<CallbackKind>,
    pub event: Option<EventName>,
    /// `stream` or `app/stream`.
    pub stream: Option<String>,
    pub state: Option<DeliveryState>,
    /// Created at or after this time (Unix ms).
    pub since: Option<Millis>,
    /// Created before this time (Unix ms).
    pub until: Option<Millis>,
    /// HTTP status of the last attempt.
    pub status: Option<i64>,
    pub error_class: Option<String>,
    /// Part of the body.
    pub text: Option<String>,
    /// Handled by this recovery.
    pub recovery: Option<RecoveryId>,
    /// Push domains that a restricted actor may see.
    pub only: Option<Vec<String>>,
}

impl DeliveryFilter {
    /// Returns whether listing may scan the whole log. The log is ordered by time only; any other condition is checked row by row.
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

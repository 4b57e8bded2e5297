//! What the log of deliveries needs stored.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{DayFigures, DeliveryDetail, DeliveryRow, DeliveryState};
use crate::audit::AuditEntry;
use crate::model::{CallbackKind, DeliveryId, EventName, Millis, Page, PageRequest, RecoveryId, StoreError};

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

/// The storage of the log. A method is one transaction.
#[async_trait]
pub trait DeliveryLog: Send + Sync {
    /// Newest first.
    async fn list_deliveries(
        &self,
        filter: &DeliveryFilter,
        page: PageRequest,
    ) -> Result<Page<DeliveryRow>, StoreError>;
    async fn delivery_detail(&self, id: DeliveryId) -> Result<Option<DeliveryDetail>, StoreError>;
    /// Deliveries made since (Unix ms), and all that wait now; in the domains of `only` if given.
    async fn figures(&self, since: Millis, only: Option<&[String]>) -> Result<DayFigures, StoreError>;
    /// The push domains of these deliveries, each once.
    async fn domains_of(&self, ids: &[DeliveryId]) -> Result<Vec<String>, StoreError>;
    /// Queues the deliveries anew, each with all its tries. Returns how many; the callback of the others is off, has no
    /// address or is gone.
    async fn resend(&self, ids: &[DeliveryId], now: Millis, audit: &AuditEntry) -> Result<i64, StoreError>;
    /// `false`: it did not wait any more.
    async fn cancel(&self, id: DeliveryId, now: Millis, audit: &AuditEntry) -> Result<bool, StoreError>;
}

//! What callbacks need stored.

use async_trait::async_trait;

use super::Dialect;
use super::change::CallbackChange;
use super::views::CallbackHealth;
use crate::audit::AuditEntry;
use crate::model::{CallbackId, CallbackKind, DomainId, Millis, StoreError};

/// A callback as stored.
#[derive(Debug, Clone)]
pub struct Callback {
    pub id: CallbackId,
    pub domain_id: DomainId,
    pub kind: CallbackKind,
    pub enabled: bool,
    pub address: Option<String>,
    pub dialect: Dialect,
    pub ordered: bool,
    pub timeout_seconds: i64,
    /// Sent with each request, after our own.
    pub headers: Vec<(String, String)>,
    pub secret_sealed: Vec<u8>,
    pub previous_secret_sealed: Option<Vec<u8>>,
    pub previous_secret_until: Option<Millis>,
    pub off_reason: Option<String>,
}

/// The callbacks' storage. A method is one transaction.
#[async_trait]
pub trait CallbackStore: Send + Sync {
    async fn find_callback(&self, domain: DomainId, kind: CallbackKind) -> Result<Option<Callback>, StoreError>;
    /// `since`: start of the window of the counts, Unix ms.
    async fn callback_health(&self, id: CallbackId, since: Millis) -> Result<CallbackHealth, StoreError>;
    /// Writes the settings; when that turns the callback off, cancels what waits for it.
    async fn change_callback(
        &self,
        id: CallbackId,
        change: &CallbackChange,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;
    async fn set_pause(&self, id: CallbackId, pause: Option<&super::Pause>) -> Result<bool, StoreError>;
    async fn paused_callbacks(&self) -> Result<Vec<(CallbackId, super::Pause)>, StoreError>;
    /// The present secret becomes the former one until `overlap_until`.
    async fn rotate_secret(
        &self,
        id: CallbackId,
        sealed: Vec<u8>,
        overlap_until: Millis,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;
}

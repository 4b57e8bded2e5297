//! What callbacks need stored.

use async_trait::async_trait;

use super::change::CallbackChange;
use super::{CallbackHealth, CallbacksAtAGlance};
use super::{Dialect, OffReason, Pause};
use crate::audit::AuditEntry;
use crate::model::{CallbackId, CallbackKind, DomainId, Expected, Millis, StoreError, Version};

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
    pub off_reason: Option<OffReason>,
    pub pause: Option<Pause>,
}

impl Callback {
    /// As that of a [`CallbackView`](super::CallbackView).
    pub(crate) fn version(&self) -> Version {
        let Self { enabled, address, dialect, ordered, timeout_seconds, headers, .. } = self;
        Version::of(&(enabled, address, dialect, ordered, timeout_seconds, headers))
    }

    /// As that of a [`CallbackView`](super::CallbackView), as the next one is.
    pub(crate) fn address_version(&self) -> Version {
        Version::of(&self.address)
    }

    pub(crate) fn options_version(&self) -> Version {
        let Self { dialect, ordered, timeout_seconds, headers, .. } = self;
        Version::of(&(dialect, ordered, timeout_seconds, headers))
    }
}

/// The callbacks' storage. A method is one transaction. What a person changes may be the cure: each of those methods ends a
/// pause, and tells the delivery loop ([`Queued::CallbackChanged`](crate::deliveries::Queued)).
#[async_trait]
pub trait CallbackStore: Send + Sync {
    async fn find_callback(&self, domain: DomainId, kind: CallbackKind) -> Result<Option<Callback>, StoreError>;
    /// `since`: start of the window of the counts, Unix ms.
    async fn callback_health(&self, id: CallbackId, since: Millis) -> Result<CallbackHealth, StoreError>;
    /// Writes the settings; when that turns the callback off, cancels what waits for it. [`StoreError::Changed`]: those that stand are not
    /// of the expected version.
    async fn change_callback(
        &self,
        id: CallbackId,
        change: &CallbackChange,
        expected: &Expected,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;
    /// Ends a pause before its next probe.
    async fn resume_callback(&self, id: CallbackId, now: Millis, audit: &AuditEntry) -> Result<(), StoreError>;
    /// Callbacks that are on, in the push domains of `only` if given. At most `limit` of those in trouble: the paused ones
    /// first, then those whose latest attempt failed.
    async fn callbacks_at_a_glance(
        &self,
        only: Option<&[String]>,
        limit: i64,
    ) -> Result<CallbacksAtAGlance, StoreError>;
    /// Writes what the deliveries found: a new pause, a later probe of the same pause, or its end. `false`: it was not
    /// written, because the callback is off, or a person changed or resumed it since the pause began. Their word stands.
    async fn set_pause(&self, id: CallbackId, pause: Option<&Pause>) -> Result<bool, StoreError>;
    /// All pauses, for the start of the delivery loop.
    async fn paused_callbacks(&self) -> Result<Vec<(CallbackId, Pause)>, StoreError>;
    /// The present secret becomes the former one until `overlap_until`.
    async fn rotate_secret(
        &self,
        id: CallbackId,
        sealed: Vec<u8>,
        overlap_until: Millis,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;
    /// The former secret goes on signing until `until`; one whose time is over is erased. `false`: none signs any more.
    async fn set_overlap(
        &self,
        id: CallbackId,
        until: Millis,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;
}

//! What callbacks need stored.

use super::{Dialect, OffReason, Pause};
use crate::model::{CallbackId, CallbackKind, DomainId, Millis, Version};

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

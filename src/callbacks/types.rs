//! Stored callbacks.

use super::{CallbackSettings, OffReason, Pause};
use crate::model::{CallbackId, CallbackKind, DomainId, Millis};

/// A stored callback.
#[derive(Debug, Clone)]
pub struct Callback {
    pub id: CallbackId,
    pub domain_id: DomainId,
    pub kind: CallbackKind,
    pub settings: CallbackSettings,
    pub secret_sealed: Vec<u8>,
    pub previous_secret_sealed: Option<Vec<u8>>,
    /// The previous secret signs too until then.
    pub previous_secret_until: Option<Millis>,
    pub off_reason: Option<OffReason>,
    pub pause: Option<Pause>,
}

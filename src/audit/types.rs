//! What the audit log needs of the storage.

use serde_json::Value;

use super::ActorKind;
use crate::model::{AuditId, Millis};

/// Which entries. Empty fields do not filter.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Part of actor, address, target or detail, in any case.
    pub text: Option<String>,
    /// Name of the user or key.
    pub actor: Option<String>,
    /// Such as `domain.create`.
    pub action: Option<String>,
    pub target: Option<String>,
    /// Done from then on (Unix ms).
    pub since: Option<Millis>,
    /// Done before (Unix ms).
    pub until: Option<Millis>,
}

/// An entry as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    pub id: AuditId,
    pub at: Millis,
    pub actor_kind: ActorKind,
    pub actor: String,
    /// The client's; empty for the console itself.
    pub address: String,
    /// Such as `domain.create`.
    pub action: String,
    pub target: String,
    /// See the [module](super).
    pub detail: Value,
}

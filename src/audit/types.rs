//! Filter and rows of the audit log.

use serde_json::Value;

use super::ActorKind;
use crate::model::{AuditId, Millis};

/// Filter of entries. `None` does not filter.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Part of actor, address, target or detail, case-insensitive.
    pub text: Option<String>,
    /// Name of the user or key.
    pub actor: Option<String>,
    /// For example `domain.create`.
    pub action: Option<String>,
    pub target: Option<String>,
    /// Start, inclusive (Unix ms).
    pub since: Option<Millis>,
    /// End, exclusive (Unix ms).
    pub until: Option<Millis>,
}

/// A stored entry.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    pub id: AuditId,
    pub at: Millis,
    pub actor_kind: ActorKind,
    pub actor: String,
    /// Client address; empty for the console itself.
    pub address: String,
    /// For example `domain.create`.
    pub action: String,
    pub target: String,
    /// See the [module](super).
    pub detail: Value,
}

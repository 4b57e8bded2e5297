//! What the audit log needs of the storage.

use async_trait::async_trait;
use serde_json::Value;

use super::{ActorKind, AuditEntry};
use crate::model::{AuditId, Millis, Page, PageRequest, StoreError};

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

/// The storage of the log for those who read it. Entries are written with the changes that they tell of.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Adds an entry of a change outside of this database.
    async fn add_audit(&self, entry: &AuditEntry) -> Result<(), StoreError>;
    /// Newest first.
    async fn list_audit(&self, filter: &AuditFilter, page: PageRequest) -> Result<Page<AuditRow>, StoreError>;
    /// At most `limit` entries older than `before`, newest first; from the newest on without it.
    async fn audit_before(
        &self,
        filter: &AuditFilter,
        before: Option<AuditId>,
        limit: i64,
    ) -> Result<Vec<AuditRow>, StoreError>;
}

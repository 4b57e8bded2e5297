//! Reading the audit log.

use serde_json::json;

use super::AuditEntry;
use super::types::{AuditFilter, AuditRow};
use crate::model::{Action, Actor, AuditId, Forbidden, Millis, Page, PageRequest, Problem, ProblemDetails, StoreError};
use crate::storage::Db;

/// Entries that an export reads at once.
const BATCH: i64 = 500;

/// Why the log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for AuditError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::Forbidden(e) => e.details(),
            Self::Store(e) => e.details(),
        }
    }
}

/// The use cases.
#[derive(Clone)]
pub struct AuditLog {
    pub(crate) db: Db,
}

impl AuditLog {
    /// A page of the log, newest first.
    pub async fn list(
        &self,
        actor: &Actor,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditRow>, AuditError> {
        actor.check(Action::ReadAudit)?;
        Ok(self.db.list_audit(filter, page).await?)
    }

    /// The next entries for an export, older than `before`, newest first. None: that was all.
    pub async fn batch(
        &self,
        actor: &Actor,
        filter: &AuditFilter,
        before: Option<AuditId>,
    ) -> Result<Vec<AuditRow>, AuditError> {
        actor.check(Action::ReadAudit)?;
        Ok(self.db.audit_before(filter, before, BATCH).await?)
    }

    /// Records that all stored secrets were sealed with a new key.
    pub async fn secrets_rotated(&self, actor: &Actor, now: Millis) -> Result<(), AuditError> {
        actor.check(Action::ManageAccounts)?;
        let entry = AuditEntry::new(actor, now, "secrets.rotate", "all", json!({}));
        Ok(self.db.add_audit(&entry).await?)
    }
}

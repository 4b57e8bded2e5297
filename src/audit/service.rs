//! Use cases of the audit log.

use serde_json::json;

use super::AuditEntry;
use super::types::{AuditFilter, AuditRow};
use crate::model::{Action, Actor, AuditId, Forbidden, Millis, Page, PageRequest, Problem, ProblemDetails, StoreError};
use crate::storage::Db;

/// Number of entries in a batch of an export.
const BATCH: i64 = 500;

/// Error of an audit log use case.
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

/// Use cases of the audit log.
#[derive(Clone)]
pub struct AuditLog {
    pub(crate) db: Db,
}

impl AuditLog {
    /// Returns a page of the log, newest first.
    pub async fn list(
        &self,
        actor: &Actor,
        filter: &AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditRow>, AuditError> {
        actor.check(Action::ReadAudit)?;
        Ok(self.db.list_audit(filter, page).await?)
    }

    /// Returns a batch of entries older than `before`, newest first. An empty batch is the last one.
    pub async fn batch(
        &self,
        actor: &Actor,
        filter: &AuditFilter,
        before: Option<AuditId>,
    ) -> Result<Vec<AuditRow>, AuditError> {
        actor.check(Action::ReadAudit)?;
        Ok(self.db.audit_before(filter, before, BATCH).await?)
    }

    /// Records a rotation of the sealing key.
    pub async fn secrets_rotated(&self, actor: &Actor, now: Millis) -> Result<(), AuditError> {
        actor.check(Action::ManageAccounts)?;
        let entry = AuditEntry::new(actor, now, "secrets.rotate", "all", json!({}));
        Ok(self.db.add_audit(&entry).await?)
    }
}

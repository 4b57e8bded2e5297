//! The audit log: one row in the transaction of each change.

use sqlx::{Any, Transaction};

use super::Db;
use crate::audit::AuditEntry;
use crate::model::StoreError;

impl Db {
    pub(super) async fn write_audit(
        &self,
        transaction: &mut Transaction<'static, Any>,
        entry: &AuditEntry,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into audit (id, at, actor, address, action, target, detail) values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(self.ids.next(entry.at))
        .bind(entry.at)
        .bind(entry.actor.clone())
        .bind(entry.address.clone())
        .bind(entry.action)
        .bind(entry.target.clone())
        .bind(entry.detail.to_string())
        .execute(&mut **transaction)
        .await?;
        Ok(())
    }
}

//! SQL of second factors and recovery codes.

use crate::accounts::Factor;
use crate::audit::AuditEntry;
use crate::model::{StoreError, UserId};
use crate::storage::Db;
use crate::storage::rows::Read;

impl Db {
    pub(crate) async fn factor(&self, id: UserId) -> Result<Option<Factor>, StoreError> {
        let row = sqlx::query(
            "select totp_sealed, totp_pending_sealed, \
             (select count(*) from recovery_codes c where c.user_id = u.id) as codes from users u where id = $1",
        )
        .bind(id.0)
        .fetch_optional(&self.read)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Factor {
            sealed: row.col("totp_sealed")?,
            pending: row.col("totp_pending_sealed")?,
            recovery_codes: row.col("codes")?,
        }))
    }

    /// Stores a pending secret. Returns `false` if a secret is active.
    pub(crate) async fn put_pending_factor(&self, id: UserId, sealed: &[u8]) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query("update users set totp_pending_sealed = $2 where id = $1 and totp_sealed is null")
            .bind(id.0)
            .bind(sealed.to_vec())
            .execute(&mut *tx)
            .await?;
        self.commit(tx, Vec::new()).await?;
        Ok(changed.rows_affected() > 0)
    }

    /// Activates the pending secret and consumes `step`. Returns `false` if the pending secret has changed.
    pub(crate) async fn turn_on_factor(
        &self,
        id: UserId,
        pending: &[u8],
        step: i64,
        code_hashes: &[String],
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query(
            "update users set totp_sealed = totp_pending_sealed, totp_pending_sealed = null, totp_step = $3 \
             where id = $1 and totp_pending_sealed = $2",
        )
        .bind(id.0)
        .bind(pending.to_vec())
        .bind(step)
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        for hash in code_hashes {
            sqlx::query("insert into recovery_codes (user_id, code_hash) values ($1, $2)")
                .bind(id.0)
                .bind(hash.clone())
                .execute(&mut *tx)
                .await?;
        }
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(true)
    }

    /// Removes secrets and recovery codes.
    pub(crate) async fn turn_off_factor(&self, id: UserId, audit: &AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for sql in [
            "update users set totp_sealed = null, totp_pending_sealed = null, totp_step = 0 where id = $1",
            "delete from recovery_codes where user_id = $1",
        ] {
            sqlx::query(sql).bind(id.0).execute(&mut *tx).await?;
        }
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await
    }

    /// Consumes the code of a time step. Returns `false` if it or a later one was used.
    pub(crate) async fn use_step(&self, id: UserId, step: i64) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query("update users set totp_step = $2 where id = $1 and totp_step < $2")
            .bind(id.0)
            .bind(step)
            .execute(&mut *tx)
            .await?;
        self.commit(tx, Vec::new()).await?;
        Ok(changed.rows_affected() > 0)
    }

    /// Consumes a recovery code. Returns `false` if it does not exist.
    pub(crate) async fn use_recovery_code(
        &self,
        id: UserId,
        code_hash: &str,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let used = sqlx::query("delete from recovery_codes where user_id = $1 and code_hash = $2")
            .bind(id.0)
            .bind(code_hash.to_owned())
            .execute(&mut *tx)
            .await?;
        if used.rows_affected() == 0 {
            return Ok(false);
        }
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(true)
    }
}

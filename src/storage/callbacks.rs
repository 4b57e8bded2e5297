//! Callback settings.

use async_trait::async_trait;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use super::Db;
use super::rows::{Read, to_json};
use crate::audit::AuditEntry;
use crate::callbacks::{Callback, CallbackChange, CallbackHealth, CallbackStore};
use crate::deliveries::{DeliveryState, Queued};
use crate::model::{CallbackId, CallbackKind, DeliveryId, DomainId, Millis, StoreError};
use crate::outbound::CallbackAddress;

/// The columns of a callback, under names that collide with no other table's.
pub(super) const CALLBACK_COLUMNS: &str = "c.id as callback_id, c.domain_id as callback_domain, c.kind as callback_kind, \
     c.enabled, c.address, c.dialect, c.ordered, c.timeout_seconds, c.headers, c.secret_sealed, \
     c.previous_secret_sealed, c.previous_secret_until, c.off_reason";

pub(super) fn callback(row: &AnyRow) -> Result<Callback, StoreError> {
    Ok(Callback {
        id: CallbackId(row.col("callback_id")?),
        domain_id: DomainId(row.col("callback_domain")?),
        kind: row.word("callback_kind")?,
        enabled: row.flag("enabled")?,
        address: row.col("address")?,
        dialect: row.word("dialect")?,
        ordered: row.flag("ordered")?,
        timeout_seconds: row.col("timeout_seconds")?,
        headers: row.json("headers")?,
        secret_sealed: row.col("secret_sealed")?,
        previous_secret_sealed: row.try_get("previous_secret_sealed")?,
        previous_secret_until: row.col("previous_secret_until")?,
        off_reason: row.col("off_reason")?,
    })
}

impl Db {
    /// Takes all that waits for a callback out of the queue.
    pub(super) async fn stop_waiting(
        &self,
        tx: &mut Transaction<'static, Any>,
        callback: i64,
        state: DeliveryState,
        now: Millis,
    ) -> Result<Vec<Queued>, StoreError> {
        sqlx::query(
            "update deliveries set state = $2, finished_at = $3 \
             where id in (select delivery_id from queue where callback_id = $1)",
        )
        .bind(callback)
        .bind(state.as_str())
        .bind(now)
        .execute(&mut **tx)
        .await?;
        let rows = sqlx::query("delete from queue where callback_id = $1 returning delivery_id")
            .bind(callback)
            .fetch_all(&mut **tx)
            .await?;
        rows.iter().map(|row| Ok(Queued::Removed(DeliveryId(row.col("delivery_id")?)))).collect()
    }
}

#[async_trait]
impl CallbackStore for Db {
    async fn find_callback(&self, domain: DomainId, kind: CallbackKind) -> Result<Option<Callback>, StoreError> {
        let sql = format!("select {CALLBACK_COLUMNS} from callbacks c where c.domain_id = $1 and c.kind = $2");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(domain.0).bind(kind.as_str()).fetch_optional(&self.read).await?;
        row.as_ref().map(callback).transpose()
    }

    async fn callback_health(&self, id: CallbackId, since: Millis) -> Result<CallbackHealth, StoreError> {
        let mut health = CallbackHealth::default();
        let rows = sqlx::query(
            "select state, count(*) as n from deliveries where callback_id = $1 and id >= $2 group by state",
        )
        .bind(id.0)
        .bind(DeliveryId::floor(since).0)
        .fetch_all(&self.read)
        .await?;
        for row in &rows {
            match row.word("state")? {
                DeliveryState::Delivered => health.delivered = row.col("n")?,
                DeliveryState::Failed => health.failed = row.col("n")?,
                _ => {}
            }
        }
        let waiting = sqlx::query("select count(*) as n from queue where callback_id = $1").bind(id.0);
        health.waiting = waiting.fetch_one(&self.read).await?.col("n")?;
        let last = sqlx::query(
            "select last_error, last_attempt_at from deliveries where callback_id = $1 and attempts > 0 \
             order by id desc limit 1",
        );
        if let Some(row) = last.bind(id.0).fetch_optional(&self.read).await? {
            health.last_error = row.col("last_error")?;
            health.last_error_at = health.last_error.as_ref().and(row.col("last_attempt_at")?);
        }
        let delivered = sqlx::query(
            "select finished_at from deliveries where callback_id = $1 and state = 'delivered' order by id desc limit 1",
        );
        if let Some(row) = delivered.bind(id.0).fetch_optional(&self.read).await? {
            health.last_delivered_at = row.col("finished_at")?;
        }
        Ok(health)
    }

    async fn change_callback(
        &self,
        id: CallbackId,
        change: &CallbackChange,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "update callbacks set enabled = $2, address = $3, dialect = $4, ordered = $5, timeout_seconds = $6, \
             headers = $7, off_reason = null, updated_at = $8 where id = $1",
        )
        .bind(id.0)
        .bind(i64::from(change.enabled))
        .bind(change.address.as_ref().map(|a| CallbackAddress::as_str(a).to_owned()))
        .bind(change.dialect.as_str())
        .bind(i64::from(change.ordered))
        .bind(change.timeout_seconds)
        .bind(to_json(&change.headers)?)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        let queued = if change.enabled {
            Vec::new()
        } else {
            self.stop_waiting(&mut tx, id.0, DeliveryState::Cancelled, now).await?
        };
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, queued).await
    }

    async fn set_pause(&self, _: CallbackId, _: Option<&crate::callbacks::Pause>) -> Result<bool, StoreError> {
        Ok(true)
    }
    async fn paused_callbacks(&self) -> Result<Vec<(CallbackId, crate::callbacks::Pause)>, StoreError> {
        Ok(Vec::new())
    }
    async fn rotate_secret(
        &self,
        id: CallbackId,
        sealed: Vec<u8>,
        overlap_until: Millis,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "update callbacks set previous_secret_sealed = secret_sealed, previous_secret_until = $3, \
             secret_sealed = $2, updated_at = $4 where id = $1",
        )
        .bind(id.0)
        .bind(sealed)
        .bind(overlap_until)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await
    }
}

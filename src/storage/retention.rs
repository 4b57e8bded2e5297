//! Removing what has passed its time.

use sqlx::AssertSqlSafe;

use super::Db;
use super::batch::Rows;
use super::rows::Read;
use crate::model::{DeliveryId, Millis, StoreError};

/// Rows removed or emptied in one transaction.
const BATCH: i64 = 500;

impl Db {
    /// Forgets the `webhook-id`s that sources sent before `before` (Unix ms).
    pub async fn delete_old_receipts(&self, before: Millis) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("delete from source_receipts where at < $1").bind(before).execute(&mut *tx).await?;
        self.commit(tx, Vec::new()).await
    }

    /// Forgets the nonces that came before `before` (Unix ms).
    pub async fn delete_old_nonces(&self, before: Millis) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("delete from nonces where at < $1").bind(before).execute(&mut *tx).await?;
        self.commit(tx, Vec::new()).await
    }

    /// Forgets what was forbidden until before `now` (Unix ms).
    pub async fn delete_past_bans(&self, now: Millis) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("delete from forbidden_streams where until < $1").bind(now).execute(&mut *tx).await?;
        self.commit(tx, Vec::new()).await
    }

    /// Removes a batch of deliveries made before `before` (Unix ms) that wait no more, with their attempts and events.
    /// Returns how many.
    pub async fn delete_old_deliveries(&self, before: Millis) -> Result<usize, StoreError> {
        let floor = DeliveryId::floor(before).0;
        let mut tx = self.begin().await?;
        let rows = sqlx::query(
            "select id, event_id from deliveries where id < $1 and state not in ('pending', 'retrying') order by id limit $2",
        )
        .bind(floor)
        .bind(BATCH)
        .fetch_all(&mut *tx)
        .await?;
        let mut old = Rows::new(["id", "event_id"], rows.len());
        for row in &rows {
            old.push([row.col::<i64>("id")?.into(), row.col::<i64>("event_id")?.into()]);
        }
        for sql in [
            "delete from attempts where delivery_id in (select id from r)",
            "delete from events where id in (select event_id from r)",
            "delete from deliveries where id in (select id from r)",
        ] {
            old.clone().with(self.engine, &mut tx, sql).await?;
        }
        self.commit(tx, Vec::new()).await?;
        Ok(rows.len())
    }

    /// Removes a batch of the audit log's entries made before `before` (Unix ms), the oldest first. Returns how many.
    pub async fn delete_old_audit(&self, before: Millis) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "delete from audit where id in (select id from audit where at < $1 order by at limit $2)";
        let removed = sqlx::query(sql).bind(before).bind(BATCH).execute(&mut *tx).await?.rows_affected();
        self.commit(tx, Vec::new()).await?;
        Ok(removed)
    }

    /// Removes the headers and answers of a batch of attempts made before `before` (Unix ms), the oldest first. Returns how many.
    pub async fn empty_old_attempts(&self, before: Millis) -> Result<usize, StoreError> {
        let mut tx = self.begin().await?;
        let sql = format!(
            "select delivery_id, number from attempts where request_headers <> '' and started_at < $1 \
             order by started_at limit $2{}",
            self.engine.skip_locked()
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(before).bind(BATCH).fetch_all(&mut *tx).await?;
        let mut old = Rows::new(["delivery_id", "number"], rows.len());
        for row in &rows {
            old.push([row.col::<i64>("delivery_id")?.into(), row.col::<i64>("number")?.into()]);
        }
        let sql = "update attempts as a set request_headers = '', response_headers = null, response_body = null from r \
             where a.delivery_id = r.delivery_id and a.number = r.number";
        old.with(self.engine, &mut tx, sql).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(rows.len())
    }
}

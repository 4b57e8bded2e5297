//! Removing what has passed its time.

use super::Db;
use super::rows::Read;
use crate::model::{DeliveryId, Millis, StoreError};

/// Rows removed in one transaction.
const BATCH: i64 = 500;

impl Db {
    /// Forgets the `webhook-id`s that sources sent before `before` (Unix ms).
    pub async fn delete_old_receipts(&self, before: Millis) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("delete from source_receipts where at < $1").bind(before).execute(&mut *tx).await?;
        self.commit(tx, Vec::new()).await
    }

    /// Removes a batch of deliveries made before `before` (Unix ms) that wait no more, with their attempts and events.
    /// Returns how many.
    pub async fn delete_old_deliveries(&self, before: Millis) -> Result<usize, StoreError> {
        let floor = DeliveryId::floor(before).0;
        let mut tx = self.begin().await?;
        let rows = sqlx::query(
            "select id from deliveries where id < $1 and id not in (select delivery_id from queue) order by id limit $2",
        )
        .bind(floor)
        .bind(BATCH)
        .fetch_all(&mut *tx)
        .await?;
        for row in &rows {
            let id: i64 = row.col("id")?;
            for sql in [
                "delete from attempts where delivery_id = $1",
                "delete from events where id = (select event_id from deliveries where id = $1)",
                "delete from deliveries where id = $1",
            ] {
                sqlx::query(sql).bind(id).execute(&mut *tx).await?;
            }
        }
        self.commit(tx, Vec::new()).await?;
        Ok(rows.len())
    }
}

//! Deliveries on their way, and their figures. What the delivery loop does is in `queue`, what people do in `delivery_log`.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;

use super::Db;
use super::rows::{Conditions, Read, Value};
use crate::deliveries::{
    AttemptRecord, CallbackOff, DayFigures, DeliveryState, DeliveryStore, Fate, Ownership, Ready, Waiting,
};
use crate::model::{CallbackId, DeliveryId, Millis, StoreError};

#[async_trait]
impl DeliveryStore for Db {
    async fn waiting(
        &self,
        owned: &Ownership,
        after: (CallbackId, DeliveryId),
        limit: i64,
    ) -> Result<Vec<Waiting>, StoreError> {
        self.read_queue(owned, after, limit).await
    }

    async fn ready(&self, deliveries: &[(CallbackId, DeliveryId)]) -> Result<Vec<Ready>, StoreError> {
        self.read_ready(deliveries).await
    }

    async fn complete(
        &self,
        owned: &Ownership,
        attempts: &[(AttemptRecord, Fate)],
        off: &[CallbackOff],
    ) -> Result<Vec<DeliveryId>, StoreError> {
        self.complete_attempts(owned, attempts, off).await
    }

    async fn lease(&self, worker: &str, lease: Duration) -> Result<Ownership, StoreError> {
        self.lease_shards(worker, lease).await
    }

    async fn release(&self, worker: &str) -> Result<(), StoreError> {
        self.release_shards(worker).await
    }

    async fn figures(&self, since: Millis, only: Option<&[String]>) -> Result<DayFigures, StoreError> {
        let mut figures = DayFigures::default();
        let mut conditions = Conditions::default();
        conditions.add("d.id >= ?", [Value::Int(DeliveryId::floor(since).0)]);
        if let Some(only) = only {
            conditions.any_of("s.domain", only);
        }
        let sql = format!(
            "select d.state, count(*) as n from deliveries d join sessions s on s.id = d.session_id{} group by d.state",
            conditions.sql()
        );
        for row in conditions.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(&self.read).await? {
            let n: i64 = row.col("n")?;
            figures.events += n;
            match row.word("state")? {
                DeliveryState::Delivered => figures.delivered = n,
                DeliveryState::Failed => figures.failed = n,
                DeliveryState::Skipped => figures.skipped = n,
                DeliveryState::Pending | DeliveryState::Retrying => figures.waiting += n,
                DeliveryState::Cancelled => {}
            }
        }
        Ok(figures)
    }

    async fn queue_depth(&self) -> Result<i64, StoreError> {
        sqlx::query("select count(*) as n from queue").fetch_one(&self.read).await?.col("n")
    }
}

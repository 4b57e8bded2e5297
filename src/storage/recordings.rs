//! Recording settings.

use async_trait::async_trait;

use super::Db;
use super::rows::Read;
use crate::audit::AuditEntry;
use crate::model::{DomainId, StoreError};
use crate::recordings::{RecordingSettings, RecordingStore};

#[async_trait]
impl RecordingStore for Db {
    async fn recording_settings(&self, domain: DomainId) -> Result<RecordingSettings, StoreError> {
        let row = sqlx::query("select enabled, part_seconds, bucket from recording_settings where domain_id = $1")
            .bind(domain.0)
            .fetch_one(&self.read)
            .await?;
        Ok(RecordingSettings {
            enabled: row.flag("enabled")?,
            part_seconds: row.col("part_seconds")?,
            bucket: row.col("bucket")?,
        })
    }

    async fn change_recording(
        &self,
        domain: DomainId,
        settings: &RecordingSettings,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("update recording_settings set enabled = $2, part_seconds = $3, bucket = $4 where domain_id = $1")
            .bind(domain.0)
            .bind(i64::from(settings.enabled))
            .bind(settings.part_seconds)
            .bind(settings.bucket.clone())
            .execute(&mut *tx)
            .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await
    }
}

//! API keys.

use async_trait::async_trait;
use sqlx::any::AnyRow;

use super::Db;
use super::rows::{Read, to_json};
use crate::audit::AuditEntry;
use crate::keys::{ApiKey, ApiKeyRecord, KeyStore};
use crate::model::{Millis, StoreError};

#[async_trait]
impl KeyStore for Db {
    async fn create_key(&self, key: &ApiKeyRecord, now: Millis, audit: &AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "insert into api_keys (name, role, domains, access_key, secret_sealed, token_hash, created_at) \
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(key.name.clone())
        .bind(key.role.as_str())
        .bind(key.domains.as_ref().map(to_json).transpose()?)
        .bind(key.access_key.clone())
        .bind(key.secret_sealed.clone())
        .bind(key.token_hash.clone())
        .bind(now)
        .execute(&mut *tx)
        .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await
    }

    async fn find_key_by_token(&self, token_hash: &str) -> Result<Option<ApiKey>, StoreError> {
        let row = sqlx::query("select name, role, domains from api_keys where token_hash = $1")
            .bind(token_hash.to_owned())
            .fetch_optional(&self.read)
            .await?;
        let read = |row: AnyRow| {
            let domains: Option<String> = row.col("domains")?;
            let domains = domains.map(|text| serde_json::from_str(&text)).transpose().map_err(StoreError::corrupt)?;
            Ok(ApiKey { name: row.col("name")?, role: row.word("role")?, domains })
        };
        row.map(read).transpose()
    }
}

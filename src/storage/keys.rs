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
        row.as_ref().map(key).transpose()
    }

    async fn find_key_by_access_key(&self, access_key: &str) -> Result<Option<(ApiKey, Vec<u8>)>, StoreError> {
        let row = sqlx::query("select name, role, domains, secret_sealed from api_keys where access_key = $1")
            .bind(access_key.to_owned())
            .fetch_optional(&self.read)
            .await?;
        row.map(|row| Ok((key(&row)?, row.col("secret_sealed")?))).transpose()
    }

    async fn take_nonce(&self, access_key: &str, nonce: &str, now: Millis, since: Millis) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let taken = sqlx::query(
            "insert into nonces (access_key, nonce, at) values ($1, $2, $3) \
             on conflict (access_key, nonce) do update set at = excluded.at where nonces.at < $4",
        )
        .bind(access_key.to_owned())
        .bind(nonce.to_owned())
        .bind(now)
        .bind(since)
        .execute(&mut *tx)
        .await?;
        self.commit(tx, Vec::new()).await?;
        Ok(taken.rows_affected() > 0)
    }
}

fn key(row: &AnyRow) -> Result<ApiKey, StoreError> {
    let domains: Option<String> = row.col("domains")?;
    let domains = domains.map(|text| serde_json::from_str(&text)).transpose().map_err(StoreError::corrupt)?;
    Ok(ApiKey { name: row.col("name")?, role: row.word("role")?, domains })
}

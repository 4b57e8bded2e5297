//! SQL of API keys.

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::audit::AuditEntry;
use crate::keys::{ApiKey, ApiKeyRecord, KeySecrets};
use crate::model::{KeyId, Millis, StoreError};
use crate::storage::Db;
use crate::storage::rows::{Read, to_json};

const COLUMNS: &str = "id, name, role, domains, access_key, token_hash, created_at, expires_at, last_used_at";

fn key(row: &AnyRow) -> Result<ApiKey, StoreError> {
    let domains: Option<String> = row.col("domains")?;
    Ok(ApiKey {
        id: KeyId(row.col("id")?),
        name: row.col("name")?,
        role: row.word("role")?,
        domains: domains.map(|text| serde_json::from_str(&text)).transpose().map_err(StoreError::corrupt)?,
        access_key: row.col("access_key")?,
        token_hash: row.col("token_hash")?,
        created_at: row.col("created_at")?,
        expires_at: row.col("expires_at")?,
        last_used_at: row.col("last_used_at")?,
    })
}

impl Db {
    /// Returns all keys, sorted by name.
    pub(crate) async fn list_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let sql = format!("select {COLUMNS} from api_keys order by lower(name), name");
        sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pages).await?.iter().map(key).collect()
    }

    pub(crate) async fn find_key_by_token(&self, token_hash: &str) -> Result<Option<ApiKey>, StoreError> {
        let sql = format!("select {COLUMNS} from api_keys where token_hash = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(token_hash.to_owned()).fetch_optional(&self.read).await?;
        row.as_ref().map(key).transpose()
    }

    /// Finds a key by its access key. Returns it with its sealed secret.
    pub(crate) async fn find_key_by_access_key(
        &self,
        access_key: &str,
    ) -> Result<Option<(ApiKey, Vec<u8>)>, StoreError> {
        let sql = format!("select {COLUMNS}, secret_sealed from api_keys where access_key = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(access_key.to_owned()).fetch_optional(&self.read).await?;
        row.map(|row| Ok((key(&row)?, row.col("secret_sealed")?))).transpose()
    }

    pub(crate) async fn find_key(&self, id: KeyId) -> Result<Option<ApiKey>, StoreError> {
        let sql = format!("select {COLUMNS} from api_keys where id = $1");
        let row = sqlx::query(AssertSqlSafe(sql)).bind(id.0).fetch_optional(&self.read).await?;
        row.as_ref().map(key).transpose()
    }

    /// Creates a key. [`StoreError::Duplicate`]: the name is taken.
    pub(crate) async fn create_key(
        &self,
        key: &ApiKeyRecord,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<KeyId, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "insert into api_keys (name, role, domains, access_key, secret_sealed, token_hash, created_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8) returning id",
        )
        .bind(key.name.clone())
        .bind(key.role.as_str())
        .bind(key.domains.as_ref().map(to_json).transpose()?)
        .bind(key.access_key.clone())
        .bind(key.secrets.secret_sealed.clone())
        .bind(key.secrets.token_hash.clone())
        .bind(now)
        .bind(key.expires_at)
        .fetch_one(&mut *tx)
        .await?;
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(KeyId(row.col("id")?))
    }

    /// Replaces the secrets. Returns `false` if the key does not exist.
    pub(crate) async fn change_secrets(
        &self,
        id: KeyId,
        secrets: &KeySecrets,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let changed = sqlx::query("update api_keys set secret_sealed = $2, token_hash = $3 where id = $1")
            .bind(id.0)
            .bind(secrets.secret_sealed.clone())
            .bind(secrets.token_hash.clone())
            .execute(&mut *tx)
            .await?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(true)
    }

    /// Deletes a key. Returns `false` if it does not exist.
    pub(crate) async fn delete_key(&self, id: KeyId, audit: &AuditEntry) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let removed = sqlx::query("delete from api_keys where id = $1").bind(id.0).execute(&mut *tx).await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        self.write_audit(&mut tx, audit).await?;
        self.commit(tx, Vec::new()).await?;
        Ok(true)
    }

    /// Stores the last use of keys, unless a later one is stored.
    pub(crate) async fn write_uses(&self, uses: &[(KeyId, Millis)]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for (id, at) in uses {
            sqlx::query("update api_keys set last_used_at = $2 where id = $1 and coalesce(last_used_at, 0) < $2")
                .bind(id.0)
                .bind(*at)
                .execute(&mut *tx)
                .await?;
        }
        self.commit(tx, Vec::new()).await
    }

    /// Stores a nonce. Returns `false` if it was already used after `since`.
    pub(crate) async fn take_nonce(
        &self,
        access_key: &str,
        nonce: &str,
        now: Millis,
        since: Millis,
    ) -> Result<bool, StoreError> {
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

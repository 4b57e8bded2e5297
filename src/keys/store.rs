//! What keys need stored.

use async_trait::async_trait;

use crate::audit::AuditEntry;
use crate::model::{KeyId, Millis, Role, StoreError};

/// What a key proves itself with, as stored.
#[derive(Debug, Clone)]
pub struct KeySecrets {
    pub secret_sealed: Vec<u8>,
    pub token_hash: String,
}

/// A key to be stored.
#[derive(Debug, Clone)]
pub struct ApiKeyRecord {
    pub name: String,
    pub role: Role,
    /// ASCII push domains; `None` is all.
    pub domains: Option<Vec<String>>,
    pub access_key: String,
    pub secrets: KeySecrets,
    /// `None`: it does not expire.
    pub expires_at: Option<Millis>,
}

/// A key as stored, without what opens anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub id: KeyId,
    pub name: String,
    pub role: Role,
    /// ASCII push domains; `None` is all.
    pub domains: Option<Vec<String>>,
    pub access_key: String,
    pub token_hash: String,
    pub created_at: Millis,
    /// `None`: it does not expire.
    pub expires_at: Option<Millis>,
    /// To about a minute.
    pub last_used_at: Option<Millis>,
}

impl ApiKey {
    /// Its time is over: it opens nothing.
    pub(super) fn has_expired(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// The keys' storage. A method is one transaction.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// By name.
    async fn list_keys(&self) -> Result<Vec<ApiKey>, StoreError>;
    async fn find_key_by_token(&self, token_hash: &str) -> Result<Option<ApiKey>, StoreError>;
    /// The key of a pair, with its sealed secret.
    async fn find_key_by_access_key(&self, access_key: &str) -> Result<Option<(ApiKey, Vec<u8>)>, StoreError>;
    async fn find_key(&self, id: KeyId) -> Result<Option<ApiKey>, StoreError>;
    /// [`StoreError::Duplicate`]: the name is taken.
    async fn create_key(&self, key: &ApiKeyRecord, now: Millis, audit: &AuditEntry) -> Result<KeyId, StoreError>;
    /// `false`: there is no such key.
    async fn change_secrets(&self, id: KeyId, secrets: &KeySecrets, audit: &AuditEntry) -> Result<bool, StoreError>;
    /// `false`: there is no such key.
    async fn delete_key(&self, id: KeyId, audit: &AuditEntry) -> Result<bool, StoreError>;
    /// Notes a nonce that came at `now`; false: it came after `since` already.
    async fn take_nonce(&self, access_key: &str, nonce: &str, now: Millis, since: Millis) -> Result<bool, StoreError>;
    /// Notes when keys were used; what is known of a later use stands.
    async fn write_uses(&self, uses: &[(KeyId, Millis)]) -> Result<(), StoreError>;
}

//! What keys need stored.

use async_trait::async_trait;

use crate::audit::AuditEntry;
use crate::model::{Millis, Role, StoreError};

/// A key to be stored.
#[derive(Debug, Clone)]
pub struct ApiKeyRecord {
    pub name: String,
    pub role: Role,
    /// ASCII push domains; `None` is all.
    pub domains: Option<Vec<String>>,
    pub access_key: String,
    pub secret_sealed: Vec<u8>,
    pub token_hash: String,
}

/// What a key may do.
#[derive(Debug, Clone)]
pub struct ApiKey {
    pub name: String,
    pub role: Role,
    pub domains: Option<Vec<String>>,
}

/// The keys' storage. A method is one transaction.
#[async_trait]
pub trait KeyStore: Send + Sync {
    async fn create_key(&self, key: &ApiKeyRecord, now: Millis, audit: &AuditEntry) -> Result<(), StoreError>;
    async fn find_key_by_token(&self, token_hash: &str) -> Result<Option<ApiKey>, StoreError>;
    /// The key of a pair, with its sealed secret.
    async fn find_key_by_access_key(&self, access_key: &str) -> Result<Option<(ApiKey, Vec<u8>)>, StoreError>;
    /// Notes a nonce that came at `now`; false: it came after `since` already.
    async fn take_nonce(&self, access_key: &str, nonce: &str, now: Millis, since: Millis) -> Result<bool, StoreError>;
}

//! Stored keys.

use crate::model::{KeyId, Millis, Role};

/// Stored secrets of a key.
#[derive(Debug, Clone)]
pub struct KeySecrets {
    pub secret_sealed: Vec<u8>,
    pub token_hash: String,
}

/// A new key.
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

/// A stored key without its secrets.
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
    /// Updated once a minute.
    pub last_used_at: Option<Millis>,
}

impl ApiKey {
    /// Returns whether the key has expired.
    pub(super) fn has_expired(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

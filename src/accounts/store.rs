//! What accounts need stored.

use async_trait::async_trait;

use crate::audit::AuditEntry;
use crate::model::{Millis, Role, StoreError, UserId};

/// A person with a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub name: String,
    pub role: Role,
}

/// A user as stored.
#[derive(Debug, Clone)]
pub struct UserRecord {
    pub user: User,
    /// PHC string.
    pub password_hash: String,
}

/// A browser session as stored; the id is a hash.
#[derive(Debug, Clone)]
pub struct BrowserSession {
    pub id_hash: String,
    /// Set once somebody signed in.
    pub user: Option<UserId>,
    /// JSON.
    pub data: String,
    pub expires_at: Millis,
}

/// The accounts' storage. A method is one transaction.
#[async_trait]
pub trait AccountStore: Send + Sync {
    async fn has_users(&self) -> Result<bool, StoreError>;
    async fn find_user_by_name(&self, name: &str) -> Result<Option<UserRecord>, StoreError>;
    async fn find_user(&self, id: UserId) -> Result<Option<User>, StoreError>;
    async fn create_user(
        &self,
        name: &str,
        role: Role,
        password_hash: &str,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<User, StoreError>;
    /// Replaces all set-up links by this one.
    async fn put_setup_link(&self, token_hash: &str, expires_at: Millis) -> Result<(), StoreError>;
    /// When the link ends; `None`: there is none such.
    async fn setup_link(&self, token_hash: &str) -> Result<Option<Millis>, StoreError>;
    /// Creates the first user and removes all links; `None`: the link was used meanwhile.
    async fn redeem_setup_link(
        &self,
        token_hash: &str,
        name: &str,
        password_hash: &str,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<Option<User>, StoreError>;
    async fn save_session(&self, session: &BrowserSession) -> Result<(), StoreError>;
    async fn load_session(&self, id_hash: &str, now: Millis) -> Result<Option<BrowserSession>, StoreError>;
    async fn delete_session(&self, id_hash: &str) -> Result<(), StoreError>;
    async fn delete_expired_sessions(&self, now: Millis) -> Result<(), StoreError>;
}

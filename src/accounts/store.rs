//! What accounts need stored.

use async_trait::async_trait;

use super::{SessionView, UserView};
use crate::audit::AuditEntry;
use crate::model::{Millis, Role, StoreError, UserId};

/// A person with a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub name: String,
    pub role: Role,
}

/// What a person signs in with.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub user: User,
    pub active: bool,
    /// PHC string; `None`: invited, or known to the provider alone.
    pub password_hash: Option<String>,
    /// A code is asked for as well.
    pub two_factor: bool,
}

/// A user to be stored.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    pub name: &'a str,
    pub role: Role,
    pub password_hash: Option<String>,
    /// Hash of a one-time link's token, and when it ends.
    pub link: Option<(String, Millis)>,
    /// Issuer and subject of the provider that vouches for the person.
    pub provider: Option<(&'a str, &'a str)>,
}

/// What changes of a user; `None` stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserChange {
    pub role: Option<Role>,
    /// Whether the person may sign in.
    pub active: Option<bool>,
}

/// What became of a change that could have left no admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Done,
    LastAdmin,
    /// There is no such user.
    Unknown,
}

/// A person's second factor as stored.
#[derive(Debug, Clone)]
pub struct Factor {
    /// The secret that counts, sealed.
    pub sealed: Option<Vec<u8>>,
    /// The secret that waits for its first code, sealed.
    pub pending: Option<Vec<u8>>,
    pub recovery_codes: i64,
}

/// A browser session as stored; the id is a hash.
#[derive(Debug, Clone)]
pub struct BrowserSession {
    pub id_hash: String,
    /// Set once somebody signed in.
    pub user: Option<UserId>,
    /// Sealed: it may hold what a page is about to show once.
    pub data: String,
    pub expires_at: Millis,
    /// The client's address, and its `User-Agent`, at the sign-in; empty before.
    pub address: String,
    pub agent: String,
}

/// The accounts' storage. A method is one transaction.
#[async_trait]
pub trait AccountStore: FactorStore + BrowserSessionStore {
    async fn has_users(&self) -> Result<bool, StoreError>;
    /// By name.
    async fn list_users(&self) -> Result<Vec<UserView>, StoreError>;
    async fn get_user(&self, id: UserId) -> Result<Option<UserView>, StoreError>;
    async fn find_credentials(&self, name: &str) -> Result<Option<Credentials>, StoreError>;
    async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, StoreError>;
    /// The person whom a provider vouches for.
    async fn find_provided(&self, issuer: &str, subject: &str) -> Result<Option<Credentials>, StoreError>;
    /// Whoever can create a user needs no set-up link any more: it is removed.
    async fn create_user(&self, new: &NewUser<'_>, now: Millis, audit: &AuditEntry) -> Result<User, StoreError>;
    /// Deactivating ends the person's sessions and voids the link. `keep_admin`: unless no admin would be left.
    async fn change_user(
        &self,
        id: UserId,
        change: UserChange,
        keep_admin: bool,
        audit: &[AuditEntry],
    ) -> Result<Change, StoreError>;
    /// Sets a password, and ends all sessions but one.
    async fn set_password(&self, id: UserId, hash: &str, keep: &str, audit: &AuditEntry) -> Result<(), StoreError>;
    /// The time of the entry is that of the sign-in.
    async fn record_sign_in(&self, id: UserId, audit: &AuditEntry) -> Result<(), StoreError>;

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

    /// Replaces the person's link and ends the sessions.
    async fn put_link(
        &self,
        id: UserId,
        token_hash: &str,
        expires_at: Millis,
        audit: &AuditEntry,
    ) -> Result<(), StoreError>;
    /// Whose link it is, while it holds.
    async fn find_link(&self, token_hash: &str, now: Millis) -> Result<Option<User>, StoreError>;
    /// Sets the password, removes the link and ends all sessions. False: the link was used meanwhile.
    async fn redeem_link(
        &self,
        token_hash: &str,
        hash: &str,
        now: Millis,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;
}

/// The storage of second factors. A method is one transaction.
#[async_trait]
pub trait FactorStore: Send + Sync {
    async fn factor(&self, id: UserId) -> Result<Option<Factor>, StoreError>;
    /// Keeps a secret until its first code. False: a secret counts already.
    async fn put_pending_factor(&self, id: UserId, sealed: &[u8]) -> Result<bool, StoreError>;
    /// Makes the pending secret count, with `step` used up. False: it is not this one any more.
    async fn turn_on_factor(
        &self,
        id: UserId,
        pending: &[u8],
        step: i64,
        code_hashes: &[String],
        audit: &AuditEntry,
    ) -> Result<bool, StoreError>;
    /// Removes secrets and recovery codes.
    async fn turn_off_factor(&self, id: UserId, audit: &AuditEntry) -> Result<(), StoreError>;
    /// Uses the code of a time step up. False: it or a later one was used.
    async fn use_step(&self, id: UserId, step: i64) -> Result<bool, StoreError>;
    /// Uses a recovery code up. False: there is none such.
    async fn use_recovery_code(&self, id: UserId, code_hash: &str, audit: &AuditEntry) -> Result<bool, StoreError>;
}

/// The storage of browser sessions. A method is one transaction.
#[async_trait]
pub trait BrowserSessionStore: Send + Sync {
    async fn create_session(&self, session: &BrowserSession, now: Millis) -> Result<(), StoreError>;
    /// Changes a session that is there: one that was ended does not come back.
    async fn save_session(&self, session: &BrowserSession) -> Result<(), StoreError>;
    async fn load_session(&self, id_hash: &str, now: Millis) -> Result<Option<BrowserSession>, StoreError>;
    async fn delete_session(&self, id_hash: &str) -> Result<(), StoreError>;
    /// Who is signed in, unless deactivated, and when the session was last seen.
    async fn session_user(&self, id_hash: &str, now: Millis) -> Result<Option<(User, Millis)>, StoreError>;
    async fn touch_session(&self, id_hash: &str, address: &str, now: Millis) -> Result<(), StoreError>;
    /// The one used last first.
    async fn list_sessions(&self, id: UserId, now: Millis) -> Result<Vec<SessionView>, StoreError>;
    /// False: there is none such.
    async fn end_session(&self, id: UserId, id_hash: &str, audit: &AuditEntry) -> Result<bool, StoreError>;
    /// Ends all but one.
    async fn end_sessions(&self, id: UserId, keep: &str, audit: &AuditEntry) -> Result<(), StoreError>;
}

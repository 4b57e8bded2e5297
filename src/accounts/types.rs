//! What accounts need stored.

use crate::model::{Millis, Role, UserId};

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

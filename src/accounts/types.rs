//! Stored users and sessions.

use crate::model::{Actor, Millis, Role, UserId, Who};

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub name: String,
    pub role: Role,
}

impl User {
    /// Returns the user as an actor with this client address.
    pub(super) fn actor(&self, address: &str) -> Actor {
        Actor {
            who: Who::User { id: self.id, name: self.name.clone() },
            role: self.role,
            domains: None,
            address: address.to_owned(),
        }
    }
}

/// A user's means of signing in.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub user: User,
    pub active: bool,
    /// PHC string. `None`: the user is invited, or signs in through the provider.
    pub password_hash: Option<String>,
    /// A second factor is on.
    pub two_factor: bool,
}

/// A new user.
#[derive(Debug, Clone)]
pub struct NewUser<'a> {
    pub name: &'a str,
    pub role: Role,
    pub password_hash: Option<String>,
    /// Token hash and expiry of a one-time link.
    pub link: Option<(String, Millis)>,
    /// Issuer and subject at the provider.
    pub provider: Option<(&'a str, &'a str)>,
}

/// A change of a user. `None`: unchanged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserChange {
    pub role: Option<Role>,
    /// The user may sign in.
    pub active: Option<bool>,
}

/// Result of a change that must leave at least one admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Done,
    LastAdmin,
    /// The user does not exist.
    Unknown,
}

/// A stored second factor.
#[derive(Debug, Clone)]
pub struct Factor {
    /// Sealed secret that is in use.
    pub sealed: Option<Vec<u8>>,
    /// Sealed secret that waits for its first code.
    pub pending: Option<Vec<u8>>,
    pub recovery_codes: i64,
}

/// A stored browser session.
#[derive(Debug, Clone)]
pub struct BrowserSession {
    pub id_hash: String,
    /// `None` until a user signs in.
    pub user: Option<UserId>,
    /// Sealed, because it may contain a secret that a page is about to show.
    pub data: String,
    pub expires_at: Millis,
    /// Client address and `User-Agent` at the sign-in; empty before.
    pub address: String,
    pub agent: String,
}

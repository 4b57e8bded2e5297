//! Users and sessions, as pages and the API show them.

use crate::model::{Millis, Role, UserId, string_enum};

string_enum!(
    /// Whether a user can sign in.
    UserState {
        /// Can sign in.
        Active = "active",
        /// Has not set a password yet.
        Invited = "invited",
        /// Must not sign in.
        Deactivated = "deactivated",
    }
);

/// A user, as admins see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserView {
    pub id: UserId,
    pub name: String,
    pub role: Role,
    pub state: UserState,
    /// Issuer of the provider that authenticates the user and sets the role. Such users have no password.
    pub issuer: Option<String>,
    pub two_factor: bool,
    pub created_at: Millis,
    pub last_sign_in_at: Option<Millis>,
}

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// Hash of the cookie. It identifies the session but does not grant access to it.
    pub id: String,
    /// `User-Agent` of the sign-in.
    pub agent: String,
    /// Client address of the last use.
    pub address: String,
    pub created_at: Millis,
    /// Updated once a minute.
    pub last_seen_at: Millis,
}

/// State of a user's second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactorView {
    Off,
    /// The secret is shown to the user, who has not entered a code yet.
    Pending {
        /// `otpauth://totp/…`, for the QR code.
        url: String,
        /// The secret, for manual entry.
        secret: String,
    },
    On {
        /// Number of unused recovery codes.
        recovery_codes: i64,
    },
}

//! What is shown of users and their sessions.

use crate::model::{Millis, Role, UserId, string_enum};

string_enum!(
    /// Whether a person can sign in.
    UserState {
        /// Has a password or a provider.
        Active = "active",
        /// Has not set a password yet.
        Invited = "invited",
        /// May not sign in.
        Deactivated = "deactivated",
    }
);

/// A person as admins see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserView {
    pub id: UserId,
    pub name: String,
    pub role: Role,
    pub state: UserState,
    /// The provider's issuer, where it vouches for this person: there is no password, and the role comes from there.
    pub issuer: Option<String>,
    pub two_factor: bool,
    pub created_at: Millis,
    pub last_sign_in_at: Option<Millis>,
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// Hash of the cookie; it ends the session and opens nothing.
    pub id: String,
    /// The `User-Agent` of the sign-in.
    pub agent: String,
    /// The client's address at the last use.
    pub address: String,
    pub created_at: Millis,
    /// To the minute.
    pub last_seen_at: Millis,
}

/// A person's own second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactorView {
    Off,
    /// A device has been shown the secret, and no code came yet.
    Pending {
        /// `otpauth://totp/…`, for the QR code.
        url: String,
        /// The same secret to type.
        secret: String,
    },
    On {
        /// Recovery codes that were not used yet.
        recovery_codes: i64,
    },
}

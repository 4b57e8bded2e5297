//! Users, who sign in with a password or through a provider of single sign-on, and their browser sessions.
//!
//! - The first admin is created through a one-time *set-up link*, which the console prints while there is no user.
//! - All other users are *invited*: an admin creates a user without password, and a one-time link sets the password. A link also replaces
//!   an existing password once it is used.
//! - A *second factor* is a shared secret (TOTP). It is pending until a first code proves that the user's device has the secret. Each code
//!   is valid once; ten recovery codes replace it, each valid once.
//! - A *provider* (OpenID Connect) may authenticate users. It identifies them by issuer and subject, and sets their role at each sign-in.
//!
//! ```text
//! invited ── link used ──> active ── deactivate ──> deactivated
//!                            ^────────── activate ──────┘
//! ```
//!
//! Architecture invariant: at least one active admin can sign in at any time. A change that would violate this is refused within its
//! transaction.
//!
//! Architecture invariant: a failed sign-in looks the same, and takes the same time, for a name that is unknown, invited, deactivated or
//! known only to the provider.
mod error;
mod limits;
mod passwords;
mod provider_sign_in;
mod service;
mod sessions;
mod sign_in;
mod single_sign_on;
pub(crate) mod storage;
mod two_factor;
mod types;
mod users;
mod views;
pub use error::AccountError;
pub use provider_sign_in::{ProviderTest, TestedSignIn};
pub use service::Accounts;
pub use sign_in::SignedIn;
pub use single_sign_on::{
    AuthorizationRequest, Callback, FetchError, GrantedRole, Provider, ProviderConfig, ProviderSetupError, SignOnError,
};
pub use two_factor::NewFactor;
pub use types::{BrowserSession, Change, Credentials, Factor, NewUser, User, UserChange};
pub use users::Invitation;
pub use views::{FactorView, SessionView, UserState, UserView};

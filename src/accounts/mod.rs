//! Accounts: people with a password or a provider of single sign-on, and their browser sessions.
//!
//! Who takes part:
//! - The first admin is made through a one-time *set-up link* that the console prints while there is no user.
//! - Everybody else is *invited*: a user without password, and a one-time link by which the person sets one. A link for somebody
//!   who has a password replaces that password once it is used.
//! - A *second factor* is a shared secret (TOTP). It is pending until a first code proves that the person's device has it.
//!   Each code counts once; ten recovery codes stand in for it, once each.
//! - A *provider* (OpenID Connect) may vouch for people. It names them by issuer and subject, and tells their role at each sign-in.
//!
//! ```text
//! invited ── link used ──> active ── deactivate ──> deactivated
//!                            ^────────── activate ──────┘
//! ```
//!
//! Architecture invariant: at every moment one active admin can sign in. What would end that is refused within the transaction.
//!
//! Architecture invariant: what a stranger sees of a sign-in is the same for a name that is unknown, invited, deactivated or known to
//! the provider alone, and takes as long.
mod error;
mod limits;
mod passwords;
mod provided;
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
pub use provided::{ProviderTest, TestedSignIn};
pub use service::Accounts;
pub use sign_in::SignedIn;
pub use single_sign_on::{
    Callback, Fault, FetchError, GrantedRole, Provider, ProviderConfig, ProviderSetupError, Ticket,
};
pub use two_factor::NewFactor;
pub use types::{BrowserSession, Change, Credentials, Factor, NewUser, User, UserChange};
pub use users::Invitation;
pub use views::{FactorView, SessionView, UserState, UserView};

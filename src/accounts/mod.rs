//! Accounts: people with a password, and their browser sessions.
//!
//! The first admin is made through a one-time *set-up link* that the console prints while there is no user.

#[cfg(feature = "ssr")]
mod passwords;
#[cfg(feature = "ssr")]
mod service;
#[cfg(feature = "ssr")]
mod store;

#[cfg(feature = "ssr")]
pub use service::{AccountError, Accounts};
#[cfg(feature = "ssr")]
pub use store::{AccountStore, BrowserSession, User, UserRecord};

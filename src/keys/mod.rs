//! API keys, with which scripts authenticate. A key has a role and may be limited to some domains. It consists of a bearer token for the REST
//! API, stored as a hash, and a pair of access key and secret key for signed requests. The secret key is stored sealed, because verifying
//! signatures needs it.
//!
//! A key is *active* until it expires or is revoked. Rotation gives it a new token and secret under the same name and access key; the previous
//! ones stop working at once. The audit log identifies keys by name, so names are unique.

mod error;
mod last_used;
mod service;
pub(crate) mod storage;
mod types;
mod views;

pub use error::KeyError;
pub use service::{KeyDraft, Keys, NONCE_LIFE_MS, NewKey};
pub use types::{ApiKey, ApiKeyRecord, KeySecrets};
pub use views::KeyView;

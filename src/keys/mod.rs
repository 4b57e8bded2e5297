//! API keys: what scripts sign in with. A key has a role, and may be limited to some domains. It is a bearer token for the REST API, of which a
//! hash is kept, and a pair of access key and secret key for signed requests, whose secret is kept sealed, for a signature needs it.
//!
//! A key is *active* until it expires or is revoked. Rotating gives it a new token and secret under the same name and access key; those
//! before it stop at once. The audit log calls a key by its name, so a name means one key at a time.

mod error;
mod service;
pub(crate) mod storage;
mod types;
mod uses;
mod views;

pub use error::KeyError;
pub use service::{KeyDraft, Keys, NONCE_LIFE_MS, NewKey};
pub use types::{ApiKey, ApiKeyRecord, KeySecrets};
pub use views::KeyView;

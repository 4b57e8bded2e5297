//! API keys: what scripts sign in with. A key has a role, and may be limited to some domains. It is a bearer token for the REST API, of which a
//! hash is kept, and a pair of access key and secret key for signed requests, whose secret is kept sealed, for a signature needs it.

mod error;
mod service;
mod store;

pub use error::KeyError;
pub use service::{Keys, NONCE_LIFE_MS, NewKey};
pub use store::{ApiKey, ApiKeyRecord, KeyStore};

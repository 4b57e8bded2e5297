//! Idempotent requests: a client marks a request with a key; a repeated request with the same key gets the stored response and has no effect.
//!
//! States of a key, separately for each caller: *free*, *running* (until its response is stored, or for [`LEASE_MS`] if the process dies),
//! *answered* (for [`KEPT_MS`], then free again). A request that fails with a server error frees its key.
//!
//! The effect and the response are written in separate transactions. If the process dies in between, the request can run again after the
//! lease; it may then fail because its effect exists, for example because a name is taken.

mod error;
mod service;
pub(crate) mod storage;
mod types;

pub use error::IdempotencyError;
pub use service::{Begun, Idempotency, KEPT_MS, KeptAnswer, LEASE_MS};
pub use types::{Claim, Claimed, Run};

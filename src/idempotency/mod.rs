//! Requests that can be sent again: a caller names a request by a key, and whoever sends it once more gets the first answer instead of a second
//! effect.
//!
//! States of a key, for each caller by itself: *free*, *running* (until its answer is kept, or for [`LEASE_MS`] if its process dies), *answered*
//! (for [`KEPT_MS`], then free again). What failed by no fault of the request ends in *free*.
//!
//! An effect and the answer to it are written one after the other. Where the process dies in between, the request can be carried out once more
//! when the lease has ended; a name that is taken by then says so.

mod error;
mod service;
pub(crate) mod storage;
mod types;

pub use error::IdempotencyError;
pub use service::{Begun, Idempotency, KEPT_MS, KeptAnswer, LEASE_MS};
pub use types::{Claim, Claimed, Run};

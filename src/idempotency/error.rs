//! Errors of idempotency keys.

use super::service::MAX_KEY;
use crate::model::{Problem, ProblemDetails, ProblemKind, StoreError, problem};

/// The key does not allow the request.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    #[error(
        "Idempotency-Key must be 1 to {MAX_KEY} visible ASCII characters or spaces, and be sent at most once per request"
    )]
    BadKey,
    #[error(
        "this Idempotency-Key was used for another request within the last 24 hours; use a new key for each new request"
    )]
    Reused,
    #[error("the first request with this Idempotency-Key is still running; retry in a moment")]
    InUse,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for IdempotencyError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::BadKey => problem(ProblemKind::Invalid, "idempotency_key_invalid").field("Idempotency-Key"),
            Self::Reused => problem(ProblemKind::Invalid, "idempotency_key_reused").field("Idempotency-Key"),
            Self::InUse => problem(ProblemKind::Conflict, "idempotency_key_in_use").field("Idempotency-Key"),
            Self::Store(e) => e.details(),
        }
    }
}

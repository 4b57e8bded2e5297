//! Why a request is not carried out under its key.

use super::service::LONGEST_KEY;
use crate::model::{Problem, ProblemKind, StoreError};

/// Why a request is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    #[error(
        "Idempotency-Key must be 1 to {LONGEST_KEY} visible ASCII characters or spaces, and be sent at most once per request"
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
    fn code(&self) -> &'static str {
        match self {
            Self::BadKey => "idempotency_key_invalid",
            Self::Reused => "idempotency_key_reused",
            Self::InUse => "idempotency_key_in_use",
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::BadKey | Self::Reused => ProblemKind::Invalid,
            Self::InUse => ProblemKind::Conflict,
            Self::Store(e) => e.kind(),
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::BadKey | Self::Reused | Self::InUse => Some("Idempotency-Key"),
            Self::Store(_) => None,
        }
    }
}

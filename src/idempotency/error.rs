//! Why a request is not carried out under its key.

use super::service::LONGEST_KEY;
use crate::model::{Problem, ProblemKind, StoreError};

/// Why a request is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    #[error(
        "an Idempotency-Key has 1 to {LONGEST_KEY} visible ASCII characters and spaces, and a request has one at most"
    )]
    BadKey,
    #[error("this Idempotency-Key named another request within the last 24 hours; take a new one for each new request")]
    Reused,
    #[error("the first request of this Idempotency-Key is still running; send yours again in a moment")]
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

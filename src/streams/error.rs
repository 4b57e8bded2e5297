//! What can go wrong with a stream.

use crate::model::{Forbidden, Problem, ProblemKind, StoreError};

/// Why something with a stream cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    #[error("there is no such session")]
    Unknown,
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for StreamError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "session_unknown",
            Self::Forbidden(e) => e.code(),
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Unknown => ProblemKind::NotFound,
            Self::Forbidden(e) => e.kind(),
            Self::Store(e) => e.kind(),
        }
    }
}

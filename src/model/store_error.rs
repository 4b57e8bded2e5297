//! What a store may answer instead of a result. Where it comes from is the storage's business.

use super::{Problem, ProblemDetails, ProblemKind, problem};

/// A store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A name or key is taken; nothing was written.
    #[error("already there")]
    Duplicate,
    /// It is not of the [`Expected`](super::Expected) version; nothing was written.
    #[error(
        "somebody changed it meanwhile; nothing was written. Read it again, then send your change with the new ETag"
    )]
    Changed,
    /// The disk is full or the database is out of reach; nothing was written.
    #[error("the database cannot take writes now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A search was cut off, or others were ahead of it for too long.
    #[error("the search takes too long; choose a shorter span of time, or try again later")]
    SearchTooLong,
    /// A fault.
    #[error("storage fault")]
    Fault(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// A stored value that does not read back.
    pub fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Fault(format!("stored value does not read back: {what}").into())
    }
}

impl Problem for StoreError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::Duplicate => problem(ProblemKind::Conflict, "duplicate"),
            Self::Changed => problem(ProblemKind::Outdated, "changed_meanwhile"),
            Self::Unavailable(_) => problem(ProblemKind::Unavailable, "storage_unavailable"),
            Self::SearchTooLong => problem(ProblemKind::Unavailable, "search_too_long"),
            Self::Fault(_) => problem(ProblemKind::Internal, "internal"),
        }
    }
}

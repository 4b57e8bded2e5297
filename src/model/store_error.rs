//! Errors of storage methods.

use super::{Problem, ProblemDetails, ProblemKind, problem};

/// A failed storage method.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique name or key exists already. Nothing was written.
    #[error("already exists")]
    Duplicate,
    /// The row does not have the [`Expected`](super::Expected) version. Nothing was written.
    #[error("changed meanwhile; nothing was written. Read it again, then send your change with the new ETag")]
    Changed,
    /// The disk is full or the database is unreachable. Nothing was written.
    #[error("the database cannot be written to")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A search exceeded its time limit, or waited too long for its turn.
    #[error("the search took too long; choose a shorter time range, or try again later")]
    SearchTooLong,
    /// An internal error.
    #[error("storage error")]
    Fault(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Creates the error for a stored value that cannot be read.
    pub fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Fault(format!("invalid stored value: {what}").into())
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

//! What a store may answer instead of a result. Where it comes from is the storage's business.

use super::{Problem, ProblemKind};

/// A store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A name or key is taken; nothing was written.
    #[error("already exists")]
    Duplicate,
    /// It is not of the [`Expected`](super::Expected) version; nothing was written.
    #[error("changed meanwhile; nothing was written. Read it again, then send your change with the new ETag")]
    Changed,
    /// The disk is full or the database is out of reach; nothing was written.
    #[error("the database cannot be written to")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A search was cut off, or others were ahead of it for too long.
    #[error("the search took too long; choose a shorter time range, or try again later")]
    SearchTooLong,
    /// A fault.
    #[error("storage error")]
    Fault(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// A stored value that does not read back.
    pub fn corrupt(what: impl std::fmt::Display) -> Self {
        Self::Fault(format!("invalid stored value: {what}").into())
    }
}

impl Problem for StoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Changed => "changed_meanwhile",
            Self::Unavailable(_) => "storage_unavailable",
            Self::SearchTooLong => "search_too_long",
            Self::Fault(_) => "internal",
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Duplicate => ProblemKind::Conflict,
            Self::Changed => ProblemKind::Outdated,
            Self::Unavailable(_) | Self::SearchTooLong => ProblemKind::Unavailable,
            Self::Fault(_) => ProblemKind::Internal,
        }
    }
}

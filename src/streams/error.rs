//! Errors of the use cases.

use crate::domains::DomainError;
use crate::model::ProblemKind::{Conflict, Invalid, NotFound};
use crate::model::{BadName, Forbidden, Problem, ProblemDetails, StoreError, problem};

/// An error of a use case of *Streams*.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    #[error("this session does not exist")]
    Unknown,
    #[error("the application name {0}")]
    BadApp(BadName),
    #[error("the stream name {0}")]
    BadStream(BadName),
    #[error("a stream can be forbidden for 1 second to 10 years, or permanently")]
    BadLength,
    #[error("this stream is not live")]
    NotLive,
    #[error(
        "this source cannot disconnect a publisher; forbid the stream instead, and its next publish will be refused"
    )]
    CannotDrop,
    #[error(transparent)]
    Domain(#[from] DomainError),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for StreamError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::Unknown => problem(NotFound, "session_unknown"),
            Self::BadApp(why) => why.details().field("app"),
            Self::BadStream(why) => why.details().field("stream"),
            Self::BadLength => problem(Invalid, "stream_bad_length").field("seconds"),
            Self::NotLive => problem(NotFound, "stream_not_live"),
            Self::CannotDrop => problem(Conflict, "stream_cannot_drop"),
            Self::Domain(e) => e.details(),
            Self::Forbidden(e) => e.details(),
            Self::Store(e) => e.details(),
        }
    }
}

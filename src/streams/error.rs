//! What can go wrong with a stream.

use crate::domains::DomainError;
use crate::model::{BadName, Forbidden, Problem, ProblemKind, StoreError};

/// Why something with a stream cannot be done.
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
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "session_unknown",
            Self::BadApp(why) | Self::BadStream(why) => why.code(),
            Self::BadLength => "stream_bad_length",
            Self::NotLive => "stream_not_live",
            Self::CannotDrop => "stream_cannot_drop",
            Self::Domain(e) => e.code(),
            Self::Forbidden(e) => e.code(),
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::BadApp(_) | Self::BadStream(_) | Self::BadLength => ProblemKind::Invalid,
            Self::Unknown | Self::NotLive => ProblemKind::NotFound,
            Self::CannotDrop => ProblemKind::Conflict,
            Self::Domain(e) => e.kind(),
            Self::Forbidden(e) => e.kind(),
            Self::Store(e) => e.kind(),
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::BadApp(_) => Some("app"),
            Self::BadStream(_) => Some("stream"),
            Self::BadLength => Some("seconds"),
            Self::Domain(e) => e.field(),
            Self::Unknown | Self::NotLive | Self::CannotDrop | Self::Forbidden(_) | Self::Store(_) => None,
        }
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::BadApp(BadName::TooLong(n)) | Self::BadStream(BadName::TooLong(n)) => vec![("max", n.to_string())],
            Self::Domain(e) => e.args(),
            _ => Vec::new(),
        }
    }
}

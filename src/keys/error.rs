//! What can go wrong with a key.

use crate::model::{BadName, Forbidden, Problem, ProblemKind, StoreError};

/// Why something with an API key cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("type a name for the key of 1 to 50 characters")]
    BadName,
    #[error("the domain {0}")]
    BadDomain(BadName),
    #[error("no API key has this token")]
    Unknown,
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for KeyError {
    fn code(&self) -> &'static str {
        match self {
            Self::BadName => "key_bad_name",
            Self::BadDomain(why) => why.code(),
            Self::Unknown => "signed_out",
            Self::Forbidden(e) => e.code(),
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::BadName | Self::BadDomain(_) => ProblemKind::Invalid,
            Self::Unknown => ProblemKind::Unauthenticated,
            Self::Forbidden(e) => e.kind(),
            Self::Store(e) => e.kind(),
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::BadName => Some("name"),
            Self::BadDomain(_) => Some("domain"),
            _ => None,
        }
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::BadDomain(BadName::TooLong(n)) => vec![("max", n.to_string())],
            _ => Vec::new(),
        }
    }
}

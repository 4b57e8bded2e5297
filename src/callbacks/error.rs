//! What can go wrong with a callback.

use crate::domains::DomainError;
use crate::model::{Problem, ProblemKind, StoreError};
use crate::outbound::{AddressError, Blocked};

/// Why something with a callback cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Blocked(#[from] Blocked),
    #[error("type the address of your server first; the callback needs one to be on")]
    NoAddress,
    #[error("the timeout must be between 1 and 30 seconds")]
    BadTimeout,
    #[error("the dialect {0} is not known; use v1.0")]
    BadDialect(String),
    #[error(
        "the header {0} cannot be set: names are letters, digits and hyphens, values are printable, and the console's own headers stay its own"
    )]
    BadHeader(String),
    #[error(transparent)]
    Domain(#[from] DomainError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for CallbackError {
    fn code(&self) -> &'static str {
        match self {
            Self::Address(e) => e.code(),
            Self::Blocked(e) => e.code(),
            Self::NoAddress => "callback_no_address",
            Self::BadTimeout => "callback_bad_timeout",
            Self::BadDialect(_) => "callback_bad_dialect",
            Self::BadHeader(_) => "callback_bad_header",
            Self::Domain(e) => e.code(),
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Address(e) => e.kind(),
            Self::Blocked(e) => e.kind(),
            Self::NoAddress | Self::BadTimeout | Self::BadDialect(_) | Self::BadHeader(_) => ProblemKind::Invalid,
            Self::Domain(e) => e.kind(),
            Self::Store(e) => e.kind(),
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Address(_) | Self::Blocked(_) | Self::NoAddress => Some("address"),
            Self::BadTimeout => Some("timeoutSeconds"),
            Self::BadDialect(_) => Some("dialect"),
            Self::BadHeader(_) => Some("headers"),
            Self::Domain(e) => e.field(),
            Self::Store(_) => None,
        }
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Address(e) => e.args(),
            Self::Blocked(e) => e.args(),
            Self::BadDialect(name) | Self::BadHeader(name) => vec![("name", name.clone())],
            Self::Domain(e) => e.args(),
            _ => Vec::new(),
        }
    }
}

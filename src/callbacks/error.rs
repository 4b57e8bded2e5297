//! What can go wrong with a callback.

use super::headers::HeaderError;
use crate::domains::DomainError;
use crate::model::{Forbidden, Problem, ProblemKind, StoreError};
use crate::outbound::{AddressError, Blocked};

/// Why something with a callback cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error(transparent)]
    Blocked(#[from] Blocked),
    #[error("set the URL of your server first; an enabled callback needs one")]
    NoAddress,
    #[error("the timeout must be between 1 and 30 seconds")]
    BadTimeout,
    #[error("unknown dialect {0}; use v1.0 or v1.1")]
    BadDialect(String),
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error("the previous secret can stay valid for 0 to 168 hours")]
    BadOverlap,
    #[error("there is no previous secret in use; nothing was changed")]
    NoFormerSecret,
    #[error(transparent)]
    Domain(#[from] DomainError),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
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
            Self::Header(e) => e.code(),
            Self::BadOverlap => "callback_bad_overlap",
            Self::NoFormerSecret => "callback_no_former_secret",
            Self::Domain(e) => e.code(),
            Self::Forbidden(e) => e.code(),
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Address(e) => e.kind(),
            Self::Blocked(e) => e.kind(),
            Self::NoAddress | Self::BadTimeout | Self::BadDialect(_) | Self::BadOverlap => ProblemKind::Invalid,
            Self::Header(e) => e.kind(),
            Self::NoFormerSecret => ProblemKind::Conflict,
            Self::Domain(e) => e.kind(),
            Self::Forbidden(e) => e.kind(),
            Self::Store(e) => e.kind(),
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Address(_) | Self::Blocked(_) | Self::NoAddress => Some("address"),
            Self::BadTimeout => Some("timeoutSeconds"),
            Self::BadDialect(_) => Some("dialect"),
            Self::Header(e) => e.field(),
            Self::BadOverlap => Some("overlapHours"),
            Self::Domain(e) => e.field(),
            Self::NoFormerSecret | Self::Forbidden(_) | Self::Store(_) => None,
        }
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Address(e) => e.args(),
            Self::Blocked(e) => e.args(),
            Self::BadDialect(name) => vec![("name", name.clone())],
            Self::Header(e) => e.args(),
            Self::Domain(e) => e.args(),
            _ => Vec::new(),
        }
    }
}

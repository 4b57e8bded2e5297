//! Errors of callback use cases.

use super::headers::HeaderError;
use crate::domains::DomainError;
use crate::model::ProblemKind::{Conflict, Invalid};
use crate::model::{Forbidden, Problem, ProblemDetails, StoreError, problem};
use crate::outbound::{AddressError, Blocked};

/// Error of a callback use case.
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
    fn details(&self) -> ProblemDetails {
        match self {
            Self::Address(e) => e.details(),
            Self::Blocked(e) => e.details(),
            Self::NoAddress => problem(Invalid, "callback_no_address").field("address"),
            Self::BadTimeout => problem(Invalid, "callback_bad_timeout").field("timeoutSeconds"),
            Self::BadDialect(name) => problem(Invalid, "callback_bad_dialect").field("dialect").arg("name", name),
            Self::Header(e) => e.details(),
            Self::BadOverlap => problem(Invalid, "callback_bad_overlap").field("overlapHours"),
            Self::NoFormerSecret => problem(Conflict, "callback_no_former_secret"),
            Self::Domain(e) => e.details(),
            Self::Forbidden(e) => e.details(),
            Self::Store(e) => e.details(),
        }
    }
}

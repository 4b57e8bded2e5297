//! Errors of API key use cases.

use crate::model::ProblemKind::{Conflict, Invalid, NotFound, Unauthenticated};
use crate::model::{BadName, Forbidden, Problem, ProblemDetails, StoreError, problem};

/// Error of an API key use case.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("type a name for the key of 1 to 50 characters")]
    BadName,
    #[error("there is a key named {0} already; choose another name, or revoke that key first")]
    Taken(String),
    #[error("the domain {0}")]
    BadDomain(BadName),
    #[error("name at least one domain, or let the key reach all of them")]
    NoDomains,
    #[error("the key must expire in the future, within ten years")]
    BadExpiry,
    #[error("no API key has this token")]
    UnknownToken,
    #[error("this API key has expired; ask an admin for another one")]
    Expired,
    #[error("there is no such API key")]
    Unknown,
    #[error("the key has expired, and new secrets would not bring it back; revoke it and create another one")]
    HasExpired,
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for KeyError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::BadName => problem(Invalid, "key_bad_name").field("name"),
            Self::Taken(name) => problem(Conflict, "key_taken").field("name").arg("name", name),
            Self::BadDomain(why) => why.details().field("domains"),
            Self::NoDomains => problem(Invalid, "key_no_domains").field("domains"),
            Self::BadExpiry => problem(Invalid, "key_bad_expiry").field("expiresAt"),
            Self::UnknownToken => problem(Unauthenticated, "signed_out"),
            Self::Expired => problem(Unauthenticated, "key_expired"),
            Self::Unknown => problem(NotFound, "key_unknown"),
            Self::HasExpired => problem(Conflict, "key_has_expired"),
            Self::Forbidden(e) => e.details(),
            Self::Store(e) => e.details(),
        }
    }
}

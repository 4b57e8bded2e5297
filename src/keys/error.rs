//! Errors of API key use cases.

use crate::model::ProblemKind::{Conflict, Invalid, NotFound, Unauthenticated};
use crate::model::{BadName, Forbidden, Problem, ProblemDetails, StoreError, problem};

/// Error of an API key use case.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("enter a key name of 1 to 50 characters")]
    BadName,
    #[error("a key named {0} already exists; choose another name, or revoke that key first")]
    Taken(String),
    #[error("the domain {0}")]
    BadDomain(BadName),
    #[error("specify at least one domain, or allow all domains")]
    NoDomains,
    #[error("the expiry must be in the future, within ten years")]
    BadExpiry,
    #[error("unknown API token")]
    UnknownToken,
    #[error("this API key has expired; ask an admin for another one")]
    Expired,
    #[error("this API key does not exist")]
    Unknown,
    #[error("the key has expired and cannot be renewed; revoke it and create another one")]
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

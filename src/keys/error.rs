//! What can go wrong with a key.

use crate::model::{BadName, Forbidden, Problem, ProblemKind, StoreError};

/// Why something with an API key cannot be done.
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
    fn code(&self) -> &'static str {
        match self {
            Self::BadName => "key_bad_name",
            Self::Taken(_) => "key_taken",
            Self::BadDomain(why) => why.code(),
            Self::NoDomains => "key_no_domains",
            Self::BadExpiry => "key_bad_expiry",
            Self::UnknownToken => "signed_out",
            Self::Expired => "key_expired",
            Self::Unknown => "key_unknown",
            Self::HasExpired => "key_has_expired",
            Self::Forbidden(e) => e.code(),
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::BadName | Self::BadDomain(_) | Self::NoDomains | Self::BadExpiry => ProblemKind::Invalid,
            Self::UnknownToken | Self::Expired => ProblemKind::Unauthenticated,
            Self::Taken(_) | Self::HasExpired => ProblemKind::Conflict,
            Self::Unknown => ProblemKind::NotFound,
            Self::Forbidden(e) => e.kind(),
            Self::Store(e) => e.kind(),
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::BadName | Self::Taken(_) => Some("name"),
            Self::BadDomain(_) | Self::NoDomains => Some("domains"),
            Self::BadExpiry => Some("expiresAt"),
            _ => None,
        }
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Taken(name) => vec![("name", name.clone())],
            Self::BadDomain(BadName::TooLong(n)) => vec![("max", n.to_string())],
            _ => Vec::new(),
        }
    }
}

//! What can go wrong with a domain group.

use crate::model::{BadName, Forbidden, Problem, ProblemKind, StoreError};

/// Why something with a domain group cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum DomainError {
    #[error("the push domain {0}")]
    BadPush(BadName),
    #[error("the play domain {0}")]
    BadPlay(BadName),
    #[error("enter at least one play domain")]
    NoPlay,
    #[error("the push and play domains must differ")]
    SameName,
    #[error("{name} already belongs to a domain of this console; a name can be used only once")]
    Taken { name: String, push: bool },
    #[error("push domain {0} does not exist")]
    Unknown(String),
    #[error("the domain is enabled; disable it before you delete it")]
    StillEnabled,
    #[error("the name does not match; nothing was deleted")]
    NotConfirmed,
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for DomainError {
    fn code(&self) -> &'static str {
        match self {
            Self::BadPush(why) | Self::BadPlay(why) => why.code(),
            Self::NoPlay => "domain_no_play",
            Self::SameName => "domain_same_name",
            Self::Taken { .. } => "domain_taken",
            Self::Unknown(_) => "domain_unknown",
            Self::StillEnabled => "domain_still_enabled",
            Self::NotConfirmed => "domain_not_confirmed",
            Self::Forbidden(e) => e.code(),
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::BadPush(_) | Self::BadPlay(_) | Self::NoPlay | Self::SameName | Self::NotConfirmed => {
                ProblemKind::Invalid
            }
            Self::Taken { .. } | Self::StillEnabled => ProblemKind::Conflict,
            Self::Unknown(_) => ProblemKind::NotFound,
            Self::Forbidden(e) => e.kind(),
            Self::Store(e) => e.kind(),
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::BadPush(_) | Self::Taken { push: true, .. } => Some("pushDomain"),
            Self::BadPlay(_) | Self::NoPlay | Self::SameName | Self::Taken { push: false, .. } => Some("playDomains"),
            Self::NotConfirmed => Some("confirm"),
            Self::Unknown(_) | Self::StillEnabled | Self::Forbidden(_) | Self::Store(_) => None,
        }
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::BadPush(BadName::TooLong(n)) | Self::BadPlay(BadName::TooLong(n)) => vec![("max", n.to_string())],
            Self::Taken { name, .. } | Self::Unknown(name) => vec![("name", name.clone())],
            _ => Vec::new(),
        }
    }
}

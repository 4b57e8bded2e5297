//! Errors of domain use cases.

use crate::model::ProblemKind::{Conflict, Invalid, NotFound};
use crate::model::{BadName, Forbidden, Problem, ProblemDetails, StoreError, problem};

/// Error of a domain use case.
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
    fn details(&self) -> ProblemDetails {
        match self {
            Self::BadPush(why) => why.details().field("pushDomain"),
            Self::BadPlay(why) => why.details().field("playDomains"),
            Self::NoPlay => problem(Invalid, "domain_no_play").field("playDomains"),
            Self::SameName => problem(Invalid, "domain_same_name").field("playDomains"),
            Self::Taken { name, push } => {
                let field = if *push { "pushDomain" } else { "playDomains" };
                problem(Conflict, "domain_taken").field(field).arg("name", name)
            }
            Self::Unknown(name) => problem(NotFound, "domain_unknown").arg("name", name),
            Self::StillEnabled => problem(Conflict, "domain_still_enabled"),
            Self::NotConfirmed => problem(Invalid, "domain_not_confirmed").field("confirm"),
            Self::Forbidden(e) => e.details(),
            Self::Store(e) => e.details(),
        }
    }
}

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
    #[error("type at least one play domain")]
    NoPlay,
    #[error("the push domain and a play domain are the same; they must differ")]
    SameName,
    #[error("{name} is a domain of this console already; each name belongs to one domain group")]
    Taken { name: String, push: bool },
    #[error("there is no push domain {0}")]
    Unknown(String),
    #[error("the domain is enabled; disable it first, then delete it")]
    StillEnabled,
    #[error("what you typed is not the domain's name; nothing was deleted")]
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

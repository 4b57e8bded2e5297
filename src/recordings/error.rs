//! What can go wrong with recordings.

use crate::domains::DomainError;
use crate::model::ProblemKind::{Conflict, Invalid, NotFound};
use crate::model::{BadName, Forbidden, Problem, ProblemDetails, StoreError, problem};

/// Why the recording settings or a template cannot be changed so.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    #[error("the part length must be between 2 seconds and 6 hours")]
    BadPartLength,
    #[error("the bucket name must be 1 to 63 lower-case letters, digits and inner hyphens")]
    BadBucket,
    #[error("the template's name {0}")]
    BadTemplate(BadName),
    #[error("the period of a template must be between 15 and 360 minutes")]
    BadPeriod,
    #[error("a template named {0} already exists")]
    TemplateTaken(String),
    #[error("template {0} does not exist")]
    TemplateUnknown(String),
    #[error("template {0} is used by domains; remove it from them first")]
    TemplateInUse(String),
    #[error("{domain} does not use template {template}")]
    NotByTemplate { domain: String, template: String },
    #[error(transparent)]
    Domain(#[from] DomainError),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for RecordingError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::BadPartLength => problem(Invalid, "recording_bad_part_length").field("partSeconds"),
            Self::BadBucket => problem(Invalid, "recording_bad_bucket").field("bucket"),
            Self::BadTemplate(why) => why.details().field("template"),
            Self::BadPeriod => problem(Invalid, "template_bad_period").field("period"),
            Self::TemplateTaken(_) => problem(Conflict, "template_taken").field("template"),
            Self::TemplateUnknown(_) => problem(NotFound, "template_unknown"),
            Self::TemplateInUse(_) => problem(Conflict, "template_in_use"),
            Self::NotByTemplate { .. } => problem(NotFound, "recording_not_by_template"),
            Self::Domain(e) => e.details(),
            Self::Forbidden(e) => e.details(),
            Self::Store(e) => e.details(),
        }
    }
}

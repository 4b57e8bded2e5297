//! What can go wrong with recordings.

use crate::domains::DomainError;
use crate::model::{BadName, Forbidden, Problem, ProblemKind, StoreError};

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
    fn code(&self) -> &'static str {
        match self {
            Self::BadPartLength => "recording_bad_part_length",
            Self::BadBucket => "recording_bad_bucket",
            Self::BadTemplate(why) => why.code(),
            Self::BadPeriod => "template_bad_period",
            Self::TemplateTaken(_) => "template_taken",
            Self::TemplateUnknown(_) => "template_unknown",
            Self::TemplateInUse(_) => "template_in_use",
            Self::NotByTemplate { .. } => "recording_not_by_template",
            Self::Domain(e) => e.code(),
            Self::Forbidden(e) => e.code(),
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::BadPartLength | Self::BadBucket | Self::BadTemplate(_) | Self::BadPeriod => ProblemKind::Invalid,
            Self::TemplateTaken(_) | Self::TemplateInUse(_) => ProblemKind::Conflict,
            Self::TemplateUnknown(_) | Self::NotByTemplate { .. } => ProblemKind::NotFound,
            Self::Domain(e) => e.kind(),
            Self::Forbidden(e) => e.kind(),
            Self::Store(e) => e.kind(),
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::BadPartLength => Some("partSeconds"),
            Self::BadBucket => Some("bucket"),
            Self::BadTemplate(_) | Self::TemplateTaken(_) => Some("template"),
            Self::BadPeriod => Some("period"),
            Self::Domain(e) => e.field(),
            Self::TemplateUnknown(_)
            | Self::TemplateInUse(_)
            | Self::NotByTemplate { .. }
            | Self::Forbidden(_)
            | Self::Store(_) => None,
        }
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Domain(e) => e.args(),
            _ => Vec::new(),
        }
    }
}

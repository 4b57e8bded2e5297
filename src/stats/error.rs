//! What can go wrong with statistics.

use super::access_log::{Foreign, Format};
use crate::model::{BadName, Forbidden, Problem, ProblemKind, StoreError};

/// Why something with statistics cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum StatsError {
    #[error(
        "the start must be before the end, both must be multiples of five minutes, and the range must not exceed ten years"
    )]
    BadSlot,
    #[error("this range has more than {0} intervals of this length; choose longer intervals")]
    TooManyPoints(i64),
    #[error("there are no statistics for {0}")]
    UnknownDomain(String),
    #[error("the VOD domain {0}")]
    BadName(BadName),
    #[error("the path must be a bucket and a folder path, such as films/public")]
    BadPath,
    #[error("{0} already belongs to this console")]
    Taken(String),
    #[error("VOD domain {0} does not exist")]
    UnknownVodDomain(String),
    #[error("another import processed the same file meanwhile; no line was counted twice")]
    ImportMoved,
    #[error("the file was truncated and rewritten while it was read; no line was counted twice")]
    FileChanged,
    #[error("the format could not be detected; specify one of: {}", Format::names())]
    UnknownFormat,
    #[error(
        "the file is {}",
        match .0 {
            Foreign::Utf16 => "UTF-16 text; save it as UTF-8 and import it again",
            Foreign::Parquet => "Parquet, which is not supported; configure the service to write JSON or W3C",
        }
    )]
    ForeignContent(Foreign),
    #[error("the lines of this format contain no host; specify the domain of the log")]
    NoDomain,
    #[error("the file cannot be read: {0}")]
    Unreadable(#[source] std::io::Error),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for StatsError {
    fn code(&self) -> &'static str {
        match self {
            Self::BadSlot => "stats_bad_slot",
            Self::TooManyPoints(_) => "stats_too_many_points",
            Self::UnknownDomain(_) => "stats_unknown_domain",
            Self::BadName(why) => why.code(),
            Self::BadPath => "vod_domain_bad_path",
            Self::Taken(_) => "vod_domain_taken",
            Self::UnknownVodDomain(_) => "vod_domain_unknown",
            Self::ImportMoved => "import_moved",
            Self::FileChanged => "access_log_changed",
            Self::UnknownFormat => "access_log_unknown_format",
            Self::ForeignContent(Foreign::Utf16) => "access_log_utf16",
            Self::ForeignContent(Foreign::Parquet) => "access_log_parquet",
            Self::NoDomain => "access_log_no_domain",
            Self::Unreadable(_) => "access_log_unreadable",
            Self::Forbidden(e) => e.code(),
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::BadSlot | Self::TooManyPoints(_) | Self::BadName(_) | Self::BadPath => ProblemKind::Invalid,
            Self::UnknownFormat | Self::ForeignContent(_) | Self::NoDomain | Self::Unreadable(_) => {
                ProblemKind::Invalid
            }
            Self::UnknownDomain(_) | Self::UnknownVodDomain(_) => ProblemKind::NotFound,
            Self::Taken(_) | Self::ImportMoved | Self::FileChanged => ProblemKind::Conflict,
            Self::Forbidden(e) => e.kind(),
            Self::Store(e) => e.kind(),
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::BadSlot => Some("from"),
            Self::TooManyPoints(_) => Some("granularity"),
            Self::UnknownDomain(_) | Self::NoDomain => Some("domain"),
            Self::UnknownFormat => Some("format"),
            Self::BadName(_) | Self::Taken(_) => Some("name"),
            Self::BadPath => Some("path"),
            Self::UnknownVodDomain(_)
            | Self::ImportMoved
            | Self::FileChanged
            | Self::ForeignContent(_)
            | Self::Unreadable(_)
            | Self::Forbidden(_)
            | Self::Store(_) => None,
        }
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::TooManyPoints(most) => vec![("max", most.to_string())],
            Self::UnknownDomain(name) | Self::Taken(name) | Self::UnknownVodDomain(name) => {
                vec![("name", name.clone())]
            }
            Self::UnknownFormat => vec![("formats", Format::names())],
            Self::Unreadable(why) => vec![("why", why.to_string())],
            Self::BadName(BadName::TooLong(max)) => vec![("max", max.to_string())],
            _ => Vec::new(),
        }
    }
}

//! Errors of statistics.

use super::access_log::{Format, UnsupportedContent};
use crate::model::{BadName, Forbidden, Problem, ProblemKind, StoreError};

/// An error of a use case of statistics.
#[derive(Debug, thiserror::Error)]
pub enum StatsError {
    #[error("the time slot must begin before it ends, both on a five-minute border, and last at most ten years")]
    BadRange,
    #[error("the slot has more than {0} points of this length; choose a coarser one")]
    TooManyBins(i64),
    #[error("there are no statistics of {0}")]
    UnknownDomain(String),
    #[error("the VOD domain {0}")]
    BadName(BadName),
    #[error("the path must be a bucket and folders, such as films/public")]
    BadPath,
    #[error("{0} is a domain of this console already")]
    Taken(String),
    #[error("there is no VOD domain {0}")]
    UnknownVodDomain(String),
    #[error("another import took in the same file meanwhile; nothing was counted twice")]
    ImportMoved,
    #[error("the file was truncated and rewritten while it was being read; nothing was counted twice")]
    FileChanged,
    #[error("the format is not known by its first lines; name one of: {}", Format::names())]
    UnknownFormat,
    #[error(
        "the file is {}",
        match .0 {
            UnsupportedContent::Utf16 => "UTF-16 text; save it as UTF-8 and import it again",
            UnsupportedContent::Parquet => "Parquet, which is not read; let the service write JSON or W3C instead",
        }
    )]
    UnsupportedContent(UnsupportedContent),
    #[error("lines of this format name no host; give the domain that they are of")]
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
            Self::BadRange => "stats_bad_slot",
            Self::TooManyBins(_) => "stats_too_many_points",
            Self::UnknownDomain(_) => "stats_unknown_domain",
            Self::BadName(why) => why.code(),
            Self::BadPath => "vod_domain_bad_path",
            Self::Taken(_) => "vod_domain_taken",
            Self::UnknownVodDomain(_) => "vod_domain_unknown",
            Self::ImportMoved => "import_moved",
            Self::FileChanged => "access_log_changed",
            Self::UnknownFormat => "access_log_unknown_format",
            Self::UnsupportedContent(UnsupportedContent::Utf16) => "access_log_utf16",
            Self::UnsupportedContent(UnsupportedContent::Parquet) => "access_log_parquet",
            Self::NoDomain => "access_log_no_domain",
            Self::Unreadable(_) => "access_log_unreadable",
            Self::Forbidden(e) => e.code(),
            Self::Store(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::BadRange | Self::TooManyBins(_) | Self::BadName(_) | Self::BadPath => ProblemKind::Invalid,
            Self::UnknownFormat | Self::UnsupportedContent(_) | Self::NoDomain | Self::Unreadable(_) => {
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
            Self::BadRange => Some("from"),
            Self::TooManyBins(_) => Some("granularity"),
            Self::UnknownDomain(_) | Self::NoDomain => Some("domain"),
            Self::UnknownFormat => Some("format"),
            Self::BadName(_) | Self::Taken(_) => Some("name"),
            Self::BadPath => Some("path"),
            Self::UnknownVodDomain(_)
            | Self::ImportMoved
            | Self::FileChanged
            | Self::UnsupportedContent(_)
            | Self::Unreadable(_)
            | Self::Forbidden(_)
            | Self::Store(_) => None,
        }
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::TooManyBins(most) => vec![("max", most.to_string())],
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

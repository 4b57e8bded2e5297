//! Errors of statistics.

use super::access_log::{Format, UnsupportedContent};
use crate::model::ProblemKind::{Conflict, Invalid, NotFound};
use crate::model::{BadName, Forbidden, Problem, ProblemDetails, StoreError, problem};

/// An error of a use case of statistics.
#[derive(Debug, thiserror::Error)]
pub enum StatsError {
    #[error(
        "the start must be before the end, both must be multiples of five minutes, and the range must not exceed ten years"
    )]
    BadRange,
    #[error("this range has more than {0} intervals of this length; choose longer intervals")]
    TooManyBins(i64),
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
            UnsupportedContent::Utf16 => "UTF-16 text; save it as UTF-8 and import it again",
            UnsupportedContent::Parquet => "Parquet, which is not supported; configure the service to write JSON or W3C",
        }
    )]
    UnsupportedContent(UnsupportedContent),
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
    fn details(&self) -> ProblemDetails {
        match self {
            Self::BadRange => problem(Invalid, "stats_bad_slot").field("from"),
            Self::TooManyBins(max) => problem(Invalid, "stats_too_many_points").field("granularity").arg("max", max),
            Self::UnknownDomain(name) => problem(NotFound, "stats_unknown_domain").field("domain").arg("name", name),
            Self::BadName(why) => why.details().field("name"),
            Self::BadPath => problem(Invalid, "vod_domain_bad_path").field("path"),
            Self::Taken(name) => problem(Conflict, "vod_domain_taken").field("name").arg("name", name),
            Self::UnknownVodDomain(name) => problem(NotFound, "vod_domain_unknown").arg("name", name),
            Self::ImportMoved => problem(Conflict, "import_moved"),
            Self::FileChanged => problem(Conflict, "access_log_changed"),
            Self::UnknownFormat => {
                problem(Invalid, "access_log_unknown_format").field("format").arg("formats", Format::names())
            }
            Self::UnsupportedContent(UnsupportedContent::Utf16) => problem(Invalid, "access_log_utf16"),
            Self::UnsupportedContent(UnsupportedContent::Parquet) => problem(Invalid, "access_log_parquet"),
            Self::NoDomain => problem(Invalid, "access_log_no_domain").field("domain"),
            Self::Unreadable(why) => problem(Invalid, "access_log_unreadable").arg("why", why),
            Self::Forbidden(e) => e.details(),
            Self::Store(e) => e.details(),
        }
    }
}

//! Why a line is not counted.

use serde::Serialize;

use crate::model::string_enum;

string_enum!(
    /// Why a line is not counted; the word is the key of its text in the catalogs.
    Bad {
        /// Neither blank nor of the format.
        Layout = "layout",
        /// Not one JSON object.
        Json = "json",
        /// A W3C line before any `#Fields:` line that names time and bytes.
        Fields = "fields",
        /// No time of the request's end, or one that cannot be.
        Time = "time",
        /// Ended before the year 2000.
        Past = "past",
        /// Ended more than a day after now.
        Future = "future",
        /// No number of bytes sent, or one that cannot be.
        Bytes = "bytes",
        /// A duration that cannot be.
        Duration = "duration",
        /// No status code of three digits.
        Status = "status",
        /// A host that is not UTF-8.
        Host = "host",
        /// Of no use, and holds NUL bytes: mostly what a crash left in the file.
        Nul = "nul",
        /// Longer than 1 MiB.
        TooLong = "too_long",
    }
);

impl Bad {
    /// The reason as a short sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Layout => "the line is not of this format",
            Self::Json => "the line is not a JSON object",
            Self::Fields => "no #Fields line with date, time and sc-bytes comes before it",
            Self::Time => "the time is missing or not valid",
            Self::Past => "the time is before the year 2000",
            Self::Future => "the time is more than a day in the future",
            Self::Bytes => "the bytes sent are missing or not a number from 0 to 4 TiB",
            Self::Duration => "the duration is not a number from 0 to 31 days",
            Self::Status => "the status code is missing or not valid",
            Self::Host => "the host is not valid UTF-8",
            Self::Nul => "the line holds NUL bytes",
            Self::TooLong => "the line is longer than 1 MiB",
        }
    }
}

/// A line that was not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BadLine {
    /// From 1, in the unpacked content.
    pub line: u64,
    pub reason: Bad,
}

//! Errors of log lines.

use crate::model::string_enum;

string_enum!(
    /// Why a line is not counted. The string is the key of its text in the catalogs.
    LineError {
        /// Does not match the format.
        Layout = "layout",
        /// Not one JSON object.
        Json = "json",
        /// A W3C line without a preceding `#Fields:` line that names time and bytes.
        Fields = "fields",
        /// Missing or invalid time of the request's end.
        Time = "time",
        /// The request ended before the year 2000.
        Past = "past",
        /// The request ended more than a day in the future.
        Future = "future",
        /// Missing or invalid number of bytes sent.
        Bytes = "bytes",
        /// Invalid duration.
        Duration = "duration",
        /// Missing or invalid status code.
        Status = "status",
        /// The host is not UTF-8.
        Host = "host",
        /// Invalid and contains NUL bytes, usually as the result of a crash.
        Nul = "nul",
        /// Longer than 1 MiB.
        TooLong = "too_long",
    }
);

impl LineError {
    /// Returns the reason as a short sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Layout => "the line does not match this format",
            Self::Json => "the line is not a JSON object",
            Self::Fields => "no #Fields line with date, time and sc-bytes precedes it",
            Self::Time => "the time is missing or invalid",
            Self::Past => "the time is before the year 2000",
            Self::Future => "the time is more than a day in the future",
            Self::Bytes => "the number of bytes sent is missing or not between 0 and 4 TiB",
            Self::Duration => "the duration is not between 0 and 31 days",
            Self::Status => "the status code is missing or invalid",
            Self::Host => "the host is not valid UTF-8",
            Self::Nul => "the line contains NUL bytes",
            Self::TooLong => "the line is longer than 1 MiB",
        }
    }
}

/// A line that was not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadLine {
    /// Line number in the uncompressed content, from 1.
    pub line: u64,
    pub reason: LineError,
}

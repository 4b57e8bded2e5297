//! Notes on assumptions of the parser that affect sums.

use crate::model::string_enum;

string_enum!(
    /// An assumption about a counted line. The string is the key of its text in the catalogs.
    Note {
        /// `time-taken` without a fraction in a W3C file that was not written by IIS.
        TimeTaken = "time_taken_in_seconds",
        /// Quotes that violate the rules of the software that wrote a W3C file.
        Quotes = "quotes",
        /// `body_bytes_sent` where `bytes_sent` is missing.
        BodyBytes = "body_bytes",
        /// The line names no host.
        DomainGiven = "domain_given",
    }
);

impl Note {
    /// Returns the assumption as a sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::TimeTaken => {
                "time-taken was read as seconds, as W3C specifies; no #Software line identifies IIS, which logs milliseconds"
            }
            Self::Quotes => {
                "quotes do not follow the rules of the software that wrote the file; the fields were read so that every column has a value"
            }
            Self::BodyBytes => "bytes_sent is missing; body_bytes_sent was counted instead; it excludes headers",
            Self::DomainGiven => "the line contains no host; it was counted under the domain given for the import",
        }
    }
}

/// The notes on one line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Notes(u8);

impl Notes {
    /// Adds a note.
    #[must_use]
    pub const fn with(self, note: Note) -> Self {
        Self(self.0 | (1 << note as u8))
    }

    /// Returns whether the set contains a note.
    #[must_use]
    pub const fn has(self, note: Note) -> bool {
        self.0 & (1 << note as u8) != 0
    }

    pub(super) const fn are_empty(self) -> bool {
        self.0 == 0
    }
}

/// A note and the number of counted lines that it applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoteCount {
    pub note: Note,
    pub lines: u64,
}

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
                "time-taken was read as seconds, which W3C prescribes; no #Software line says that it is in milliseconds, as IIS writes it"
            }
            Self::Quotes => {
                "quotes did not follow the rules of the software that wrote the file; they were read so that each column has its value"
            }
            Self::BodyBytes => "bytes_sent is missing; body_bytes_sent was counted, which leaves out headers",
            Self::DomainGiven => "the line names no host; it was counted under the domain that the import was given",
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

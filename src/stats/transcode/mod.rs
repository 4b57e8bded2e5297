//! Parses results of transcoders.
//!
//! Results come from AWS MediaConvert, Tencent MPS, Aliyun VOD, JD VOD, ffprobe, or any script that writes the console's own format. They are
//! parsed to *outputs*: one for each file that a task produced, and one for a task that failed before it produced any. Nothing here accesses a
//! database or a clock. An output that cannot be counted is refused with its line and path; the others count. Images, such as thumbnails, are
//! not counted.
//!
//! **Identity.** An output is identified by its job and its name within the job. The same result may arrive several times and counts once.

mod adapters;
mod classes;
mod codec;
mod fields;
mod images;
mod minutes;
mod parse;

pub use classes::{BadClasses, Classes};
pub use minutes::centiminutes;
pub use parse::{NotJson, ParsedResults, parse_results};

use super::Codec;
use crate::model::Millis;

/// A file that a task produced, or failed to produce. `job` and `output` identify it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Id of the task; at most 1,024 bytes without control characters.
    pub job: String,
    /// Name within the job, with the same limits; empty if the task failed before it had outputs.
    pub output: String,
    /// Host name in ASCII, if the result contains one.
    pub domain: Option<String>,
    pub outcome: Outcome,
    pub codec: Codec,
    /// Encoded width in pixels; `None`: unknown.
    pub width: Option<u32>,
    /// Encoded height in pixels; `None`: unknown.
    pub height: Option<u32>,
    /// Audio without video.
    pub is_audio: bool,
    /// Duration of the output; 0 if the task failed.
    pub duration_ms: i64,
    /// When the task ended; if unknown, when the result was received.
    pub finished_at: Millis,
}

/// Outcome of a task for an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    /// The reason as reported by the transcoder, at most 1,000 characters.
    Failed {
        reason: String,
    },
}

/// A result or an output that cannot be counted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct BadOutput {
    /// Number of its first line, from 1.
    pub line: usize,
    /// The field, what is wrong, and how to fix it.
    pub reason: String,
}

#[cfg(test)]
mod tests;

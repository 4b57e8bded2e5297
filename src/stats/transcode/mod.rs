//! Results of transcoders, as they come.
//!
//! **Who sends.** Transcoders in the cloud (AWS MediaConvert, Tencent MPS, Aliyun VOD, JD VOD), scripts around ffmpeg, and whoever writes the
//! console's own form. Bytes go in, *outputs* come out: one for each file that a task made, one for a task that failed before it made any.
//! Nothing here touches a database or a clock. Outputs are judged one by one: one that cannot be counted is refused with its line and its place,
//! and its neighbours count. Pictures beside films, such as thumbnails, are no outputs.
//!
//! **Identity.** An output is known by its job and its name within the job; the same result may come any number of times and counts once.

mod adapters;
mod classes;
mod codec;
mod fields;
mod minutes;
mod parse;
mod pictures;

pub use classes::{BadClasses, Classes};
pub use minutes::centiminutes;
pub use parse::{Reading, Unreadable, read};

use super::Codec;
use crate::model::Millis;

/// A file that a task made, or should have made. `job` and `output` together are its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The transcoder's name of the task; at most 1,024 bytes, no control characters.
    pub job: String,
    /// Its name within the job, under the same limits; empty when a task failed before it had outputs.
    pub output: String,
    /// The host name that it belongs to, in ASCII, if the result says so.
    pub domain: Option<String>,
    pub outcome: Outcome,
    pub codec: Codec,
    /// Pixels, as coded; `None`: not told.
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// It has sound and no picture.
    pub is_audio: bool,
    /// Length of the output in ms; 0 when the task failed.
    pub duration_ms: i64,
    /// When the task ended; when its result came in, if it does not say.
    pub finished_at: Millis,
}

/// How a task ended for an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    /// In the transcoder's words, at most 1,000 characters.
    Failed {
        reason: String,
    },
}

/// A result that cannot be counted, or an output of one whose other outputs can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Bad {
    /// Where it begins, from 1.
    pub line: usize,
    /// The field and what to do about it.
    pub reason: String,
}

#[cfg(test)]
mod tests;

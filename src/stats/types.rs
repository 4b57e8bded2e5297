//! What statistics need stored.

use std::ops::AddAssign;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Codec;

/// What was served in a stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    pub bytes: i64,
    pub requests: i64,
    /// Requests answered from a cache.
    pub hits: i64,
    pub s2xx: i64,
    pub s3xx: i64,
    pub s4xx: i64,
    pub s5xx: i64,
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.requests += other.requests;
        self.hits += other.hits;
        self.s2xx += other.s2xx;
        self.s3xx += other.s3xx;
        self.s4xx += other.s4xx;
        self.s5xx += other.s5xx;
    }
}

/// The sums of one domain in one point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    pub domain: Arc<str>,
    /// The point's start, Unix seconds.
    pub at: i64,
    pub sums: Sums,
}

/// Of unpacked content.
pub type Digest = [u8; 32];

/// How much of an access log is taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of unpacked content, up to the end of a line.
    pub taken: i64,
    /// Digest of these bytes.
    pub prefix: Digest,
    /// Digest of the first 4 KiB, or of the whole lines among these bytes when they are less.
    pub head: Digest,
    pub lines: i64,
    /// Of the lines, those that could not be read.
    pub bad: i64,
}

/// An access log, known by its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub id: i64,
    /// The name under which it came last.
    pub name: String,
    pub progress: Progress,
    /// Sent downstream, as its lines say.
    pub bytes: i64,
    /// Unix seconds.
    pub started_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
}

/// A step of an import: counts if the import is still where the step began.
#[derive(Debug, Clone)]
pub struct ImportStep {
    /// `None`: a file that is not known yet.
    pub import: Option<i64>,
    pub name: String,
    /// What was taken in before.
    pub from: i64,
    pub progress: Progress,
    /// Unix seconds.
    pub now: i64,
}

/// Which names of domains.
#[derive(Debug, Clone, Copy)]
pub enum Names<'n> {
    /// Those that contain this, lower case.
    With(&'n str),
    /// Those among these.
    Among(&'n [String]),
}

/// Whose figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// All, unknown hosts included.
    All,
    /// These, by name; unknown names have no figures.
    Only(Vec<String>),
}

/// A point, an hour or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub at: i64,
    pub bytes: i64,
    /// Bytes of the highest five-minute point.
    pub peak: i64,
    /// Its start.
    pub peak_at: i64,
}

/// A domain's figures over a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainSums {
    pub domain: String,
    pub bytes: i64,
    pub requests: i64,
    /// Bytes of the highest five-minute point.
    pub peak: i64,
}

/// What buckets hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    pub bytes: i64,
    pub files: i64,
}

/// What one domain, or all, holds from a time on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The domain's number; 0 is all.
    pub domain: i64,
    /// The start of the point at whose end this was held.
    pub at: i64,
    pub held: Held,
}

/// An output of a transcoding task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredOutput {
    /// With `output`: known by these.
    pub job: String,
    pub output: String,
    pub domain: String,
    pub succeeded: bool,
    pub codec: Codec,
    /// Pixels; 0 where unknown.
    pub width: i64,
    pub height: i64,
    /// It has no picture.
    pub audio: bool,
    pub duration_ms: i64,
    /// Hundredths of a minute, rounded for itself; 0 where the task failed.
    pub centiminutes: i64,
    /// Unix seconds.
    pub finished_at: i64,
    /// Why the task failed.
    pub error: Option<String>,
}

/// Outputs of one kind that finished on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputSums {
    /// The start of the day.
    pub at: i64,
    pub succeeded: bool,
    pub codec: Codec,
    pub width: i64,
    pub height: i64,
    pub audio: bool,
    pub files: i64,
    pub centiminutes: i64,
}

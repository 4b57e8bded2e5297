//! Types that statistics store and read.

use std::ops::AddAssign;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Codec;

/// Traffic counters of a bin, an hour or a day.
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

/// The counters of one domain in one bin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    pub domain: Arc<str>,
    /// Start of the bin, Unix seconds.
    pub at: i64,
    pub sums: Sums,
}

/// BLAKE3 digest of uncompressed content.
pub type Digest = [u8; 32];

/// Position of an import in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Imported bytes of uncompressed content, up to the end of a line.
    pub taken: i64,
    /// Digest of these bytes.
    pub prefix: Digest,
    /// Digest of the first 4 KiB of the content; if fewer bytes are imported, of their complete lines.
    pub head: Digest,
    /// Lines, including bad ones.
    pub lines: i64,
    /// Lines that could not be counted.
    pub bad: i64,
}

/// An imported access log, identified by its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub id: i64,
    /// File name at the last import.
    pub name: String,
    pub progress: Progress,
    /// Bytes sent to viewers.
    pub bytes: i64,
    /// Unix seconds.
    pub started_at: i64,
    /// Unix seconds.
    pub updated_at: i64,
}

/// One step of an import. It is committed only if no other import of the file has advanced in the meantime.
#[derive(Debug, Clone)]
pub struct ImportStep {
    /// `None`: a new file.
    pub import: Option<i64>,
    pub name: String,
    /// Expected [`Progress::taken`] before the step.
    pub from: i64,
    pub progress: Progress,
    /// Unix seconds.
    pub now: i64,
}

/// A filter on domain names.
#[derive(Debug, Clone, Copy)]
pub enum NameFilter<'n> {
    /// Names that contain this text, which is in lower case.
    Containing(&'n str),
    OneOf(&'n [String]),
}

/// The domains that a query covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainSelection {
    /// All domains, including [`OTHER`](super::OTHER).
    All,
    /// Domains by name. Unknown names match nothing.
    Only(Vec<String>),
}

/// Totals of a five-minute bin, an hour or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BinTotals {
    /// Start, Unix seconds.
    pub at: i64,
    pub bytes: i64,
    /// Bytes of the highest five-minute bin.
    pub peak: i64,
    /// Start of the highest five-minute bin, Unix seconds.
    pub peak_at: i64,
}

/// Totals of one domain over a time range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainSums {
    pub domain: String,
    pub bytes: i64,
    pub requests: i64,
    /// Bytes of the highest five-minute bin.
    pub peak: i64,
}

/// Bytes and files stored in buckets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoredTotals {
    pub bytes: i64,
    pub files: i64,
}

/// A change of what a domain has stored. It is valid until the domain's next sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventorySample {
    /// Id of the domain; 0 for all domains together.
    pub domain: i64,
    /// Start of the bin at whose end this was stored, Unix seconds.
    pub at: i64,
    pub stored: StoredTotals,
}

/// An output of a transcoding task. `job` and `output` identify it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredOutput {
    pub job: String,
    pub output: String,
    pub domain: String,
    pub succeeded: bool,
    pub codec: Codec,
    /// Pixels; 0: unknown.
    pub width: i64,
    /// Pixels; 0: unknown.
    pub height: i64,
    /// Audio without video.
    pub audio: bool,
    pub duration_ms: i64,
    /// Hundredths of a minute, rounded per output; 0 if the task failed.
    pub centiminutes: i64,
    /// Unix seconds.
    pub finished_at: i64,
    /// Why the task failed.
    pub error: Option<String>,
}

/// Outputs of one kind that finished on the same day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputSums {
    /// Start of the day, Unix seconds.
    pub at: i64,
    pub succeeded: bool,
    pub codec: Codec,
    pub width: i64,
    pub height: i64,
    pub audio: bool,
    pub files: i64,
    pub centiminutes: i64,
}

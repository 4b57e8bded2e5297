//! What statistics need stored.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::slots::Span;
use super::{Codec, Slot};
use crate::model::StoreError;

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

/// The statistics' storage. A method is one transaction.
#[async_trait]
pub trait StatsStore: Send + Sync {
    /// Names of domains that have figures: the first so many.
    async fn domain_names(&self, names: Names<'_>, limit: i64) -> Result<Vec<String>, StoreError>;

    /// Adds sums to their points, hours and days, and moves the import on. Answers with the import's number. A point may come more than
    /// once.
    ///
    /// # Errors
    /// `Duplicate`: somebody else moved the import on meanwhile; nothing was added.
    async fn add_usage(&self, rows: &[UsageRow], step: Option<&ImportStep>) -> Result<Option<i64>, StoreError>;
    /// The imports with one of these heads, the most taken in first.
    async fn imports_like(&self, heads: &[Digest]) -> Result<Vec<Import>, StoreError>;
    /// The latest imports, newest first.
    async fn list_imports(&self, limit: i64) -> Result<Vec<Import>, StoreError>;

    /// The start of the first day with usage.
    async fn first_day(&self) -> Result<Option<i64>, StoreError>;
    /// The rows of all domains or of one; in no order.
    async fn usage(&self, domain: Option<&str>, spans: &[Span]) -> Result<Vec<Counted>, StoreError>;
    /// The five-minute points of several domains together, in order.
    async fn summed_points(&self, domains: &[String], slot: Slot) -> Result<Vec<Counted>, StoreError>;
    /// The bytes of five-minute points of all domains or of one; in no order, empty ones left out.
    async fn point_bytes(&self, domain: Option<&str>, slot: Slot) -> Result<Vec<i64>, StoreError>;
    /// The domains with the most bytes, the most first.
    async fn top_domains(&self, chosen: &Chosen, spans: &[Span], limit: i64) -> Result<Vec<DomainSums>, StoreError>;

    /// What each domain and what all together hold at the end of the point `at`. Domains that are not named hold nothing.
    async fn add_inventory(&self, at: i64, held: &BTreeMap<String, Held>, all: Held) -> Result<(), StoreError>;
    /// For each domain the last sample before the slot, and all within it, by time.
    async fn inventory(&self, chosen: &Chosen, slot: Slot) -> Result<Vec<Sample>, StoreError>;

    /// Adds those that are not known by job and output. Answers with how many these were.
    async fn add_transcode_outputs(&self, outputs: &[StoredOutput]) -> Result<usize, StoreError>;
    /// Sums for each of these days.
    async fn transcode_sums(&self, chosen: &Chosen, days: &[Slot]) -> Result<Vec<OutputSums>, StoreError>;

    /// When the first known task finished.
    /// The start of the last five-minute point that is counted (Unix seconds).
    async fn last_point(&self) -> Result<Option<i64>, StoreError>;

    async fn first_output(&self) -> Result<Option<i64>, StoreError>;

    /// Removes a batch of five-minute points before `before`; hours and days stay. Answers with how many.
    async fn delete_old_points(&self, before: i64) -> Result<u64, StoreError>;
    /// Keeps of a day before `before` only what its peak and its end are made of. False: there is no such day left.
    async fn thin_old_inventory(&self, before: i64) -> Result<bool, StoreError>;
}

//! Statistics: what was served, stored and transcoded, by domain and time slot.
//!
//! **Words.** A *point* is five minutes, stored by its start in UTC. A *slot* is the time that is looked at, `[from, to)`. A *domain* is a play
//! domain, a VOD domain, or `(other)`: hosts that the console does not know. Removed domains stay.
//!
//! **Who acts.** Access logs, listings of buckets and results of transcoders come in, each exactly once; reviewers read figures.
pub mod access_log;
pub mod calendar;
mod error;
mod figures;
mod import;
mod inventory;
mod service;
pub(crate) mod storage;
pub mod transcode;
mod types;
pub use callsheet_types::stats::{
    Change, Codec, Granularity, Metric, Resolution, Shown, Slot, SlotLabel, TopDomain, TrafficBase, TranscodingCell,
    TranscodingDay, TranscodingQuery, TranscodingView, UsageCards, UsagePoint, UsageQuery, UsageView, VodDomain,
};
pub use error::StatsError;
pub use import::{AccessLog, Imported};
pub use inventory::{Owners, PathRule, PlayHost, Tally};
pub use service::{KEPT_DAYS, Stats};
pub use storage::StatsDb;
pub use types::{
    Chosen, Counted, Digest, DomainSums, Held, Import, ImportStep, Names, OutputSums, Progress, Sample, StoredOutput,
    Sums, UsageRow,
};

/// Where lines of hosts are counted that the console does not know.
pub const OTHER: &str = "(other)";

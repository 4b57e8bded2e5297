//! Statistics: what was served, stored and transcoded, by domain and time slot.
//!
//! **Words.** A *point* is five minutes, stored by its start in UTC. A *slot* is the time that is looked at, `[from, to)`. A *domain* is a play
//! domain, a VOD domain, or `(other)`: hosts that the console does not know. Removed domains stay.
//!
//! **Who acts.** Access logs, listings of buckets and results of transcoders come in, each exactly once; reviewers read figures.

#[cfg(feature = "ssr")]
pub mod access_log;
#[cfg(feature = "ssr")]
mod error;
#[cfg(feature = "ssr")]
mod figures;
#[cfg(feature = "ssr")]
mod hosts;
#[cfg(feature = "ssr")]
mod import;
#[cfg(feature = "ssr")]
mod service;
#[cfg(feature = "ssr")]
pub mod slots;
#[cfg(feature = "ssr")]
mod store;
#[cfg(feature = "ssr")]
pub mod transcode;
mod transcoding;
mod usage;
mod vod;

#[cfg(feature = "ssr")]
pub use error::StatsError;
#[cfg(feature = "ssr")]
pub use hosts::{HostStore, Owners, PathRule, PlayHost, Tally};
#[cfg(feature = "ssr")]
pub use import::{AccessLog, Imported};
#[cfg(feature = "ssr")]
pub use service::{KEPT_DAYS, Stats};
#[cfg(feature = "ssr")]
pub use store::{
    Chosen, Counted, Digest, DomainSums, Held, Import, ImportStep, Names, OutputSums, Progress, Sample, StatsStore,
    StoredOutput, Sums, UsageRow,
};
pub use transcoding::{Codec, Resolution, TranscodingCell, TranscodingDay, TranscodingQuery, TranscodingView};
pub use usage::{
    Change, Granularity, Metric, Shown, Slot, SlotLabel, TopDomain, TrafficBase, UsageCards, UsagePoint, UsageQuery,
    UsageView,
};
pub use vod::VodDomain;

/// Where lines of hosts are counted that the console does not know.
pub const OTHER: &str = "(other)";

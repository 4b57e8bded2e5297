//! Statistics: traffic, storage and transcoding by domain and time range.
//!
//! Access logs, bucket listings and transcoder results come in; each is counted exactly once. Usage is stored in five-minute *bins*
//! (see [`calendar`]), each identified by its start in UTC, and summed into hours and days. A domain is a play domain, a VOD domain, or
//! [`OTHER`]. Statistics of removed domains are kept.

pub mod access_log;
pub mod calendar;
mod error;
mod figures;
mod import;
mod inventory;
mod path_rule;
mod service;
pub(crate) mod storage;
pub mod transcode;
mod types;

pub use callsheet_types::stats::{
    BIN_S, BinLabel, Change, Codec, FigureFormat, Granularity, Metric, Resolution, TimeRange, TopDomain, TrafficBase,
    TranscodingCell, TranscodingDay, TranscodingQuery, TranscodingView, UsageBin, UsageCards, UsageQuery, UsageView,
    VodDomain, bin_start,
};
pub use error::StatsError;
pub use import::{AccessLog, ImportResult};
pub use inventory::{FileOwners, InventoryTally, PlayHost};
pub use path_rule::PathRule;
pub use service::{KEPT_DAYS, Stats};
pub use storage::StatsDb;
pub use types::{
    BinTotals, Digest, DomainSelection, DomainSums, Import, ImportStep, InventorySample, NameFilter, OutputSums,
    Progress, StoredOutput, StoredTotals, Sums, UsageRow,
};

/// The domain under which requests for unknown hosts are counted.
pub const OTHER: &str = "(other)";

//! Traffic, bandwidth, storage and files: query and view.

use serde::{Deserialize, Serialize};

use super::TimeRange;
use crate::string_enum;

string_enum!(
    /// The quantity that a chart shows.
    Metric {
        /// Bytes sent to viewers during the bin.
        Traffic = "traffic",
        /// Bits per second: the mean of a five-minute bin; for an hour or a day, the highest mean of its five-minute bins.
        Bandwidth = "bandwidth",
        /// Bytes stored at the end of the bin; for a day, the most that were stored.
        Storage = "storage",
        /// Files stored at the end of the bin; for a day, the most that were stored.
        Files = "files",
    }
);

string_enum!(
    /// Length of a bin in a chart or table.
    Granularity {
        /// Five minutes.
        Minutes = "5m",
        /// An hour of the console's time zone.
        Hour = "1h",
        /// A day of the console's time zone: 23 or 25 hours when clocks change.
        Day = "1d",
    }
);

string_enum!(
    /// Whether charts and tables label a bin with its start or its end.
    BinLabel {
        Start = "start",
        End = "end",
    }
);

string_enum!(
    /// Base of the units of traffic and storage.
    TrafficBase {
        Thousand = "1000",
        Binary = "1024",
    }
);

/// Display settings of figures. They affect neither storage nor the REST API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FigureFormat {
    pub label: BinLabel,
    pub base: TrafficBase,
}

impl Default for FigureFormat {
    fn default() -> Self {
        Self { label: BinLabel::Start, base: TrafficBase::Thousand }
    }
}

/// A query for usage statistics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageQuery {
    pub metric: Metric,
    /// Empty: all domains, including `(other)`.
    pub domains: Vec<String>,
    pub range: TimeRange,
    /// `None`: [`TimeRange::default_granularity`].
    pub granularity: Option<Granularity>,
    /// Whether to add the bins of the previous range.
    pub compare: bool,
}

/// A bin of a time series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageBin {
    /// Start of the bin, Unix seconds.
    pub at: i64,
    /// Bytes, bits per second or files, depending on the metric.
    pub value: i64,
}

/// A figure of the range and of the previous range. If the range has not ended, `before` covers only as much of the previous range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub now: i64,
    /// `None`: no data.
    pub before: Option<i64>,
}

/// Figures of the selected domains over the range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageCards {
    /// Bytes stored at the end of the range.
    pub storage: Change,
    /// Bits per second of the highest five-minute bin.
    pub peak: Change,
    /// Start of that bin, Unix seconds.
    pub peak_at: Option<i64>,
    /// 95th percentile in bits per second over all five-minute bins of the range, empty ones included. `None`: some of these bins have been
    /// removed, so the percentile would be too low.
    pub p95: Option<Change>,
    /// Bytes sent.
    pub traffic: Change,
    /// Files stored at the end of the range.
    pub files: Change,
}

/// An entry in the list of domains with the most traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopDomain {
    pub domain: String,
    /// Bytes sent.
    pub traffic: i64,
    /// Bits per second.
    pub peak: i64,
    pub requests: i64,
}

/// The answer to a [`UsageQuery`]. Cards, chart, table, export and REST show these numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageView {
    pub metric: Metric,
    pub range: TimeRange,
    pub granularity: Granularity,
    /// IANA name of the console's time zone.
    pub zone: String,
    /// Every bin of the range, empty ones included, without future bins at the end that have no data.
    pub bins: Vec<UsageBin>,
    /// From the first to the last data of any domain. Bins after it are 0 because they have not been counted yet.
    pub known: Option<TimeRange>,
    /// Bins of the previous range, if requested and if there is data for it.
    pub before: Vec<UsageBin>,
    pub cards: UsageCards,
    /// At most 20 domains, by traffic.
    pub top: Vec<TopDomain>,
}

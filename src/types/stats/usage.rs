//! Traffic, bandwidth, storage and files: what is asked and what is shown.

use serde::{Deserialize, Serialize};

use crate::string_enum;

string_enum!(
    /// What a chart shows.
    Metric {
        /// Bytes sent downstream in a point.
        Traffic = "traffic",
        /// Bits a second: of a five-minute point its mean, of an hour or a day the highest of its five-minute points.
        Bandwidth = "bandwidth",
        /// Bytes held at the end of the point; of a day its peak.
        Storage = "storage",
        /// Files held at the end of the point; of a day its peak.
        Files = "files",
    }
);

string_enum!(
    /// The length of a shown point.
    Granularity {
        /// Five minutes.
        Minutes = "5m",
        /// An hour of the console's zone.
        Hour = "1h",
        /// A day of the console's zone: 23 or 25 hours when clocks change.
        Day = "1d",
    }
);

string_enum!(
    /// Which end of a point its label shows in charts and tables.
    SlotLabel {
        Start = "start",
        End = "end",
    }
);

string_enum!(
    /// What the units of traffic and storage are multiples of.
    TrafficBase {
        Thousand = "1000",
        Binary = "1024",
    }
);

/// How figures are shown. What is stored and what REST answers does not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    pub label: SlotLabel,
    pub base: TrafficBase,
}

impl Default for Shown {
    fn default() -> Self {
        Self { label: SlotLabel::Start, base: TrafficBase::Thousand }
    }
}

/// The time that is looked at, Unix seconds, `[from, to)`; both on a five-minute border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    pub from: i64,
    pub to: i64,
}

/// What to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageQuery {
    pub metric: Metric,
    /// None: all, `(other)` included.
    pub domains: Vec<String>,
    pub slot: Slot,
    /// `None`: five minutes up to 3 days, an hour up to 31 days, a day beyond.
    pub granularity: Option<Granularity>,
    /// With the points of the slot before.
    pub compare: bool,
}

/// A point of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsagePoint {
    /// Its start, Unix seconds.
    pub at: i64,
    /// Bytes, bits a second or files, as the metric says.
    pub value: i64,
}

/// A figure of the slot, and of the slot of the same length before it as far as this one has passed; `None`: nothing is known of that one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub now: i64,
    pub before: Option<i64>,
}

/// The figures of the chosen domains over the slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageCards {
    /// Bytes held at the end of the slot.
    pub storage: Change,
    /// Bits a second: the highest five-minute point.
    pub peak: Change,
    /// Its start, Unix seconds.
    pub peak_at: Option<i64>,
    /// Bits a second, by the rule of `statistics` on all five-minute points of the slot, empty ones as 0. `None`: points of the slot
    /// have passed their time, and a percentile of what is left of them would be too low.
    pub p95: Option<Change>,
    /// Bytes sent.
    pub traffic: Change,
    /// Files held at the end of the slot.
    pub files: Change,
}

/// A domain among those with the most traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopDomain {
    pub domain: String,
    /// Bytes sent.
    pub traffic: i64,
    /// Bits a second.
    pub peak: i64,
    pub requests: i64,
}

/// What is shown: the same numbers on cards, in chart, table, export and REST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageView {
    pub metric: Metric,
    pub slot: Slot,
    pub granularity: Granularity,
    /// The console's zone, IANA name.
    pub zone: String,
    /// One for each point of the slot, empty ones too; those that have not begun are left out while nothing is known of them.
    pub points: Vec<UsagePoint>,
    /// From the first to the last of which anything is known, of any domain. A point beyond it is 0 because it was not counted yet.
    pub known: Option<Slot>,
    /// Those of the slot of the same length just before, where asked for and where anything is known of that.
    pub before: Vec<UsagePoint>,
    pub cards: UsageCards,
    /// By traffic, at most 20.
    pub top: Vec<TopDomain>,
}

//! Time ranges and the five-minute bins that they consist of. All times are Unix seconds.

use serde::{Deserialize, Serialize};

use super::Granularity;

/// Length of a bin in seconds.
pub const BIN_S: i64 = 300;
const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 86_400;

/// Returns the start of the bin that contains `at_s`.
#[must_use]
pub const fn bin_start(at_s: i64) -> i64 {
    at_s - at_s.rem_euclid(BIN_S)
}

/// The time from `from` until before `to`, in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeRange {
    pub from: i64,
    pub to: i64,
}

impl TimeRange {
    /// Returns the number of five-minute bins, empty ones included.
    #[must_use]
    pub const fn bins(self) -> i64 {
        (self.to - self.from) / BIN_S
    }

    /// Returns the range of the same length that ends where this one starts.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self { from: self.from - (self.to - self.from), to: self.from }
    }

    /// Returns five minutes for up to 3 days, an hour for up to 31 days, else a day. One hour more is allowed, because a day may have 25.
    #[must_use]
    pub const fn default_granularity(self) -> Granularity {
        match self.to - self.from {
            length if length <= 3 * DAY_S + HOUR_S => Granularity::Minutes,
            length if length <= 31 * DAY_S + HOUR_S => Granularity::Hour,
            _ => Granularity::Day,
        }
    }
}

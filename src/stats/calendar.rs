//! Hours and days of the console's time zone.
//!
//! A *bin* is five minutes of UTC. Since 1972 the offset of every time zone is a multiple of five minutes, so hours and days consist of
//! complete bins. A *day* lasts from midnight to midnight, 23 to 25 hours; if a clock change skips midnight, the day starts at the first
//! moment after it. An *hour* is counted from the start of its day. All times are Unix seconds.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use super::{BIN_S, Granularity, TimeRange};

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 86_400;
/// Maximum length of a time range in seconds: about ten years.
pub const MAX_RANGE_S: i64 = 3_660 * DAY_S;

/// A time range and the table that it is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TableRange {
    pub rows: Granularity,
    pub range: TimeRange,
}

/// The hours and days of a time zone.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
}

impl Calendar {
    #[must_use]
    pub const fn new(zone: TimeZone) -> Self {
        Self { zone }
    }

    /// Returns the IANA name of the time zone.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// Returns the day that contains `at`; after the year 9999, where the calendar ends, a day of UTC.
    #[must_use]
    pub fn day(&self, at: i64) -> TimeRange {
        self.zoned(at).and_then(|moment| self.day_of(moment.date())).unwrap_or_else(|| {
            let from = at - at.rem_euclid(DAY_S);
            TimeRange { from, to: from + DAY_S }
        })
    }

    /// Returns the `count` days up to and including the day of `now`.
    #[must_use]
    pub fn last_days(&self, now: i64, count: i64) -> TimeRange {
        let today = self.day(now);
        let first = self.zoned(today.from).and_then(|moment| moment.date().checked_sub((count - 1).days()).ok());
        let from = first.and_then(|date| self.day_of(date)).map_or(today.from, |day| day.from);
        TimeRange { from, to: today.to }
    }

    /// Returns the days from `first` to `last`, both written like `2026-11-22`. Returns `None` if a date is invalid or `last` is before `first`.
    #[must_use]
    pub fn days(&self, first: &str, last: &str) -> Option<TimeRange> {
        let day = |text: &str| self.day_of(text.parse::<Date>().ok()?);
        let range = TimeRange { from: day(first)?.from, to: day(last)?.to };
        (range.from < range.to).then_some(range)
    }

    /// Returns the starts of the bins, hours or days of a range. The first and the last may be shorter than the others.
    #[must_use]
    pub fn starts(&self, range: TimeRange, granularity: Granularity) -> Vec<i64> {
        let mut starts = Vec::new();
        let mut days = CalendarCache::new(self);
        let mut at = range.from;
        while at < range.to {
            starts.push(at);
            at = match granularity {
                Granularity::Minutes => at + BIN_S,
                Granularity::Hour => days.hour(at).to,
                Granularity::Day => days.day(at).to,
            };
        }
        starts
    }

    /// Covers a range with as few rows as possible, none coarser than `coarsest`: bins up to the first full hour, hours up to the first
    /// full day, days, hours, bins.
    #[must_use]
    pub fn cover(&self, range: TimeRange, coarsest: Granularity) -> Vec<TableRange> {
        let mut days = CalendarCache::new(self);
        let mut spans = Vec::new();
        let whole = |days: &mut CalendarCache<'_>, range: TimeRange, rows| {
            let mut border = |at| if rows == Granularity::Day { days.day(at) } else { days.hour(at) };
            let first = border(range.from);
            let from = if first.from == range.from { range.from } else { first.to };
            let to = border(range.to).from;
            if from < to { TimeRange { from, to } } else { TimeRange { from: range.to, to: range.to } }
        };
        let inner = match coarsest {
            Granularity::Day => whole(&mut days, range, Granularity::Day),
            _ => TimeRange { from: range.to, to: range.to },
        };
        let mut add = |rows, from, to| {
            if from < to {
                spans.push(TableRange { rows, range: TimeRange { from, to } });
            }
        };
        for outer in [TimeRange { from: range.from, to: inner.from }, TimeRange { from: inner.to, to: range.to }] {
            let hours = match coarsest {
                Granularity::Minutes => TimeRange { from: outer.to, to: outer.to },
                _ => whole(&mut days, outer, Granularity::Hour),
            };
            add(Granularity::Minutes, outer.from, hours.from);
            add(Granularity::Hour, hours.from, hours.to);
            add(Granularity::Minutes, hours.to, outer.to);
        }
        add(Granularity::Day, inner.from, inner.to);
        spans
    }

    fn zoned(&self, at: i64) -> Option<Zoned> {
        Some(Timestamp::from_second(at).ok()?.to_zoned(self.zone.clone()))
    }

    fn day_of(&self, date: Date) -> Option<TimeRange> {
        let start = |date: Date| Some(date.to_zoned(self.zone.clone()).ok()?.timestamp().as_second());
        Some(TimeRange { from: start(date)?, to: start(date.tomorrow().ok()?)? })
    }
}

/// Finds hours and days, and remembers the last day. Fast for times that are mostly in order.
#[derive(Debug)]
pub struct CalendarCache<'a> {
    calendar: &'a Calendar,
    day: TimeRange,
}

impl<'a> CalendarCache<'a> {
    #[must_use]
    pub const fn new(calendar: &'a Calendar) -> Self {
        Self { calendar, day: TimeRange { from: 0, to: 0 } }
    }

    /// Returns the day that contains `at`.
    pub fn day(&mut self, at: i64) -> TimeRange {
        if !(self.day.from..self.day.to).contains(&at) {
            self.day = self.calendar.day(at);
        }
        self.day
    }

    /// Returns the hour that contains `at`.
    pub fn hour(&mut self, at: i64) -> TimeRange {
        let day = self.day(at);
        let from = at - (at - day.from).rem_euclid(HOUR_S);
        TimeRange { from, to: (from + HOUR_S).min(day.to) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: &str) -> Calendar {
        Calendar::new(TimeZone::get(zone).expect("a zone"))
    }

    #[test]
    fn days_follow_the_clock_changes_of_unusual_time_zones() {
        // Computed with Python's `zoneinfo`.
        for (zone, day, from, to) in [
            ("Asia/Kathmandu", "2026-03-08", 1_772_907_300, 1_772_993_700),
            ("Australia/Lord_Howe", "2026-04-05", 1_775_307_600, 1_775_395_800),
            ("America/Asuncion", "2023-10-01", 1_696_132_800, 1_696_215_600),
            ("Africa/Cairo", "2026-04-24", 1_776_981_600, 1_777_064_400),
        ] {
            let calendar = calendar(zone);
            let range = TimeRange { from, to };
            assert_eq!(calendar.days(day, day), Some(range), "{zone}");
            for at in [from, from + 1, to - 1] {
                assert_eq!(calendar.day(at), range, "{zone} {at}");
            }
            assert_ne!(calendar.day(to), range, "{zone}");
        }
    }

    #[test]
    fn invalid_dates_are_refused() {
        let calendar = calendar("UTC");
        for (first, last) in
            [("2026-11-22", "2026-11-21"), ("2026-02-30", "2026-03-01"), ("", ""), ("today", "2026-03-01")]
        {
            assert_eq!(calendar.days(first, last), None, "{first} {last}");
        }
    }

    #[test]
    fn a_cover_contains_every_bin_exactly_once() {
        for zone in ["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"] {
            let calendar = calendar(zone);
            for (from, length) in [(0, 1), (1, 11), (5, 12), (7, 24), (11, 300), (0, 288), (3, 2_000), (12, 9_000)] {
                let from = 1_775_200_000 / BIN_S * BIN_S + from * BIN_S;
                let range = TimeRange { from, to: from + length * BIN_S };
                for coarsest in [Granularity::Minutes, Granularity::Hour, Granularity::Day] {
                    let mut spans = calendar.cover(range, coarsest);
                    spans.sort_by_key(|span| span.range.from);
                    let mut at = range.from;
                    for TableRange { rows, range: TimeRange { from, to } } in spans {
                        assert_eq!(from, at, "{zone}");
                        let mut days = CalendarCache::new(&calendar);
                        match rows {
                            Granularity::Minutes => {}
                            Granularity::Hour => assert_eq!((days.hour(from).from, days.hour(to).from), (from, to)),
                            Granularity::Day => assert_eq!((days.day(from).from, days.day(to).from), (from, to)),
                        }
                        at = to;
                    }
                    assert_eq!(at, range.to, "{zone} {range:?} {coarsest}");
                }
            }
        }
    }
}

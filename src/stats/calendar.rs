//! Slots and points on the calendar of the console's zone.
//!
//! A *point* is five minutes of UTC; since 1972 every zone is off UTC by a multiple of five minutes, so hours and days consist of whole
//! points. A *day* lasts from midnight to midnight, 23 to 25 hours; where a change of clocks skips midnight, from the first moment after
//! it. An *hour* is counted from the start of its day.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use super::{Granularity, Slot};

/// Seconds of a point.
pub const POINT: i64 = 300;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
/// The longest that a slot may be, in seconds: about ten years.
pub const LONGEST: i64 = 3_660 * DAY;

/// The start of the point that holds `at` (Unix seconds).
#[must_use]
pub const fn point_of(at: i64) -> i64 {
    at - at.rem_euclid(POINT)
}

/// The slot's five-minute points, empty ones too.
#[must_use]
pub const fn points_in(slot: Slot) -> i64 {
    (slot.to - slot.from) / POINT
}

/// How many of `points` lie above the 95th percentile: the highest 5 % are dropped and the next one counts.
#[must_use]
pub const fn above_p95(points: i64) -> i64 {
    points / 20
}

/// The slot of the same length just before.
#[must_use]
pub const fn slot_before(slot: Slot) -> Slot {
    Slot { from: slot.from - (slot.to - slot.from), to: slot.from }
}

/// Five minutes up to 3 days, an hour up to 31 days, a day beyond. The hour that some days have more makes no difference.
#[must_use]
pub const fn fitting(slot: Slot) -> Granularity {
    match slot.to - slot.from {
        length if length <= 3 * DAY + HOUR => Granularity::Minutes,
        length if length <= 31 * DAY + HOUR => Granularity::Hour,
        _ => Granularity::Day,
    }
}

/// A stretch of time that is read from rows of one length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub rows: Granularity,
    pub slot: Slot,
}

/// Hours and days of one zone.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
}

impl Calendar {
    #[must_use]
    pub const fn new(zone: TimeZone) -> Self {
        Self { zone }
    }

    /// The zone's IANA name.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The day that holds `at`. Beyond the calendar's end (year 9999), a day of UTC.
    #[must_use]
    pub fn day(&self, at: i64) -> Slot {
        self.zoned(at).and_then(|moment| self.day_of(moment.date())).unwrap_or_else(|| {
            let from = at - at.rem_euclid(DAY);
            Slot { from, to: from + DAY }
        })
    }

    /// The `count` whole days that end with the day of `now`.
    #[must_use]
    pub fn last_days(&self, now: i64, count: i64) -> Slot {
        let today = self.day(now);
        let first = self.zoned(today.from).and_then(|moment| moment.date().checked_sub((count - 1).days()).ok());
        let from = first.and_then(|date| self.day_of(date)).map_or(today.from, |day| day.from);
        Slot { from, to: today.to }
    }

    /// From the start of the day `first` to the end of the day `last`, both like `2026-11-22`. `None`: no dates, or in the wrong order.
    #[must_use]
    pub fn days(&self, first: &str, last: &str) -> Option<Slot> {
        let day = |text: &str| self.day_of(text.parse::<Date>().ok()?);
        let slot = Slot { from: day(first)?.from, to: day(last)?.to };
        (slot.from < slot.to).then_some(slot)
    }

    /// The starts of the slot's points. The first and the last may be cut short by the slot's borders.
    #[must_use]
    pub fn starts(&self, slot: Slot, granularity: Granularity) -> Vec<i64> {
        let mut starts = Vec::new();
        let mut days = Days::new(self);
        let mut at = slot.from;
        while at < slot.to {
            starts.push(at);
            at = match granularity {
                Granularity::Minutes => at + POINT,
                Granularity::Hour => days.hour(at).to,
                Granularity::Day => days.day(at).to,
            };
        }
        starts
    }

    /// The slot in as few rows as possible, none coarser than `coarsest`: points up to the first whole hour, hours up to the first
    /// whole day, days, hours, points.
    #[must_use]
    pub fn cover(&self, slot: Slot, coarsest: Granularity) -> Vec<Span> {
        let mut days = Days::new(self);
        let mut spans = Vec::new();
        let whole = |days: &mut Days<'_>, slot: Slot, rows| {
            let mut border = |at| if rows == Granularity::Day { days.day(at) } else { days.hour(at) };
            let first = border(slot.from);
            let from = if first.from == slot.from { slot.from } else { first.to };
            let to = border(slot.to).from;
            if from < to { Slot { from, to } } else { Slot { from: slot.to, to: slot.to } }
        };
        let inner = match coarsest {
            Granularity::Day => whole(&mut days, slot, Granularity::Day),
            _ => Slot { from: slot.to, to: slot.to },
        };
        let mut add = |rows, from, to| {
            if from < to {
                spans.push(Span { rows, slot: Slot { from, to } });
            }
        };
        for outer in [Slot { from: slot.from, to: inner.from }, Slot { from: inner.to, to: slot.to }] {
            let hours = match coarsest {
                Granularity::Minutes => Slot { from: outer.to, to: outer.to },
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

    fn day_of(&self, date: Date) -> Option<Slot> {
        let start = |date: Date| Some(date.to_zoned(self.zone.clone()).ok()?.timestamp().as_second());
        Some(Slot { from: start(date)?, to: start(date.tomorrow().ok()?)? })
    }
}

/// Finds hours and days of moments that mostly come in order: the calendar is asked once a day.
#[derive(Debug)]
pub struct Days<'a> {
    calendar: &'a Calendar,
    day: Slot,
}

impl<'a> Days<'a> {
    #[must_use]
    pub const fn new(calendar: &'a Calendar) -> Self {
        Self { calendar, day: Slot { from: 0, to: 0 } }
    }

    /// The day that holds `at`.
    pub fn day(&mut self, at: i64) -> Slot {
        if !(self.day.from..self.day.to).contains(&at) {
            self.day = self.calendar.day(at);
        }
        self.day
    }

    /// The hour that holds `at`.
    pub fn hour(&mut self, at: i64) -> Slot {
        let day = self.day(at);
        let from = at - (at - day.from).rem_euclid(HOUR);
        Slot { from, to: (from + HOUR).min(day.to) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(zone: &str) -> Calendar {
        Calendar::new(TimeZone::get(zone).expect("a zone"))
    }

    #[test]
    fn days_of_odd_zones() {
        // By Python's `zoneinfo`.
        for (zone, day, from, to) in [
            ("Asia/Kathmandu", "2026-03-08", 1_772_907_300, 1_772_993_700),
            ("Australia/Lord_Howe", "2026-04-05", 1_775_307_600, 1_775_395_800),
            ("America/Asuncion", "2023-10-01", 1_696_132_800, 1_696_215_600),
            ("Africa/Cairo", "2026-04-24", 1_776_981_600, 1_777_064_400),
        ] {
            let calendar = calendar(zone);
            let slot = Slot { from, to };
            assert_eq!(calendar.days(day, day), Some(slot), "{zone}");
            for at in [from, from + 1, to - 1] {
                assert_eq!(calendar.day(at), slot, "{zone} {at}");
            }
            assert_ne!(calendar.day(to), slot, "{zone}");
        }
    }

    #[test]
    fn dates_that_are_none() {
        let calendar = calendar("UTC");
        for (first, last) in
            [("2026-11-22", "2026-11-21"), ("2026-02-30", "2026-03-01"), ("", ""), ("today", "2026-03-01")]
        {
            assert_eq!(calendar.days(first, last), None, "{first} {last}");
        }
    }

    #[test]
    fn a_cover_has_each_moment_once() {
        for zone in ["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"] {
            let calendar = calendar(zone);
            for (from, length) in [(0, 1), (1, 11), (5, 12), (7, 24), (11, 300), (0, 288), (3, 2_000), (12, 9_000)] {
                let from = 1_775_200_000 / POINT * POINT + from * POINT;
                let slot = Slot { from, to: from + length * POINT };
                for coarsest in [Granularity::Minutes, Granularity::Hour, Granularity::Day] {
                    let mut spans = calendar.cover(slot, coarsest);
                    spans.sort_by_key(|span| span.slot.from);
                    let mut at = slot.from;
                    for Span { rows, slot: Slot { from, to } } in spans {
                        assert_eq!(from, at, "{zone}");
                        let mut days = Days::new(&calendar);
                        match rows {
                            Granularity::Minutes => {}
                            Granularity::Hour => assert_eq!((days.hour(from).from, days.hour(to).from), (from, to)),
                            Granularity::Day => assert_eq!((days.day(from).from, days.day(to).from), (from, to)),
                        }
                        at = to;
                    }
                    assert_eq!(at, slot.to, "{zone} {slot:?} {coarsest}");
                }
            }
        }
    }
}

//! Parses timestamps of logs to Unix milliseconds.

use super::numbers::{integer, millis, thousandths};

/// A cache of the last date, which most lines of a log share.
#[derive(Debug, Default)]
pub(super) struct Dates {
    text: [u8; 11],
    len: usize,
    day: i64,
}

impl Dates {
    /// Parses `22/Nov/2026:09:01:03 +0000`, with one or two digits for the day.
    pub(super) fn common(&mut self, text: &[u8]) -> Option<i64> {
        let colon = if text.get(11) == Some(&b':') { 11 } else { 10 };
        let day = self.day(text.get(..colon)?, common_day)?;
        let rest = text.get(colon..)?;
        if rest.len() != 15 || rest[0] != b':' || rest[9] != b' ' {
            return None;
        }
        Some((day * 86_400 + of_day(&rest[1..9])? - offset(&rest[10..])?) * 1000)
    }

    /// Parses RFC 3339: `2026-11-22T09:01:03+00:00`, `2026-11-22T09:01:03.688Z`.
    pub(super) fn rfc3339(&mut self, text: &[u8]) -> Option<i64> {
        let day = self.day(text.get(..10)?, iso_day)?;
        let (clock, zone) = match text.last()? {
            b'Z' | b'z' => (text.get(11..text.len() - 1)?, 0),
            _ => {
                let at = text.len().checked_sub(6)?;
                (text.get(11..at)?, offset(&text[at..])?)
            }
        };
        if !matches!(text[10], b'T' | b't' | b' ') {
            return None;
        }
        Some((day * 86_400 - zone) * 1000 + clock_ms(clock)?)
    }

    /// Parses `2026-11-22` and `09:01:03` in UTC.
    pub(super) fn date_and_time(&mut self, date: &[u8], time: &[u8]) -> Option<i64> {
        Some(self.day(date, iso_day)? * 86_400_000 + clock_ms(time)?)
    }

    /// Parses `20261122170103` in a time zone that is `offset_s` seconds ahead of UTC.
    pub(super) fn compact(&mut self, text: &[u8], offset_s: i64) -> Option<i64> {
        if text.len() != 14 {
            return None;
        }
        let day = self.day(&text[..8], compact_day)?;
        let part = |at: usize| integer(&text[at..at + 2]);
        Some((day * 86_400 + seconds(part(8)?, part(10)?, part(12)?)? - offset_s) * 1000)
    }

    fn day(&mut self, text: &[u8], read: fn(&[u8]) -> Option<i64>) -> Option<i64> {
        if self.len > 0 && &self.text[..self.len] == text {
            return Some(self.day);
        }
        let day = read(text)?;
        if let Some(place) = self.text.get_mut(..text.len()) {
            place.copy_from_slice(text);
            (self.len, self.day) = (text.len(), day);
        }
        Some(day)
    }
}

/// Parses RFC 3339 or Unix time: seconds with a fraction, or an integer of seconds, milliseconds, microseconds or nanoseconds, distinguished
/// by the number of digits.
pub(super) fn stamp(text: &[u8], dates: &mut Dates) -> Option<i64> {
    if text.contains(&b'-') {
        return dates.rfc3339(text);
    }
    if text.contains(&b'.') {
        return millis(text);
    }
    let value = integer(text)?;
    match text.len() {
        ..=11 => Some(value * 1000),
        12..=14 => Some(value),
        15..=17 => Some(value / 1000),
        _ => Some(value / 1_000_000),
    }
}

fn common_day(text: &[u8]) -> Option<i64> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let (day, rest) = text.split_at_checked(text.len().checked_sub(9)?)?;
    if rest[0] != b'/' || rest[4] != b'/' {
        return None;
    }
    let month = MONTHS.iter().position(|name| rest[1..4] == name[..])? + 1;
    civil(integer(&rest[5..])?, i64::try_from(month).ok()?, integer(day)?)
}

fn iso_day(text: &[u8]) -> Option<i64> {
    if text.len() != 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    civil(integer(&text[..4])?, integer(&text[5..7])?, integer(&text[8..])?)
}

fn compact_day(text: &[u8]) -> Option<i64> {
    civil(integer(&text[..4])?, integer(&text[4..6])?, integer(&text[6..])?)
}

/// Returns the days since 1970-01-01 of a Gregorian date in the years 1970 to 9999.
fn civil(year: i64, month: i64, day: i64) -> Option<i64> {
    const BEFORE: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
    let index = usize::try_from(month).ok()?.checked_sub(1)?;
    if !(1970..=9999).contains(&year) || index > 11 {
        return None;
    }
    let leap = i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let length = BEFORE[index + 1] - BEFORE[index] + if month == 2 { leap } else { 0 };
    if !(1..=length).contains(&day) {
        return None;
    }
    let past = year - 1;
    let leap_days = (past / 4 - past / 100 + past / 400) - 477;
    Some((year - 1970) * 365 + leap_days + BEFORE[index] + if month > 2 { leap } else { 0 } + day - 1)
}

/// Parses `09:01:03` with an optional fraction to milliseconds of the day.
fn clock_ms(text: &[u8]) -> Option<i64> {
    let (clock, fraction) = text.split_at_checked(8)?;
    let ms = match fraction {
        [] => 0,
        [b'.', digits @ ..] => thousandths(digits)?,
        _ => return None,
    };
    Some(of_day(clock)? * 1000 + ms)
}

/// Parses `09:01:03` to seconds of the day.
fn of_day(text: &[u8]) -> Option<i64> {
    if text.len() != 8 || text[2] != b':' || text[5] != b':' {
        return None;
    }
    seconds(integer(&text[..2])?, integer(&text[3..5])?, integer(&text[6..])?)
}

/// Returns the seconds of the day. Second 60 is a leap second.
fn seconds(hour: i64, minute: i64, second: i64) -> Option<i64> {
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

/// Parses `+0800` or `+08:00` to seconds.
fn offset(text: &[u8]) -> Option<i64> {
    let (hours, minutes) = match text.len() {
        5 => (&text[1..3], &text[3..]),
        6 if text[3] == b':' => (&text[1..3], &text[4..]),
        _ => return None,
    };
    let (hours, minutes) = (integer(hours)?, integer(minutes)?);
    let value = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
    match text[0] {
        b'+' => Some(value),
        b'-' => Some(-value),
        _ => None,
    }
}

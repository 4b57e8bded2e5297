//! Parsing of `Retry-After` (RFC 9110 §10.2.3).

use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::civil::Date;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::model::Millis;

/// Longest wait that a receiver can request (ms).
pub(super) const LONGEST: Millis = 3_600_000;

/// The weekday is redundant, so a date with a wrong one is accepted.
const IMF_FIXDATE: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

/// Returns the requested wait from `now` (ms): that of the longest valid value.
pub(super) fn wait(headers: &HeaderMap, now: Millis) -> Option<Millis> {
    let values = headers.get_all(RETRY_AFTER).into_iter().filter_map(|value| value.to_str().ok());
    values.filter_map(|value| delay(value.trim(), now)).max()
}

fn delay(value: &str, now: Millis) -> Option<Millis> {
    let wait = match seconds(value) {
        Some(wait) => wait,
        None => http_date(value, Timestamp::from_millisecond(now).ok()?)?.as_millisecond().saturating_sub(now),
    };
    Some(wait.clamp(0, LONGEST))
}

/// Parses seconds to ms, rounded up. The standard allows integers; some servers send decimals.
fn seconds(value: &str) -> Option<Millis> {
    if !value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let seconds: f64 = value.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    Some((seconds * 1000.0).ceil() as Millis)
}

/// Parses a date in one of the three formats of RFC 9110 §5.6.7.
fn http_date(value: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(zoned) = IMF_FIXDATE.parse_zoned(value) {
        return Some(zoned.timestamp());
    }
    if let Some((_, date)) = value.split_once(", ") {
        // RFC 850 and, as in cookies, the same format with a four-digit year.
        return match BrokenDownTime::parse("%d-%b-%y %H:%M:%S GMT", date) {
            Ok(time) => with_short_year(&time, now),
            Err(_) => {
                let time = BrokenDownTime::parse("%d-%b-%Y %H:%M:%S GMT", date).ok()?;
                at(&time, time.year()?)
            }
        };
    }
    // The format of C's `asctime`.
    let (_, date) = value.split_once(' ')?;
    let time = BrokenDownTime::parse("%b %e %H:%M:%S %Y", date).ok()?;
    at(&time, time.year()?)
}

fn at(time: &BrokenDownTime, year: i16) -> Option<Timestamp> {
    let date = Date::new(year, time.month()?, time.day()?).ok()?;
    let time = date.to_datetime(time.to_time().ok()?);
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Resolves a two-digit year to the latest one for which the date is at most 50 years in the future.
fn with_short_year(time: &BrokenDownTime, now: Timestamp) -> Option<Timestamp> {
    let farthest = now.to_zoned(TimeZone::UTC).checked_add(50.years()).ok()?;
    let year = farthest.year() - (farthest.year() - time.year()?).rem_euclid(100);
    at(time, year).filter(|date| *date <= farthest.timestamp()).or_else(|| at(time, year - 100))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-22 08:44:56.500 GMT.
    const NOW: Millis = 1_795_337_096_500;

    fn wait_for(values: &[&str]) -> Option<Millis> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RETRY_AFTER, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        }
        wait(&headers, NOW)
    }

    #[test]
    fn values_are_parsed_to_waits() {
        for (value, expected) in [
            // Seconds.
            ("120", Some(120_000)),
            ("0", Some(0)),
            ("007", Some(7_000)),
            ("3600", Some(LONGEST)),
            ("3601", Some(LONGEST)),
            ("99999999999999999999999999", Some(LONGEST)),
            ("1.5", Some(1_500)),
            ("29.8301", Some(29_831)),
            // The three date formats, 90 s after the current second, which began half a second ago.
            ("Sun, 22 Nov 2026 08:46:26 GMT", Some(89_500)),
            ("Sunday, 22-Nov-26 08:46:26 GMT", Some(89_500)),
            ("Sun Nov 22 08:46:26 2026", Some(89_500)),
            ("Tue Dec  1 08:46:26 2026", Some(LONGEST)),
            // Variants: another time zone, RFC 850 as in cookies, a wrong weekday, a one-digit day.
            ("Sun, 22 Nov 2026 09:46:26 +0100", Some(89_500)),
            ("Sun, 22-Nov-2026 08:46:26 GMT", Some(89_500)),
            ("Sun, 22-Nov-26 08:46:26 GMT", Some(89_500)),
            ("Mon, 22 Nov 2026 08:46:26 GMT", Some(89_500)),
            ("Tue, 1 Dec 2026 08:46:26 GMT", Some(LONGEST)),
            // In the past, in half a second, or far in the future.
            ("Sun, 22 Nov 2026 08:44:56 GMT", Some(0)),
            ("Sun, 22 Nov 2026 08:44:57 GMT", Some(500)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 9998 23:59:59 GMT", Some(LONGEST)),
            // A two-digit year is the latest one that is at most 50 years in the future.
            ("Sunday, 22-Nov-76 08:44:56 GMT", Some(LONGEST)),
            ("Sunday, 22-Nov-76 08:44:57 GMT", Some(0)),
            ("Tuesday, 22-Nov-77 08:46:26 GMT", Some(0)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(0)),
            ("Thursday, 29-Feb-28 08:49:37 GMT", Some(LONGEST)),
            // Invalid.
            ("", None),
            ("soon", None),
            ("-5", None),
            ("+5", None),
            ("1e3", None),
            ("1.2.3", None),
            ("0x10", None),
            ("120s", None),
            ("120, 240", None),
            ("inf", None),
            ("NaN", None),
            ("2026-11-22T08:46:26Z", None),
            ("Sun, 32 Nov 2026 08:46:26 GMT", None),
            ("Monday, 29-Feb-27 08:46:26 GMT", None),
            ("Sun, 22 Nov 2026 25:46:26 GMT", None),
            ("Sunday, 22-Nov-26 08:46:26 PST", None),
            ("Sun Nov 22 08:46:26", None),
            ("22 Nov 2026", None),
            ("Sun, 22 Nov", None),
        ] {
            assert_eq!(wait_for(&[value]), expected, "{value:?}");
        }
    }

    #[test]
    fn the_longest_valid_value_wins() {
        assert_eq!(wait_for(&["5", "Sun, 22 Nov 2026 08:46:26 GMT", "soon"]), Some(89_500));
        assert_eq!(wait_for(&[]), None);
    }

    /// Formats a second in the three formats.
    fn formats(second: i64) -> [String; 3] {
        let time = Timestamp::from_second(second).expect("a time").to_zoned(TimeZone::UTC);
        ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
            .map(|format| time.strftime(format).to_string())
    }

    proptest! {
        #[test]
        fn the_wait_for_a_date_ends_at_that_date(now in 0..4_000_000_000_000_i64, ahead in 0..7_200_i64) {
            let at = now / 1000 + ahead;
            let expected = (at * 1000 - now).clamp(0, LONGEST);
            for text in formats(at) {
                prop_assert_eq!(delay(&text, now), Some(expected), "{}", text);
            }
        }

        #[test]
        fn the_wait_is_at_most_an_hour(value in "\\PC{0,40}", now in any::<i64>()) {
            prop_assert!(delay(&value, now).is_none_or(|wait| (0..=LONGEST).contains(&wait)));
        }
    }
}

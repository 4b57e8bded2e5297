//! `Retry-After`: how long a receiver asks to be left alone (RFC 9110 §10.2.3).

use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::civil::Date;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::model::Millis;

/// A receiver is left alone for this long at most (ms).
pub(super) const LONGEST: Millis = 3_600_000;

/// A weekday repeats what the date says, so a wrong one is no reason to pass over the date.
const IMF_FIXDATE: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);

/// How long to wait from `now` on (ms): as long as the longest value asks that can be read.
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

/// Seconds as ms, rounded up: whole ones by the standard, with decimals from some servers.
fn seconds(value: &str) -> Option<Millis> {
    if !value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let seconds: f64 = value.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "more than what fits becomes the most that fits")]
    Some((seconds * 1000.0).ceil() as Millis)
}

/// A date in one of the three forms of RFC 9110 §5.6.7.
fn http_date(value: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(zoned) = IMF_FIXDATE.parse_zoned(value) {
        return Some(zoned.timestamp());
    }
    if let Some((_, date)) = value.split_once(", ") {
        // RFC 850, and the same with four digits as in cookies.
        return match BrokenDownTime::parse("%d-%b-%y %H:%M:%S GMT", date) {
            Ok(time) => with_short_year(&time, now),
            Err(_) => {
                let time = BrokenDownTime::parse("%d-%b-%Y %H:%M:%S GMT", date).ok()?;
                at(&time, time.year()?)
            }
        };
    }
    // The form of C's `asctime`.
    let (_, date) = value.split_once(' ')?;
    let time = BrokenDownTime::parse("%b %e %H:%M:%S %Y", date).ok()?;
    at(&time, time.year()?)
}

fn at(time: &BrokenDownTime, year: i16) -> Option<Timestamp> {
    let date = Date::new(year, time.month()?, time.day()?).ok()?;
    let time = date.to_datetime(time.to_time().ok()?);
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Two digits mean the last such year in which the date is not more than 50 years ahead.
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

    fn asked(values: &[&str]) -> Option<Millis> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(RETRY_AFTER, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        }
        wait(&headers, NOW)
    }

    #[test]
    fn values_and_how_long_they_ask_to_wait() {
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
            // The three forms of a date, 90 s after a moment that is half a second ago.
            ("Sun, 22 Nov 2026 08:46:26 GMT", Some(89_500)),
            ("Sunday, 22-Nov-26 08:46:26 GMT", Some(89_500)),
            ("Sun Nov 22 08:46:26 2026", Some(89_500)),
            ("Tue Dec  1 08:46:26 2026", Some(LONGEST)),
            // Variants of the field: another zone, cookies' form of RFC 850, a wrong weekday, one digit.
            ("Sun, 22 Nov 2026 09:46:26 +0100", Some(89_500)),
            ("Sun, 22-Nov-2026 08:46:26 GMT", Some(89_500)),
            ("Sun, 22-Nov-26 08:46:26 GMT", Some(89_500)),
            ("Mon, 22 Nov 2026 08:46:26 GMT", Some(89_500)),
            ("Tue, 1 Dec 2026 08:46:26 GMT", Some(LONGEST)),
            // Over already, soon over, or far ahead.
            ("Sun, 22 Nov 2026 08:44:56 GMT", Some(0)),
            ("Sun, 22 Nov 2026 08:44:57 GMT", Some(500)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 9998 23:59:59 GMT", Some(LONGEST)),
            // Two digits are the last such year that is not more than 50 years ahead.
            ("Sunday, 22-Nov-76 08:44:56 GMT", Some(LONGEST)),
            ("Sunday, 22-Nov-76 08:44:57 GMT", Some(0)),
            ("Tuesday, 22-Nov-77 08:46:26 GMT", Some(0)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(0)),
            ("Thursday, 29-Feb-28 08:49:37 GMT", Some(LONGEST)),
            // Nonsense.
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
            assert_eq!(asked(&[value]), expected, "{value:?}");
        }
    }

    #[test]
    fn the_longest_of_several_values_counts() {
        assert_eq!(asked(&["5", "Sun, 22 Nov 2026 08:46:26 GMT", "soon"]), Some(89_500));
        assert_eq!(asked(&[]), None);
    }

    /// The three forms of one second.
    fn forms(second: i64) -> [String; 3] {
        let time = Timestamp::from_second(second).expect("a time").to_zoned(TimeZone::UTC);
        ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
            .map(|form| time.strftime(form).to_string())
    }

    proptest! {
        #[test]
        fn a_date_in_any_form_is_never_come_before(now in 0..4_000_000_000_000_i64, ahead in 0..7_200_i64) {
            let at = now / 1000 + ahead;
            let expected = (at * 1000 - now).clamp(0, LONGEST);
            for form in forms(at) {
                prop_assert_eq!(delay(&form, now), Some(expected), "{}", form);
            }
        }

        #[test]
        fn any_value_asks_for_an_hour_at_most(value in "\\PC{0,40}", now in any::<i64>()) {
            prop_assert!(delay(&value, now).is_none_or(|wait| (0..=LONGEST).contains(&wait)));
        }
    }
}

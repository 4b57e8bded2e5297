//! Field types of transcoder results. Numbers may be JSON numbers or strings. Each rejection names the field and how to fix it.
//!
//! Numbers are parsed from their digits in the JSON text, never through a float.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::model::{DomainName, Millis};

/// Maximum duration of an output: ten years, so that sums cannot overflow.
const MAX_DURATION_MS: i64 = 10 * 366 * 86_400_000;
const DAY_MS: Millis = 86_400_000;
/// Maximum length of the names of jobs and outputs in bytes. Both together fit into an index of PostgreSQL.
const MAX_NAME_BYTES: usize = 1024;
const MAX_TEXT_CHARS: usize = 1000;

/// Why an object is not counted: the field, what is wrong, and how to fix it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rejection(pub(super) String);

impl<T: Into<String>> From<T> for Rejection {
    fn from(reason: T) -> Self {
        Self(reason.into())
    }
}

/// Returns an error message of `serde_json` without the position, which would be relative to the object.
pub(super) fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map(|(message, _)| message.to_owned()).unwrap_or(text)
}

/// An error of `serde` and its path within a value. The path is empty for the value itself.
struct FieldError {
    path: String,
    message: String,
}

/// Encloses the path of a [`FieldError`] in the text of a `serde` error, which cannot carry anything else. JSON never contains this character
/// unescaped.
const MARK: char = '\u{1}';

fn deserialize<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(json)).map_err(|error| {
        let (path, message) = (error.path().to_string(), message(error.inner()));
        let path = if path == "." { String::new() } else { path };
        match message.strip_prefix(MARK).and_then(|inner| inner.split_once(MARK)) {
            Some((inner, message)) => FieldError { path: joined(&path, inner), message: message.to_owned() },
            None => FieldError { path, message },
        }
    })
}

/// Joins a path and a path within it.
fn joined(outer: &str, inner: &str) -> String {
    let dot = if outer.is_empty() || inner.is_empty() || inner.starts_with('[') { "" } else { "." };
    format!("{outer}{dot}{inner}")
}

/// Parses the fields of an object that an adapter needs.
pub(super) fn parse<'a, T: Deserialize<'a>>(object: &'a str) -> Result<T, Rejection> {
    deserialize(object).map_err(|FieldError { path, message }| {
        Rejection(if path.is_empty() { message } else { format!("{path}: {message}") })
    })
}

/// Parses the fields of an object at `place` within the result.
pub(super) fn element<'a, T: Deserialize<'a>>(element: &'a RawValue, place: &str) -> Result<T, Rejection> {
    if !element.get().starts_with('{') {
        return Err(format!("{place} is not a JSON object; send the result unchanged").into());
    }
    deserialize(element.get())
        .map_err(|FieldError { path, message }| format!("{}: {message}", joined(place, &path)).into())
}

/// An optional field. Placeholders for unknown values, such as `N/A`, count as missing, so that they never become the name of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Maybe<T>(pub(super) Option<T>);

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let is_unknown =
            raw.get() == "null" || raw.get().starts_with('"') && literal(raw).is_some_and(|text| is_unknown(&text));
        if is_unknown {
            return Ok(Self(None));
        }
        let value = deserialize(raw.get());
        value.map(|value| Self(Some(value))).map_err(|FieldError { path, message }| match path.as_str() {
            "" => D::Error::custom(message),
            path => D::Error::custom(format_args!("{MARK}{path}{MARK}{message}")),
        })
    }
}

/// Returns whether a text is a placeholder for an unknown value: `N/A` and `unknown` of ffprobe, the year 0 of Tencent, or null values of
/// programming languages.
fn is_unknown(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "",
        "n/a",
        "na",
        "nan",
        "-",
        "--",
        "–",
        "—",
        "unknown",
        "undefined",
        "none",
        "null",
        "nil",
        "(null)",
        "not available",
        "0000-00-00t00:00:00z",
    ];
    let text = text.trim();
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Rejects a result without a required field.
pub(super) fn required<T>(value: Option<T>, field: &str, remedy: &str) -> Result<T, Rejection> {
    value.ok_or_else(|| format!("{field} is missing; {remedy}").into())
}

/// Returns when the task ended: the time in the result, else when it was received. A clock may be up to a day ahead.
pub(super) fn finished(time: Option<Rfc3339>, field: &str, received: Millis) -> Result<Millis, Rejection> {
    match time {
        None => Ok(received),
        Some(Rfc3339(at)) if at < 0 => Err(format!("{field} is before 1970; check the sender's clock").into()),
        Some(Rfc3339(at)) if at - received > DAY_MS => {
            Err(format!("{field} is more than a day in the future; check the sender's clock").into())
        }
        Some(Rfc3339(at)) => Ok(at),
    }
}

/// Returns the content of a string, or the digits of a number.
fn literal<'a>(raw: &'a RawValue) -> Option<Cow<'a, str>> {
    match raw.get().as_bytes().first()? {
        b'"' => serde_json::from_str::<JsonText>(raw.get()).ok().map(|text| text.0),
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(raw.get())),
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(transparent)]
struct JsonText<'a>(#[serde(borrow)] Cow<'a, str>);

/// Returns the first characters of a value, for a message.
fn excerpt(raw: &RawValue) -> String {
    let text = raw.get();
    let beginning: String = text.chars().take(40).collect();
    if beginning.len() < text.len() { format!("{beginning}…") } else { beginning }
}

fn field<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    let value = literal(raw).and_then(|text| parse(&text));
    value.ok_or_else(|| D::Error::custom(format_args!("{} is not {expected}", excerpt(raw))))
}

/// Parses a non-negative decimal number and multiplies it by 10 to the power of `places`, rounding half up. Returns `None` for anything else
/// and for results above 10^15.
fn scaled(text: &str, places: i64) -> Option<i64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, i64::from(exponent.parse::<i32>().ok()?)),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    if whole.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let shift = exponent + places - i64::try_from(fraction.len()).ok()?;
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    if shift >= 0 {
        let shift = usize::try_from(shift).ok()?;
        let power = 10i64.pow(u32::try_from(shift).ok().filter(|_| digits.len() + shift <= 15)?);
        return Some(digits.parse::<i64>().ok()? * power);
    }
    let dropped = usize::try_from(shift.unsigned_abs()).ok()?;
    let Some(kept) = digits.len().checked_sub(dropped) else { return Some(0) };
    let (kept, rest) = digits.split_at(kept);
    let up = i64::from(rest.as_bytes().first().is_some_and(|digit| *digit >= b'5'));
    match kept.len() {
        0 => Some(up),
        1..=15 => Some(kept.parse::<i64>().ok()? + up),
        _ => None,
    }
}

/// A duration in seconds, stored in milliseconds, rounded half up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seconds(pub(super) i64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        field(deserializer, "a length; write seconds from 0 up to ten years, such as 12.5", |text| {
            scaled(text, 3).filter(|ms| *ms <= MAX_DURATION_MS).map(Self)
        })
    }
}

/// A duration in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Milliseconds(pub(super) i64);

impl<'de> Deserialize<'de> for Milliseconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        field(deserializer, "a length; write milliseconds from 0 up to ten years, such as 12500", |text| {
            scaled(text, 0).filter(|ms| *ms <= MAX_DURATION_MS).map(Self)
        })
    }
}

/// A boolean, which may also be a number or a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let text = literal(raw).unwrap_or_else(|| raw.get().into());
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Ok(Self(true)),
            "false" | "0" | "no" => Ok(Self(false)),
            _ => Err(D::Error::custom(format_args!("{} is neither true nor false", excerpt(raw)))),
        }
    }
}

/// Width or height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pixels(pub(super) u32);

impl<'de> Deserialize<'de> for Pixels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        field(deserializer, "a number of pixels, such as 1280", |text| text.parse().ok().map(Self))
    }
}

/// A time in RFC 3339, stored in Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rfc3339(pub(super) Millis);

impl Rfc3339 {
    fn parse(text: &str) -> Option<Self> {
        text.parse::<Timestamp>().ok().map(|at| Self(at.as_millisecond()))
    }
}

impl<'de> Deserialize<'de> for Rfc3339 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        field(deserializer, "a time such as 2026-11-22T08:30:00Z", Self::parse)
    }
}

/// The name of a job or an output: a string or a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(pub(super) String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        field(deserializer, "a name; write 1 to 1,024 bytes without control characters", |text| {
            let fits = (1..=MAX_NAME_BYTES).contains(&text.len()) && !text.contains(char::is_control);
            fits.then(|| Self(text.into()))
        })
    }
}

/// A host name in ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host(pub(super) String);

impl<'de> Deserialize<'de> for Host {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Text::deserialize(deserializer)?.0;
        let name = DomainName::parse(&name).map_err(|why| D::Error::custom(format_args!("the name {why}")))?;
        Ok(Self(name.ascii().into()))
    }
}

/// Text for display in one line, cut to the maximum length. Values that are neither string nor number are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = literal(<&RawValue>::deserialize(deserializer)?).unwrap_or_default();
        let text = text.chars().take(MAX_TEXT_CHARS).map(|c| if c.is_control() { ' ' } else { c });
        Ok(Self(text.collect::<String>().trim().into()))
    }
}

/// Combines the error code and the message of a transcoder.
pub(super) fn reason(code: Option<Text>, message: Option<Text>) -> String {
    let parts = [code, message].into_iter().flatten().map(|text| text.0).filter(|text| !text.is_empty());
    let reason = parts.collect::<Vec<_>>().join(": ");
    if reason.is_empty() { "no reason given".into() } else { reason.chars().take(MAX_TEXT_CHARS).collect() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(json: &str) -> Result<i64, Rejection> {
        parse::<Seconds>(json).map(|seconds| seconds.0)
    }

    #[test]
    fn seconds_are_converted_to_milliseconds_exactly() {
        for (json, ms) in [
            ("0", 0),
            ("0.4", 400),
            ("61.0", 61_000),
            ("5400.3", 5_400_300),
            ("\"5.015000\"", 5_015),
            ("11.26200008392334", 11_262),
            ("0.0005", 1),
            ("0.00049999999999999999999999", 0),
            ("1.0005", 1_001),
            ("4.35", 4_350),
            ("1.1e3", 1_100_000),
            ("15E-1", 1_500),
            ("5e-4", 1),
            ("4e-4", 0),
            ("1e-400", 0),
            ("0e999999999", 0),
            ("\"007\"", 7_000),
            ("\"3.\"", 3_000),
            ("316224000", MAX_DURATION_MS),
        ] {
            assert_eq!(seconds(json), Ok(ms), "{json}");
        }
    }

    #[test]
    fn an_invalid_duration_is_refused_with_a_remedy() {
        for json in [
            "-1",
            "-0.5",
            "316224000.001",
            "1e999999999",
            "1e400",
            "\"\"",
            "\"N/A\"",
            "\".5\"",
            "\"1 s\"",
            "\"0x10\"",
            "\"1,5\"",
            "\"1e\"",
            "\"+1\"",
            "true",
            "{}",
            "[1]",
        ] {
            let Rejection(reason) = seconds(json).expect_err(json);
            assert!(
                reason.ends_with("is not a length; write seconds from 0 up to ten years, such as 12.5"),
                "{reason}"
            );
            assert!(reason.starts_with(json), "{reason}");
        }
        let long = format!("\"{}\"", "é".repeat(500));
        assert!(seconds(&long).expect_err("long").0.len() < 200);
    }

    proptest! {
        /// The expected value is computed in nanoseconds.
        #[test]
        fn every_decimal_is_rounded_half_up(whole in 0u64..300_000_000, fraction in 0u64..1_000_000_000, digits in 1usize..=9) {
            let fraction = fraction / 10u64.pow(u32::try_from(9 - digits).expect("small"));
            let nanos = u128::from(fraction) * 10u128.pow(u32::try_from(9 - digits).expect("small"));
            let expected = (u128::from(whole) * 1_000_000_000 + nanos + 500_000) / 1_000_000;
            let text = format!("{whole}.{fraction:0digits$}");
            prop_assert_eq!(seconds(&text).map(|ms| u128::try_from(ms).expect("positive")), Ok(expected));
            let quoted = format!("\"{text}\"");
            prop_assert_eq!(seconds(&quoted), seconds(&text));
        }

        #[test]
        fn any_text_is_a_number_or_not(text in "[-+0-9.eE]{0,12}|\\PC{0,20}", places in 0i64..4) {
            if let Some(value) = scaled(&text, places) {
                prop_assert!(value >= 0);
            }
        }
    }

    #[test]
    fn every_spelling_of_unknown_is_a_missing_field() {
        #[derive(Debug, Default, PartialEq, Deserialize)]
        #[serde(default)]
        struct Fields {
            name: Maybe<Name>,
            length: Maybe<Seconds>,
            side: Maybe<Pixels>,
            ended: Maybe<Rfc3339>,
            host: Maybe<Host>,
            words: Maybe<Text>,
            flag: Maybe<Flag>,
            list: Maybe<Vec<Maybe<Name>>>,
            nested: Maybe<Box<Fields>>,
        }
        let fields = ["name", "length", "side", "ended", "host", "words", "flag", "list", "nested"];
        for unknown in [
            "null",
            "\"\"",
            "\" \"",
            "\"N/A\"",
            "\"n/a\"",
            "\"NA\"",
            "\"unknown\"",
            "\"UNKNOWN\"",
            "\"-\"",
            "\" - \"",
            "\"--\"",
            "\"None\"",
            "\"null\"",
            "\"undefined\"",
            "\"n\\/a\"",
            "\"0000-00-00T00:00:00Z\"",
        ] {
            let object = fields.map(|field| format!("\"{field}\": {unknown}")).join(", ");
            assert_eq!(parse::<Fields>(&format!("{{{object}}}")), Ok(Fields::default()), "{unknown}");
        }
        let nested = parse::<Fields>(r#"{"nested": {"list": ["a", "N/A", "b"], "flag": "1"}}"#).expect("fields");
        let inner = nested.nested.0.expect("nested");
        let names: Vec<_> = inner.list.0.expect("a list").into_iter().map(|name| name.0.map(|name| name.0)).collect();
        assert_eq!((names, inner.flag.0), (vec![Some("a".into()), None, Some("b".into())], Some(Flag(true))));
        for (json, reason) in [
            (r#"{"side": {}}"#, "side: {} is not a number of pixels, such as 1280"),
            (
                r#"{"nested": {"nested": {"side": "N/B"}}}"#,
                "nested.nested.side: \"N/B\" is not a number of pixels, such as 1280",
            ),
            (
                r#"{"nested": {"list": [1, true]}}"#,
                "nested.list[1]: true is not a name; write 1 to 1,024 bytes without control characters",
            ),
            (r#"{"nested": {"flag": 2}}"#, "nested.flag: 2 is neither true nor false"),
        ] {
            assert_eq!(parse::<Fields>(json), Err(reason.into()), "{json}");
        }
    }

    #[test]
    fn names_are_text_or_numbers_of_a_bounded_length() {
        let name = |json: &str| parse::<Name>(json).map(|name| name.0);
        assert_eq!(name("959"), Ok("959".into()));
        assert_eq!(name("\"a\\u00e9\""), Ok("aé".into()));
        assert!(name(&format!("\"{}\"", "x".repeat(1024))).is_ok());
        for json in [
            format!("\"{}\"", "x".repeat(1025)),
            "\"\"".into(),
            "\"a\\u0000\"".into(),
            "\"a\\nb\"".into(),
            "{}".into(),
            "true".into(),
        ] {
            assert!(name(&json).is_err(), "{json}");
        }
    }

    #[test]
    fn code_and_message_are_joined_to_one_short_line() {
        let words = |text: &str| Some(parse::<Text>(&serde_json::to_string(text).expect("JSON")).expect("words"));
        assert_eq!(reason(words("1040"), words("no\nvideo\0")), "1040: no video");
        assert_eq!(reason(None, words("no video")), "no video");
        assert_eq!(reason(words(""), None), "no reason given");
        assert_eq!(reason(words(&"é".repeat(5000)), words(&"é".repeat(5000))).chars().count(), 1000);
    }

    #[test]
    fn a_task_cannot_end_long_after_its_result_was_received() {
        let now = 1_800_000_000_000;
        assert_eq!(finished(None, "finishedAt", now), Ok(now));
        assert_eq!(finished(Some(Rfc3339(now + DAY_MS)), "finishedAt", now), Ok(now + DAY_MS));
        let ahead = finished(Some(Rfc3339(now + DAY_MS + 1)), "finishedAt", now).expect_err("ahead");
        assert_eq!(ahead.0, "finishedAt is more than a day in the future; check the sender's clock");
        assert!(finished(Some(Rfc3339(-1)), "finishedAt", now).is_err());
    }
}

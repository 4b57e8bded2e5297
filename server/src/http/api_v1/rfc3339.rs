//! Times in JSON.

use std::fmt;

use axum::http::StatusCode;
use callsheet::model::Millis;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::http::problem::ApiProblem;

/// Unix milliseconds, written as RFC 3339 in UTC with milliseconds, read with any offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rfc3339(pub(super) Millis);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{time:.3}")
    }
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = Timestamp::from_millisecond(self.0).map_err(ser::Error::custom)?;
        serializer.collect_str(&format_args!("{time:.3}"))
    }
}

impl<'de> Deserialize<'de> for Rfc3339 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = text.parse::<Timestamp>();
        let time = time.map_err(|_| de::Error::custom("not a time such as 2026-11-22T08:30:00.000Z"))?;
        Ok(Self(time.as_millisecond()))
    }
}

/// Refuses a time range that ends before it begins.
pub(super) fn check_span(since: Option<Rfc3339>, until: Option<Rfc3339>) -> Result<(), ApiProblem> {
    match since.zip(until) {
        Some((since, until)) if until.0 <= since.0 => {
            let detail = "until: must be later than since";
            Err(ApiProblem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", detail).of_field("until"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json, to_value};

    #[test]
    fn times_are_written_in_utc_with_milliseconds_and_read_with_any_offset() {
        assert_eq!(to_value(Rfc3339(1_524_476_982_000)).expect("JSON"), json!("2018-04-23T09:49:42.000Z"));
        assert_eq!(to_value(Rfc3339(1_524_476_982_007)).expect("JSON"), json!("2018-04-23T09:49:42.007Z"));
        for text in ["2018-04-23T09:49:42.007Z", "2018-04-23T17:49:42.007+08:00"] {
            assert_eq!(from_value::<Rfc3339>(json!(text)).expect(text), Rfc3339(1_524_476_982_007));
        }
        for text in ["", "2018-04-23", "2018-04-23T09:49:42", "1524476982"] {
            assert!(from_value::<Rfc3339>(json!(text)).is_err(), "{text}");
        }
    }
}

//! Times on the wire.

use std::fmt;

use axum::http::StatusCode;
use callsheet::model::Millis;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::http::problem::ApiProblem;

/// A moment: Unix ms inside, RFC 3339 on the wire. Written in UTC with milliseconds, read with any offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(pub(super) Millis);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{time:.3}")
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = Timestamp::from_millisecond(self.0).map_err(ser::Error::custom)?;
        serializer.collect_str(&format_args!("{time:.3}"))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = text.parse::<Timestamp>();
        let time = time.map_err(|_| de::Error::custom("not a time such as 2026-11-22T08:30:00.000Z"))?;
        Ok(Self(time.as_millisecond()))
    }
}

/// Refuses a span of time that ends before it begins: it holds nothing, so it is a slip.
pub(super) fn check_span(since: Option<Moment>, until: Option<Moment>) -> Result<(), ApiProblem> {
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
        assert_eq!(to_value(Moment(1_524_476_982_000)).expect("JSON"), json!("2018-04-23T09:49:42.000Z"));
        assert_eq!(to_value(Moment(1_524_476_982_007)).expect("JSON"), json!("2018-04-23T09:49:42.007Z"));
        for text in ["2018-04-23T09:49:42.007Z", "2018-04-23T17:49:42.007+08:00"] {
            assert_eq!(from_value::<Moment>(json!(text)).expect(text), Moment(1_524_476_982_007));
        }
        for text in ["", "2018-04-23", "2018-04-23T09:49:42", "1524476982"] {
            assert!(from_value::<Moment>(json!(text)).is_err(), "{text}");
        }
    }
}

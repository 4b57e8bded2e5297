//! Parameters from the query or a JSON object. `null` and empty texts count as absent. Unknown parameters are ignored, because the SDKs repeat
//! path parameters in the body.

use std::collections::HashMap;

use callsheet::model::{DomainName, Millis, Page, PageRequest};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::envelope::JdError;
use super::signature::decode;

const DAY_MS: Millis = 86_400_000;
/// Maximum time range.
const MAX_RANGE_MS: Millis = 30 * DAY_MS;

/// Parameters by name.
pub(super) struct Params(HashMap<String, String>);

/// One of `filters.1.name=…&filters.1.operator=eq&filters.1.values.1=…`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) name: String,
    pub(super) values: Vec<String>,
}

impl Params {
    /// Reads the query and the optional body. The body takes precedence, then the first value in the query.
    pub(super) fn read(query: &str, body: &[u8]) -> Result<Self, JdError> {
        let mut params = HashMap::new();
        if !body.is_empty() {
            let object: Map<String, Value> = serde_json::from_slice(body)
                .map_err(|error| JdError::invalid(format!("the body is not a JSON object: {error}")))?;
            for (name, value) in object {
                let text = match value {
                    Value::String(text) => text,
                    Value::Number(number) => number.to_string(),
                    Value::Bool(truth) => truth.to_string(),
                    Value::Null => continue,
                    Value::Array(_) | Value::Object(_) => {
                        return Err(JdError::invalid(format!("{name} must be a string or a number")));
                    }
                };
                params.insert(name, text);
            }
        }
        let text =
            |text: &str| String::from_utf8(decode(text)).map_err(|_| JdError::invalid("the query must be UTF-8"));
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            params.entry(text(name)?).or_insert(text(value)?);
        }
        Ok(Self(params))
    }

    pub(super) fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, JdError> {
        self.optional(name).ok_or_else(|| JdError::invalid(format!("{name} is missing")))
    }

    /// Returns an integer.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, JdError> {
        let read = |text: &str| text.parse().map_err(|_| JdError::invalid(format!("{name} must be a whole number")));
        self.optional(name).map(read).transpose()
    }

    /// Returns a domain in ASCII.
    pub(super) fn domain(&self, name: &str) -> Result<Option<String>, JdError> {
        let read = |text: &str| match DomainName::parse(text) {
            Ok(domain) => Ok(domain.ascii().to_owned()),
            Err(why) => Err(JdError::invalid(format!("{name} {why}"))),
        };
        self.optional(name).map(read).transpose()
    }

    /// Returns the value of a keyword from a table.
    pub(super) fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, JdError> {
        let Some(text) = self.optional(name) else { return Ok(None) };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => {
                let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                Err(JdError::invalid(format!("{name} must be one of {}", words.join(", "))))
            }
        }
    }

    /// Returns the page: `pageNum` from 1, `pageSize` from 10 to 100.
    pub(super) fn page(&self) -> Result<PageRequest, JdError> {
        let bounded = |name: &str, least: i64, most: i64| match self.integer(name)? {
            Some(number) if !(least..=most).contains(&number) => {
                Err(JdError::invalid(format!("{name} must be from {least} to {most}")))
            }
            number => Ok(number.unwrap_or(least)),
        };
        Ok(PageRequest { number: bounded("pageNum", 1, 100_000)?, size: bounded("pageSize", 10, 100)? })
    }

    /// Returns the range from `startTime` to `endTime` (default `now`) in Unix ms, at most 30 days.
    pub(super) fn range(&self, now: Millis) -> Result<(Millis, Millis), JdError> {
        let from = read_time("startTime", self.required("startTime")?)?;
        let to = self.optional("endTime").map_or(Ok(now), |text| read_time("endTime", text))?;
        if from >= to {
            return Err(JdError::invalid("startTime must be before endTime, which defaults to now"));
        }
        if to - from > MAX_RANGE_MS {
            return Err(JdError::out_of_range("the range from startTime to endTime must not exceed 30 days"));
        }
        Ok((from, to))
    }

    /// Returns the filters in order. Only equality is supported.
    pub(super) fn filters(&self) -> Result<Vec<Filter>, JdError> {
        let mut filters = Vec::new();
        for number in 1.. {
            let Some(name) = self.optional(&format!("filters.{number}.name")) else { break };
            if !matches!(self.optional(&format!("filters.{number}.operator")), None | Some("eq" | "in")) {
                return Err(JdError::invalid("the operator of a filter must be eq or in"));
            }
            let values = (1..).map_while(|value| self.optional(&format!("filters.{number}.values.{value}")));
            filters.push(Filter { name: name.to_owned(), values: values.map(str::to_owned).collect() });
        }
        Ok(filters)
    }
}

/// Formats a page with its rows under `name`.
pub(super) fn page_of<T>(page: Page<T>, name: &str, row: impl Fn(T) -> Value) -> Value {
    let rows: Vec<Value> = page.rows.into_iter().map(row).collect();
    json!({ "pageNumber": page.number, "pageSize": page.size, "totalCount": page.total, name: rows })
}

const TIME: &str = "%Y-%m-%dT%H:%M:%SZ";

fn read_time(name: &str, text: &str) -> Result<Millis, JdError> {
    let time = DateTime::strptime(TIME, text).ok().and_then(|time| time.to_zoned(TimeZone::UTC).ok());
    let wrong = || JdError::invalid(format!("{name} must be a UTC time such as 2018-10-21T10:00:00Z"));
    time.map(|time| time.timestamp().as_millisecond()).ok_or_else(wrong)
}

/// Formats Unix ms as `2018-10-21T10:00:00Z`.
pub(super) fn write_time(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map(|time| time.strftime(TIME).to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_as_the_sdks_send_them() {
        let body = br#"{"publishDomain":"push.example.com","forbidTime":0,"notifyUrl":null,"appName":""}"#;
        let params = Params::read("publishDomain=other.example.com&pageNum=2&a=b%3Ac+d&&=x", body).expect("parameters");
        assert_eq!(params.required("publishDomain"), Ok("push.example.com"));
        assert_eq!(params.integer("forbidTime"), Ok(Some(0)));
        assert_eq!((params.optional("notifyUrl"), params.optional("appName")), (None, None));
        assert_eq!(params.optional("a"), Some("b:c d"));
        assert_eq!(params.page(), Ok(PageRequest { number: 2, size: 10 }));
        for body in ["[]", "{", "\"text\"", r#"{"a":[1]}"#, r#"{"a":{}}"#] {
            assert!(Params::read("", body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn pages_and_numbers_out_of_bounds() {
        for query in ["pageNum=0", "pageNum=100001", "pageSize=9", "pageSize=101", "pageNum=x", "pageSize=10.5"] {
            assert!(Params::read(query, b"").expect("parameters").page().is_err(), "{query}");
        }
    }

    #[test]
    fn times_and_ranges() {
        let now = 1_540_116_000_000; // 2018-10-21T10:00:00Z
        let range = |query: &str| Params::read(query, b"").expect("parameters").range(now);
        assert_eq!(range("startTime=2018-10-21T09:00:00Z"), Ok((now - 3_600_000, now)));
        let month = "startTime=2018-09-21T10%3A00%3A00Z&endTime=2018-10-21T10:00:00Z";
        assert_eq!(range(month), Ok((now - MAX_RANGE_MS, now)));
        assert_eq!(write_time(now), "2018-10-21T10:00:00Z");
        let status = |query| serde_json::to_string(&format!("{:?}", range(query))).expect("text");
        assert!(status("startTime=2018-09-21T09:59:59Z").contains("OUT_OF_RANGE"));
        for query in [
            "",
            "startTime=2018-10-21",
            "startTime=2018-10-21T09:00:00%2B08:00",
            "startTime=2018-10-21T10:00:00Z",
            "startTime=2018-10-21T09:00:00Z&endTime=2018-10-21T08:00:00Z",
            "startTime=2018-13-21T09:00:00Z",
        ] {
            assert!(status(query).contains("INVALID_ARGUMENT"), "{query}");
        }
    }

    #[test]
    fn filters_in_their_order() {
        let query =
            "filters.1.name=template&filters.1.operator=eq&filters.1.values.1=a&filters.1.values.2=b&filters.2.name=x";
        let filters = Params::read(query, b"").expect("parameters").filters().expect("filters");
        let values = vec!["a".to_owned(), "b".to_owned()];
        let named = |name: &str, values| Filter { name: name.to_owned(), values };
        assert_eq!(filters, [named("template", values), named("x", Vec::new())]);
        let unlike = Params::read("filters.1.name=template&filters.1.operator=like", b"").expect("parameters");
        assert!(unlike.filters().is_err());
    }
}

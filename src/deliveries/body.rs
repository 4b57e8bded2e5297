//! The body of a callback, made once when the event is stored; every attempt sends the same bytes.

use serde_json::{Map, Value};

use crate::callbacks::Dialect;
use crate::model::{EventName, Millis};
use crate::streams::Event;

/// The event of stream `app`/`stream` of push domain `domain`, in `dialect`.
#[must_use]
pub fn render(dialect: Dialect, domain: &str, app: &str, stream: &str, event: &Event) -> Vec<u8> {
    match dialect {
        Dialect::V1_0 => v1_0(domain, app, stream, event),
    }
}

/// All values are strings; the keys come in the order of the documentation.
fn v1_0(domain: &str, app: &str, stream: &str, event: &Event) -> Vec<u8> {
    use EventName::{RecordDone, RecordPartDone, RecordPartStarted, RecordStarted};
    let mut object = Map::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            object.insert(key.to_owned(), Value::String(value));
        }
    };
    put("domain", Some(domain.to_owned()));
    put("app", Some(app.to_owned()));
    put("stream", Some(stream.to_owned()));
    put("event", Some(event.name.to_string()));
    put("status", Some(event.status.to_string()));
    put("errorMsg", event.error.clone());
    if matches!(event.name, RecordPartStarted | RecordPartDone | RecordDone) {
        put("url", event.url.clone());
    }
    if matches!(event.name, RecordPartDone | RecordDone) {
        put("duration", event.duration_s().map(|s| s.to_string()));
    }
    if matches!(event.name, RecordStarted | RecordPartStarted | RecordPartDone | RecordDone) {
        put("startTime", event.start_time_ms.map(unix_seconds));
    }
    if matches!(event.name, RecordPartDone | RecordDone) {
        put("stopTime", event.stop_time_ms.map(unix_seconds));
    }
    Value::Object(object).to_string().into_bytes()
}

fn unix_seconds(millis: Millis) -> String {
    millis.div_euclid(1000).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Status;

    /// The seed's example, made clean: no trailing comma, no breaks inside strings, no padding, the lower-case name of the
    /// event, `success`, and an end in the url that fits start and duration.
    #[test]
    fn the_seeds_example_made_clean() {
        let event = Event {
            sequence: 3,
            name: EventName::RecordPartDone,
            status: Status::Success,
            error: None,
            at: 1_524_477_014_000,
            part: Some(1),
            url: Some("bucketname/record/20180423/push.test.com/app/live/20180423174942_20180423175014.flv".to_owned()),
            duration_ms: Some(32_000),
            start_time_ms: Some(1_524_476_982_000),
            stop_time_ms: Some(1_524_477_014_000),
            bytes: Some(1),
            client: None,
            params: Vec::new(),
        };
        let body = render(Dialect::V1_0, "push.test.com", "appname", "streamname", &event);
        assert_eq!(
            String::from_utf8(body).expect("utf-8"),
            concat!(
                r#"{"domain":"push.test.com","app":"appname","stream":"streamname","event":"record_part_done","#,
                r#""status":"success","#,
                r#""url":"bucketname/record/20180423/push.test.com/app/live/20180423174942_20180423175014.flv","#,
                r#""duration":"32","startTime":"1524476982","stopTime":"1524477014"}"#
            )
        );
    }
}

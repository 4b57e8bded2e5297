//! Rendering of callback bodies. A body is rendered once, when the event is stored; every attempt sends the same bytes.

use serde_json::{Map, Value};

use crate::callbacks::Dialect;
use crate::model::{EventName, Millis};
use crate::streams::{Event, may_be_secret};

/// The callback body for an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedBody {
    /// The event's name in the dialect.
    pub event: EventName,
    pub body: Vec<u8>,
}

/// Renders an event of stream `app`/`stream` of push domain `domain`. Returns `None` if the dialect does not include the event.
#[must_use]
pub fn render(dialect: Dialect, domain: &str, app: &str, stream: &str, event: &Event) -> Option<RenderedBody> {
    match dialect {
        Dialect::V1_0 => Some(RenderedBody { event: event.name, body: v1_0(domain, app, stream, event) }),
        Dialect::V1_1 => {
            let name = match event.name {
                EventName::PublishStarted | EventName::PublishDone => event.name,
                // v1.1 sends one `record_done` for each file.
                EventName::RecordPartDone => EventName::RecordDone,
                EventName::RecordStarted | EventName::RecordPartStarted | EventName::RecordDone => return None,
            };
            Some(RenderedBody { event: name, body: v1_1(name, domain, app, stream, event) })
        }
    }
}

/// Renders all values as strings, with the keys in the documented order.
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

/// `name`: the event's name in this dialect. Unknown values are omitted.
fn v1_1(name: EventName, domain: &str, app: &str, stream: &str, event: &Event) -> Vec<u8> {
    let mut object = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            object.insert(key.to_owned(), value);
        }
    };
    put("version", Some(Dialect::V1_1.as_str().into()));
    put("publishDomain", Some(domain.into()));
    put("appName", Some(app.into()));
    put("streamName", Some(stream.into()));
    put("event", Some(name.as_str().into()));
    put("status", Some(event.status.as_str().into()));
    put("errorMsg", event.error.as_deref().map(Into::into));
    put("eventTime", Some(event.at.into()));
    if name == EventName::PublishStarted {
        put("clientIp", event.client.as_deref().map(Into::into));
        let public = event.params.iter().filter(|(name, _)| !may_be_secret(name));
        put(
            "pushParams",
            Some(Value::Object(public.map(|(name, value)| (name.clone(), value.as_str().into())).collect())),
        );
    }
    if name == EventName::RecordDone {
        put("format", Some("flv".into()));
        put("duration", event.duration_ms.map(|ms| tenths(ms).into()));
        put("fileSize", event.bytes.map(|bytes| bytes.to_string().into()));
        put("beginTime", event.start_time_ms.map(Into::into));
        put("endTime", event.stop_time_ms.map(Into::into));
        put("downloadUrl", event.url.as_deref().map(Into::into));
    }
    Value::Object(object).to_string().into_bytes()
}

fn unix_seconds(millis: Millis) -> String {
    millis.div_euclid(1000).to_string()
}

/// Formats milliseconds as seconds with one decimal, rounded half up: `18439.0`.
fn tenths(millis: Millis) -> String {
    let tenths = (millis + 50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests;

//! The generic adapter: JSON with our own event names, for any source that can be taught to send it.
//!
//! `{"event","domain","app","stream","session"}`, and where they apply `clientIp`, `url`, `startTime`, `stopTime` (Unix
//! seconds), `duration` (seconds), `status`, `errorMsg`. Numbers may be written as text. Other fields are ignored. A session
//! has at most 200 characters, `url` and `errorMsg` 2,048. The signature is checked before.

use std::net::IpAddr;

use callsheet::model::{EventName, Millis, SourceId, Status};
use callsheet::streams::{ClosedPart, PushRequest, SourceEvent};
use serde_json::{Map, Value};

use super::{BadHook, NAME, TEXT};

/// The last that can be written as a date in any zone (`jiff::Timestamp::MAX`). A time in milliseconds lies beyond, if it
/// is later than 1978.
const LAST_SECOND: f64 = 253_402_207_200.0;
/// Given for a failure without `errorMsg`.
const UNEXPLAINED: &str = "the source gave no reason";

/// What one request says. `key` is its `session`.
#[derive(Debug, Clone)]
pub enum GenericCall {
    Publish {
        key: String,
        at: Millis,
        push: PushRequest,
    },
    Report {
        key: String,
        hint: SourceEvent,
        /// Each report names the publish.
        push: PushRequest,
    },
    /// A publish that did not come about.
    Ignored,
}

/// Reads the body of one call; a time that it does not tell is `now`.
///
/// # Errors
/// The body is no JSON object, or names the field that is missing or bad.
pub fn parse(source: SourceId, body: &[u8], now: Millis) -> Result<GenericCall, BadHook> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return Err(BadHook::NotJson);
    };
    let body = Body(&fields);
    let event = body.word("event", "one of the six event names")?;
    let event = event.ok_or(BadHook::Missing("event"))?;
    let key = NAME.check("session", body.need("session")?)?;
    let push = PushRequest {
        source,
        hosts: vec![body.need("domain")?],
        app: body.need("app")?,
        stream: body.need("stream")?,
        client: body.address("clientIp")?,
        params: Vec::new(),
    };
    let failure = body.failure()?;
    let start = body.seconds("startTime")?;
    let stop = body.seconds("stopTime")?;
    let location = body.text("url")?.map(|url| TEXT.check("url", url)).transpose()?;
    let duration_ms = body.seconds("duration")?;
    let part = |failure| {
        SourceEvent::PartClosed(ClosedPart {
            recorder: String::new(),
            location: location.clone(),
            started_at: start,
            stopped_at: stop.unwrap_or(now),
            duration_ms,
            bytes: None,
            failure,
        })
    };
    let hint = match (event, failure) {
        (EventName::PublishStarted, None) => {
            return Ok(GenericCall::Publish { key, at: start.unwrap_or(now), push });
        }
        (EventName::PublishStarted, Some(_)) => return Ok(GenericCall::Ignored),
        (EventName::PublishDone, failure) => SourceEvent::Ended { at: stop.unwrap_or(now), failure },
        (EventName::RecordStarted, None) => SourceEvent::RecordingStarted { at: start.unwrap_or(now) },
        (EventName::RecordStarted, Some(reason)) => SourceEvent::RecordingFailed { at: start.unwrap_or(now), reason },
        (EventName::RecordPartStarted, None) => SourceEvent::PartOpened { at: start.unwrap_or(now), location },
        (EventName::RecordPartStarted | EventName::RecordPartDone, failure) => part(failure),
        (EventName::RecordDone, _) => SourceEvent::RecordingEnded { at: stop.unwrap_or(now) },
    };
    Ok(GenericCall::Report { key, hint, push })
}

struct Body<'a>(&'a Map<String, Value>);

impl Body<'_> {
    fn text(&self, field: &'static str) -> Result<Option<String>, BadHook> {
        match self.0.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(BadHook::Bad { field, expected: "text" }),
        }
    }

    fn need(&self, field: &'static str) -> Result<String, BadHook> {
        self.text(field)?.ok_or(BadHook::Missing(field))
    }

    fn word<T: std::str::FromStr>(&self, field: &'static str, expected: &'static str) -> Result<Option<T>, BadHook> {
        let word = self.text(field)?.map(|word| word.parse());
        word.transpose().map_err(|_| BadHook::Bad { field, expected })
    }

    fn address(&self, field: &'static str) -> Result<Option<String>, BadHook> {
        let address: Option<IpAddr> = self.word(field, "an IP address without a port")?;
        Ok(address.map(|address| address.to_string()))
    }

    fn failure(&self) -> Result<Option<String>, BadHook> {
        let status: Option<Status> = self.word("status", "`success` or `fail`")?;
        let reason = self.text("errorMsg")?.map(|reason| TEXT.check("errorMsg", reason)).transpose()?;
        Ok(match status {
            Some(Status::Fail) => Some(reason.unwrap_or_else(|| UNEXPLAINED.to_owned())),
            Some(Status::Success) | None => None,
        })
    }

    /// Seconds, as a number or as text, in milliseconds.
    fn seconds(&self, field: &'static str) -> Result<Option<Millis>, BadHook> {
        let seconds = match self.0.get(field) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        match seconds {
            Some(seconds) if (0.0..=LAST_SECOND).contains(&seconds) => Ok(Some((seconds * 1000.0).round() as Millis)),
            _ => Err(BadHook::Bad { field, expected: "seconds" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Millis = 1_524_477_000_123;

    fn body(extra: Value) -> Value {
        let mut body = json!({
            "event": "publish_started", "domain": "push.example.com", "app": "live", "stream": "demo",
            "session": "s-1", "of no": ["concern"],
        });
        for (field, value) in extra.as_object().expect("fields") {
            body[field] = value.clone();
        }
        body
    }

    fn read(extra: Value) -> Result<GenericCall, BadHook> {
        parse(SourceId(3), body(extra).to_string().as_bytes(), NOW)
    }

    fn hint(extra: Value) -> SourceEvent {
        match read(extra) {
            Ok(GenericCall::Report { key, hint, .. }) if key == "s-1" => hint,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_publish() {
        let started = read(json!({ "startTime": 1_524_476_982, "clientIp": "2001:db8::1" }));
        let Ok(GenericCall::Publish { key, at, push }) = started else { panic!("{started:?}") };
        assert_eq!((key.as_str(), at), ("s-1", 1_524_476_982_000));
        assert_eq!((push.source, push.hosts), (SourceId(3), vec!["push.example.com".to_owned()]));
        assert_eq!((push.app.as_str(), push.stream.as_str()), ("live", "demo"));
        assert_eq!(push.client.as_deref(), Some("2001:db8::1"));
        let unstamped = read(json!({ "startTime": null }));
        assert!(matches!(unstamped, Ok(GenericCall::Publish { at: NOW, .. })), "{unstamped:?}");
        assert!(matches!(read(json!({ "status": "fail" })), Ok(GenericCall::Ignored)));
    }

    #[test]
    fn every_other_event_is_a_hint() {
        let (start, stop) = (1_524_476_982_000, 1_524_477_014_500);
        let times = |event: &str, status: &str| {
            hint(json!({
                "event": event, "status": status, "errorMsg": "why", "url": "a.flv",
                "startTime": "1524476982", "stopTime": 1_524_477_014.5, "duration": "32",
            }))
        };
        let why = || Some("why".to_owned());
        let url = || Some("a.flv".to_owned());
        let part = |failure| {
            SourceEvent::PartClosed(ClosedPart {
                recorder: String::new(),
                location: url(),
                started_at: Some(start),
                stopped_at: stop,
                duration_ms: Some(32_000),
                bytes: None,
                failure,
            })
        };
        for (event, status, expected) in [
            ("publish_done", "success", SourceEvent::Ended { at: stop, failure: None }),
            ("publish_done", "fail", SourceEvent::Ended { at: stop, failure: why() }),
            ("record_started", "success", SourceEvent::RecordingStarted { at: start }),
            ("record_started", "fail", SourceEvent::RecordingFailed { at: start, reason: "why".to_owned() }),
            ("record_part_started", "success", SourceEvent::PartOpened { at: start, location: url() }),
            ("record_part_started", "fail", part(why())),
            ("record_part_done", "success", part(None)),
            ("record_part_done", "fail", part(why())),
            ("record_done", "success", SourceEvent::RecordingEnded { at: stop }),
        ] {
            let read = times(event, status);
            assert_eq!(format!("{read:?}"), format!("{expected:?}"), "{event} {status}");
        }
        let bare = hint(json!({ "event": "publish_done", "status": "fail" }));
        let expected = SourceEvent::Ended { at: NOW, failure: Some(UNEXPLAINED.to_owned()) };
        assert_eq!(format!("{bare:?}"), format!("{expected:?}"));
    }

    #[test]
    fn each_bad_field_is_named() {
        for (extra, text) in [
            (json!({ "event": null }), "`event` is missing"),
            (json!({ "event": "stream_on" }), "`event` must be one of the six event names"),
            (json!({ "session": "" }), "`session` is missing"),
            (json!({ "domain": 7 }), "`domain` must be text"),
            (json!({ "app": [] }), "`app` must be text"),
            (json!({ "stream": null }), "`stream` is missing"),
            (json!({ "clientIp": "192.0.2.7:80" }), "`clientIp` must be an IP address without a port"),
            (json!({ "url": {} }), "`url` must be text"),
            (json!({ "startTime": "soon" }), "`startTime` must be seconds"),
            (json!({ "stopTime": 1_524_477_014_000_i64 }), "`stopTime` must be seconds"),
            (json!({ "stopTime": true }), "`stopTime` must be seconds"),
            (json!({ "duration": -1 }), "`duration` must be seconds"),
            (json!({ "duration": "NaN" }), "`duration` must be seconds"),
            (json!({ "status": "ok" }), "`status` must be `success` or `fail`"),
            (json!({ "errorMsg": 5 }), "`errorMsg` must be text"),
        ] {
            let error = read(extra.clone()).expect_err("bad").to_string();
            assert_eq!(error, text, "{extra}");
        }
        for body in ["", "[]", "event=publish_started", "{"] {
            assert_eq!(parse(SourceId(3), body.as_bytes(), NOW).expect_err(body), BadHook::NotJson);
        }
    }
}

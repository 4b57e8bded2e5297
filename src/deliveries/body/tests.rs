use serde_json::json;

use super::*;
use crate::model::Status;

const URL: &str = "bucketname/record/20180423/push.test.com/app/live/20180423174942_20180423175014.flv";

/// An event with every field set.
fn event(name: EventName) -> Event {
    Event {
        sequence: 3,
        name,
        status: Status::Success,
        error: None,
        at: 1_524_477_014_250,
        part: Some(1),
        url: Some(URL.to_owned()),
        duration_ms: Some(32_000),
        start_time_ms: Some(1_524_476_982_000),
        stop_time_ms: Some(1_524_477_014_999),
        bytes: Some(4_096_000),
        client: Some("203.0.113.7".to_owned()),
        params: [("room", "7"), ("Auth_Key", "k"), ("txSecret", "s"), ("token", "t"), ("sign", "x"), ("room", "8")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
    }
}

fn failed(name: EventName) -> Event {
    Event { status: Status::Fail, error: Some("source lost".to_owned()), ..event(name) }
}

fn rendered(dialect: Dialect, event: &Event) -> Option<(EventName, String)> {
    let rendered = render(dialect, "push.test.com", "appname", "streamname", event)?;
    Some((rendered.event, String::from_utf8(rendered.body).expect("utf-8")))
}

/// The documented example, as valid JSON: no trailing comma, line breaks or padding, the event in lower case, status `success`, and
/// a URL whose end time matches start and duration.
#[test]
fn v1_0_renders_the_documented_example() {
    let (_, body) = rendered(Dialect::V1_0, &event(EventName::RecordPartDone)).expect("included");
    assert_eq!(
        body,
        concat!(
            r#"{"domain":"push.test.com","app":"appname","stream":"streamname","event":"record_part_done","#,
            r#""status":"success","#,
            r#""url":"bucketname/record/20180423/push.test.com/app/live/20180423174942_20180423175014.flv","#,
            r#""duration":"32","startTime":"1524476982","stopTime":"1524477014"}"#
        )
    );
}

/// Compares bytes: the order of the keys and the types of the values are part of the dialect.
#[test]
fn v1_1_renders_each_event_field_by_field() {
    let (_, body) = rendered(Dialect::V1_1, &event(EventName::PublishStarted)).expect("included");
    assert_eq!(
        body,
        concat!(
            r#"{"version":"v1.1","publishDomain":"push.test.com","appName":"appname","streamName":"streamname","#,
            r#""event":"publish_started","status":"success","eventTime":1524477014250,"#,
            r#""clientIp":"203.0.113.7","pushParams":{"room":"8"}}"#
        )
    );
    let (_, body) = rendered(Dialect::V1_1, &event(EventName::PublishDone)).expect("included");
    assert_eq!(
        body,
        concat!(
            r#"{"version":"v1.1","publishDomain":"push.test.com","appName":"appname","streamName":"streamname","#,
            r#""event":"publish_done","status":"success","eventTime":1524477014250}"#
        )
    );
    let file = Event { duration_ms: Some(18_439_000), ..event(EventName::RecordPartDone) };
    let (_, body) = rendered(Dialect::V1_1, &file).expect("included");
    assert_eq!(
        body,
        concat!(
            r#"{"version":"v1.1","publishDomain":"push.test.com","appName":"appname","streamName":"streamname","#,
            r#""event":"record_done","status":"success","eventTime":1524477014250,"format":"flv","#,
            r#""duration":"18439.0","fileSize":"4096000","beginTime":1524476982000,"endTime":1524477014999,"#,
            r#""downloadUrl":"bucketname/record/20180423/push.test.com/app/live/20180423174942_20180423175014.flv"}"#
        )
    );
}

/// Checks which events each dialect includes, under which name, and with which keys after the common ones.
#[test]
fn each_dialect_renders_its_events_with_their_keys() {
    const HEAD_1_0: [&str; 5] = ["domain", "app", "stream", "event", "status"];
    const HEAD_1_1: [&str; 7] = ["version", "publishDomain", "appName", "streamName", "event", "status", "eventTime"];
    let file = "format duration fileSize beginTime endTime downloadUrl";
    use EventName::{PublishDone, PublishStarted, RecordDone, RecordPartDone, RecordPartStarted, RecordStarted};
    for (name, v1_0, v1_1) in [
        (PublishStarted, "", Some((PublishStarted, "clientIp pushParams"))),
        (PublishDone, "", Some((PublishDone, ""))),
        (RecordStarted, "startTime", None),
        (RecordPartStarted, "url startTime", None),
        (RecordPartDone, "url duration startTime stopTime", Some((RecordDone, file))),
        (RecordDone, "url duration startTime stopTime", None),
    ] {
        for (dialect, head, expected) in
            [(Dialect::V1_0, HEAD_1_0.as_slice(), Some((name, v1_0))), (Dialect::V1_1, HEAD_1_1.as_slice(), v1_1)]
        {
            let Some((rendered_name, body)) = rendered(dialect, &event(name)) else {
                assert_eq!(expected, None, "{dialect} {name}");
                continue;
            };
            let (expected_name, rest) = expected.unwrap_or_else(|| panic!("{dialect} includes {name}: {body}"));
            let body: Map<String, Value> = serde_json::from_str(&body).expect("an object");
            assert_eq!((rendered_name, &body["event"]), (expected_name, &json!(expected_name)), "{dialect} {name}");
            let keys: Vec<&str> = body.keys().map(String::as_str).collect();
            let wanted: Vec<&str> = head.iter().copied().chain(rest.split_whitespace()).collect();
            assert_eq!(keys, wanted, "{dialect} {name}");
        }
    }
}

#[test]
fn a_failed_event_has_an_error_message() {
    for dialect in Dialect::ALL {
        for name in [EventName::PublishDone, EventName::RecordPartDone] {
            let (_, body) = rendered(*dialect, &failed(name)).expect("included");
            let body: Value = serde_json::from_str(&body).expect("an object");
            assert_eq!(
                (&body["status"], &body["errorMsg"]),
                (&json!("fail"), &json!("source lost")),
                "{dialect} {name}"
            );
        }
    }
}

#[test]
fn unknown_values_are_omitted() {
    let unknown = |name| Event { url: None, bytes: None, client: None, params: Vec::new(), ..event(name) };
    let (_, body) = rendered(Dialect::V1_1, &unknown(EventName::PublishStarted)).expect("included");
    assert!(!body.contains("clientIp") && body.ends_with(r#""pushParams":{}}"#), "{body}");
    let (_, body) = rendered(Dialect::V1_1, &unknown(EventName::RecordPartDone)).expect("included");
    assert!(!body.contains("fileSize") && !body.contains("downloadUrl") && !body.contains("null"), "{body}");
}

#[test]
fn durations_are_rounded_to_tenths_of_seconds() {
    for (millis, text) in
        [(0, "0.0"), (49, "0.0"), (50, "0.1"), (999, "1.0"), (18_439_000, "18439.0"), (61_250, "61.3")]
    {
        assert_eq!(tenths(millis), text);
    }
}

//! The generic adapter: signed JSON.

use callsheet::model::{Clock, SystemClock};
use serde_json::json;

use super::stage::Stage;
use crate::support::{DOMAIN, Database, GenericSource, on_both_databases};

on_both_databases!(all_six_events, failures_are_told, only_signed_reports_count, a_repeated_report_changes_nothing);

/// A console at the machine's time, which the signatures' verifier reads too.
async fn stage(database: &Database) -> (Stage, GenericSource) {
    let stage = Stage::set(database, SystemClock.now(), DOMAIN).await;
    let (path, secret) = stage.add_source("generic").await;
    let source = GenericSource::new(format!("http://{}{path}", stage.address), secret);
    (stage, source)
}

const URL: &str = "https://media.example.com/rec/room_7.flv";

async fn all_six_events(database: Database) {
    let (stage, source) = stage(&database).await;
    let (start, stop) = (1_524_476_982, 1_524_477_014);
    for (event, fields) in [
        ("publish_started", json!({ "startTime": start, "clientIp": "192.0.2.7" })),
        ("record_started", json!({ "startTime": start })),
        ("record_part_started", json!({ "startTime": start, "url": URL })),
        ("record_part_done", json!({ "startTime": start, "stopTime": stop, "duration": "31.6", "url": URL })),
        ("record_done", json!({ "stopTime": stop })),
        ("publish_done", json!({ "stopTime": stop })),
    ] {
        source.tell_more(event, "room_7", &fields).await;
    }
    let names = json!({ "domain": DOMAIN, "app": "live", "stream": "room_7" });
    let body = |event: &str, fields: serde_json::Value| {
        let mut body = names.clone();
        body["event"] = event.into();
        body["status"] = "success".into();
        for (field, value) in fields.as_object().expect("fields") {
            body[field] = value.clone();
        }
        body
    };
    let (start, stop) = (start.to_string(), stop.to_string());
    let part = json!({ "url": URL, "duration": "32", "startTime": start, "stopTime": stop });
    // Compared as text: the order of the keys counts.
    let bodies: Vec<_> = stage.bodies().await.iter().map(ToString::to_string).collect();
    let expected = [
        body("publish_started", json!({})),
        body("record_started", json!({ "startTime": start })),
        body("record_part_started", json!({ "url": URL, "startTime": start })),
        body("record_part_done", part.clone()),
        body("record_done", part),
        body("publish_done", json!({})),
    ]
    .map(|body| body.to_string());
    assert_eq!(bodies, expected);
}

async fn failures_are_told(database: Database) {
    let (stage, source) = stage(&database).await;
    let failed = json!({ "status": "fail", "errorMsg": "the disk is full", "stopTime": 1_524_477_014 });
    source.tell_more("publish_started", "room_7", &json!({ "startTime": 1_524_476_982 })).await;
    source.tell_more("record_started", "room_7", &json!({ "status": "fail", "startTime": 1_524_476_982 })).await;
    source.tell_more("publish_done", "room_7", &failed).await;
    let expected = [
        "room_7 publish_started",
        "room_7 record_started status=fail errorMsg=the source gave no reason startTime=1524476982",
        "room_7 publish_done status=fail errorMsg=the disk is full",
    ];
    assert_eq!(stage.told().await, expected);
}

async fn only_signed_reports_count(database: Database) {
    let (stage, source) = stage(&database).await;
    let body = GenericSource::event("publish_started", "room_7");
    let now = SystemClock.now() / 1000;
    let unsigned = reqwest::Client::new().post(&source.url).body(body.to_string()).send().await.expect("an answer");
    assert_eq!(unsigned.status(), 401);
    let other = GenericSource::new(source.url.clone(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
    assert_eq!(other.post_at("1", now, &body).await.expect("an answer").status(), 401);
    for timestamp in [now - 600, now + 600, 0] {
        assert_eq!(source.post_at("1", timestamp, &body).await.expect("an answer").status(), 401, "{timestamp}");
    }
    assert_eq!(stage.told().await, Vec::<String>::new());

    let unknown = json!({ "event": "publish_started", "domain": "other.example.com", "app": "live", "stream": "a",
        "session": "a" });
    let answer = source.post("2", &unknown).await.expect("an answer");
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.text().await.expect("text"), "other.example.com is not a push domain of this console\n");
    let answer = source.post("3", &json!({ "event": "publish_started" })).await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), answer.text().await.expect("text").as_str()),
        (400, "`session` is missing\n")
    );
    assert_eq!(source.post_at("4", now, &body).await.expect("an answer").status(), 204);
    assert_eq!(stage.told().await, ["room_7 publish_started"]);
}

async fn a_repeated_report_changes_nothing(database: Database) {
    let (stage, source) = stage(&database).await;
    let post = async |id: &str, event: &str| {
        let answer = source.post(id, &GenericSource::event(event, "room_7")).await.expect("an answer");
        assert_eq!(answer.status(), 204, "{id} {event}");
    };
    post("1", "publish_started").await;
    post("1", "publish_started").await;
    // The id alone tells a repeat: this one says something else.
    post("1", "publish_done").await;
    assert_eq!(stage.told().await, ["room_7 publish_started"]);
    post("2", "publish_done").await;
    post("2", "publish_done").await;
    post("1", "publish_started").await;
    assert_eq!(stage.told().await, ["room_7 publish_started", "room_7 publish_done"]);
    // A new publish under the old name of the session.
    post("3", "publish_started").await;
    assert_eq!(stage.told().await.len(), 3);
}

//! `/streams`, `/sessions` and `/events`.

use serde_json::{Value, json};

use super::support::{Api, column};

#[tokio::test]
async fn a_publish_is_live_then_history() {
    let api = Api::start().await;
    api.publish("push.example.com", "room_7").await;
    api.publish("push.example.net", "room_8").await;
    assert_eq!(column(&api.get("/streams").await, "stream"), ["room_8", "room_7"]);
    let live = &api.get("/streams?domain=PUSH.example.com").await["items"][0];
    let id = live["id"].as_str().expect("an id");
    assert!(id.starts_with("ses_"), "{id}");
    for (name, value) in [
        ("domain", json!("push.example.com")),
        ("app", json!("live")),
        ("stream", json!("room_7")),
        ("phase", json!("live")),
        ("client", json!("192.0.2.7")),
        ("startedAt", json!("2026-11-22T14:31:20.000Z")),
        ("endedAt", Value::Null),
        ("recording", json!(false)),
        ("partCount", json!(0)),
    ] {
        assert_eq!(live[name], value, "{name}");
    }

    api.unpublish("room_7", Some("connection lost")).await;
    assert_eq!(column(&api.get("/streams").await, "stream"), ["room_8"]);
    assert_eq!(column(&api.get("/sessions").await, "phase"), ["live", "closing"]);
    let session = api.get(&format!("/sessions/{id}")).await;
    assert_eq!(session["endedAt"], "2026-11-22T14:31:21.500Z");
    assert_eq!(session["failure"], "connection lost");
    assert_eq!(session["params"], json!([{ "name": "line", "value": "a" }]));
    assert_eq!(session["parts"], json!([]));
    let events = session["events"].as_array().expect("events");
    let events: Vec<_> = events.iter().map(|e| (&e["name"], &e["sequence"], &e["deliveryState"])).collect();
    let (started, done, skipped) = (json!("publish_started"), json!("publish_done"), json!("skipped"));
    assert_eq!(events, [(&started, &json!(1), &skipped), (&done, &json!(2), &skipped)]);
}

#[tokio::test]
async fn events_of_all_sessions_come_newest_first() {
    let api = Api::start().await;
    api.publish("push.example.com", "room_7").await;
    api.unpublish("room_7", Some("connection lost")).await;
    api.publish("push.example.net", "room_8").await;
    let all = api.get("/events").await;
    assert_eq!(column(&all, "name"), ["publish_started", "publish_done", "publish_started"]);
    let session = all["items"][1]["session"].as_str().expect("a session");
    let of_session = api.get(&format!("/events?session={session}")).await;
    assert_eq!(column(&of_session, "sequence"), [2, 1]);
    assert_eq!(api.get("/events?domain=push.example.com").await, of_session);
    let id = of_session["items"][0]["id"].as_str().expect("an id");
    assert!(id.starts_with("ev_"), "{id}");
    let expected = json!({
        "id": id,
        "domain": "push.example.com",
        "app": "live",
        "stream": "room_7",
        "session": session,
        "name": "publish_done",
        "status": "fail",
        "sequence": 2,
        "happenedAt": "2026-11-22T14:31:21.500Z",
        "error": "connection lost",
    });
    assert_eq!(of_session["items"][0], expected);
    let first = api.get("/events?limit=1").await;
    let cursor = first["nextCursor"].as_str().expect("more");
    assert_eq!(api.get(&format!("/events?cursor={cursor}")).await["items"][0], expected);
}

#[tokio::test]
async fn filters_and_ids_that_do_not_exist() {
    let api = Api::start().await;
    for (call, problem) in [
        ("GET /streams?domain=10.0.0.1", (422, "invalid_value", "domain")),
        ("GET /sessions?phase=live", (422, "invalid_value", "phase")),
        ("GET /events?session=7", (422, "invalid_value", "session")),
        ("GET /sessions/ses_0000000000000", (404, "session_unknown", "")),
    ] {
        assert_eq!(api.send(&api.operator, call, Value::Null).await.problem(), problem, "{call}");
    }
    assert_eq!(api.get("/sessions?domain=push.example.org").await["items"], json!([]));
}

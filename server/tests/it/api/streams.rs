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

#[tokio::test]
async fn a_stream_is_forbidden_for_a_time_or_for_good_and_allowed_again() {
    let api = Api::start().await;
    let call = async |action: &str, body: Value| {
        let call = format!("POST /streams/PUSH.example.com/live/room_7/{action}");
        api.send(&api.operator, &call, body).await
    };
    let expected =
        |until: Value| json!({ "domain": "push.example.com", "app": "live", "stream": "room_7", "until": until });
    let forbidden = call("forbid", json!({ "seconds": 60 })).await;
    assert_eq!((forbidden.status.as_u16(), &forbidden.json), (200, &expected(json!("2026-11-22T14:32:20.000Z"))));
    assert_eq!(api.get("/streams/forbidden").await["items"], json!([forbidden.json]));
    for body in [Value::Null, json!({}), json!({ "seconds": null })] {
        assert_eq!(call("forbid", body).await.json, expected(Value::Null));
    }
    assert_eq!(api.get("/streams/forbidden?domain=push.example.com").await["items"], json!([expected(Value::Null)]));
    assert_eq!(api.get("/streams/forbidden?domain=push.example.net").await["items"], json!([]));
    for _ in 0..2 {
        assert_eq!(call("allow", Value::Null).await.status, 204, "again changes nothing");
        assert_eq!(api.get("/streams/forbidden").await["items"], json!([]));
    }
    call("forbid", json!({ "seconds": 60 })).await;
    api.clock.advance(60_000);
    assert_eq!(api.get("/streams/forbidden").await["items"], json!([]), "its time is over");
    for (body, problem) in [
        (json!({ "seconds": 0 }), (422, "stream_bad_length", "seconds")),
        (json!({ "seconds": "60" }), (422, "invalid_value", "seconds")),
        (json!({ "minutes": 1 }), (422, "invalid_value", "minutes")),
    ] {
        assert_eq!(call("forbid", body).await.problem(), problem);
    }
    assert_eq!(call("disconnect", Value::Null).await.problem(), (404, "stream_not_live", ""));
    let nowhere = api.send(&api.operator, "POST /streams/push.example.org/live/a/forbid", Value::Null).await;
    assert_eq!(nowhere.problem(), (404, "domain_unknown", ""));
}

//! `/recoveries`.

use serde_json::{Value, json};

use super::support::{Api, column};

/// Two skipped deliveries of `push.example.com`, whose callback is on now, and one of `push.example.net`, whose is off.
async fn with_skipped() -> Api {
    let api = Api::start().await;
    api.publish("push.example.com", "room_7").await;
    api.clock.advance(1_000);
    api.publish("push.example.com", "room_8").await;
    api.publish("push.example.net", "room_9").await;
    api.callback_on().await;
    api.clock.advance(1_000);
    api
}

#[tokio::test]
async fn a_recovery_from_its_count_to_its_end() {
    let api = with_skipped().await;
    let asked = |dry_run: bool| json!({ "filter": { "since": "2026-11-22T14:31:21.000Z" }, "dryRun": dry_run });
    let count = api.send(&api.operator, "POST /recoveries", asked(true)).await;
    assert_eq!(count.status, 200);
    assert_eq!(count.json, json!({ "dryRun": true, "total": 2, "callbackOff": 1 }));
    assert_eq!(api.get("/recoveries").await["items"], json!([]));

    let started = api.send(&api.operator, "POST /recoveries", asked(false)).await;
    assert_eq!(started.status, 201);
    let path = started.headers["location"].to_str().expect("text").strip_prefix("/api/v1").expect("a path");
    let expected = json!({
        "id": path.strip_prefix("/recoveries/").expect("an id"),
        "state": "running",
        "filter": { "since": "2026-11-22T14:31:21.000Z" },
        "startedBy": "key operator",
        "startedAt": "2026-11-22T14:31:22.000Z",
        "endedAt": null,
        "total": 2,
        "queued": 0,
        "leftOut": 0,
        "outcome": { "delivered": 0, "failed": 0, "waiting": 0, "cancelled": 0 },
        "perSecond": 0.0,
    });
    assert_eq!(started.json, expected);
    assert_eq!(api.get(path).await, expected);
    api.clock.advance(4_000);
    api.console.recoveries.advance().await.expect("a step");
    let done = api.get(path).await;
    for (name, value) in [
        ("state", json!("done")),
        ("endedAt", json!("2026-11-22T14:31:26.000Z")),
        ("queued", json!(1)),
        ("leftOut", json!(1)),
        ("outcome", json!({ "delivered": 0, "failed": 0, "waiting": 1, "cancelled": 0 })),
        ("perSecond", json!(0.5)),
    ] {
        assert_eq!(done[name], value, "{name}");
    }
    assert_eq!(column(&api.get("/recoveries").await, "id"), [&done["id"]]);
    assert_eq!(column(&api.get("/deliveries?state=pending").await, "stream"), ["room_8"]);
    let chosen = format!("/deliveries?recovery={}", done["id"].as_str().expect("an id"));
    assert_eq!(column(&api.get(&chosen).await, "stream"), ["room_9", "room_8"]);
    let again = json!({ "filter": { "recovery": done["id"] }, "dryRun": true });
    assert_eq!(api.send(&api.operator, "POST /recoveries", again).await.json["total"], 1);
    assert_eq!(api.send(&api.operator, "GET /deliveries?recovery=7", Value::Null).await.problem().0, 422);
    let late = api.send(&api.operator, &format!("DELETE {path}"), Value::Null).await;
    assert_eq!(late.problem(), (409, "recovery_ended", ""));
}

#[tokio::test]
async fn a_recovery_is_cancelled() {
    let api = with_skipped().await;
    let started = api.send(&api.operator, "POST /recoveries", json!({ "filter": { "state": "skipped" } })).await;
    let path = format!("/recoveries/{}", started.json["id"].as_str().expect("an id"));
    let cancelled = api.send(&api.operator, &format!("DELETE {path}"), Value::Null).await;
    assert_eq!((cancelled.status.as_u16(), &cancelled.json["state"]), (200, &json!("cancelled")));
    api.console.recoveries.advance().await.expect("a step");
    assert_eq!(api.get("/deliveries?state=pending").await["items"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_recovered() {
    let api = with_skipped().await;
    for (filter, field) in [
        (json!({ "state": "lost" }), "filter"),
        (json!({ "since": "yesterday" }), "filter"),
        (json!({ "cursor": "x" }), "cursor"),
        (json!({ "since": "2026-11-22T00:00:00Z", "until": "2026-11-21T00:00:00Z" }), "until"),
        (json!([null, null, null, null, null, null, null, null, null, null]), "filter"),
    ] {
        let answer = api.send(&api.operator, "POST /recoveries", json!({ "filter": filter })).await;
        assert_eq!(answer.problem(), (422, "invalid_value", field), "{filter}");
    }
    let answer = api.send(&api.operator, "POST /recoveries", json!({ "filter": { "state": "delivered" } })).await;
    assert_eq!(answer.problem(), (422, "recovery_bad_state", "state"));
    let answer = api.send(&api.operator, "POST /recoveries", json!({})).await;
    assert_eq!(answer.problem(), (422, "invalid_value", "filter"));
    for call in ["GET /recoveries/rec_0000000000000", "DELETE /recoveries/rec_0000000000000"] {
        let answer = api.send(&api.operator, call, Value::Null).await;
        assert_eq!(answer.problem(), (404, "recovery_unknown", ""), "{call}");
    }
}

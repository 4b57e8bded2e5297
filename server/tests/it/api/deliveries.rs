//! `/deliveries`.

use serde_json::{Value, json};

use super::support::{Api, column};

/// One delivery that waits (`room_7`) and one that was skipped (`room_8`, of a domain whose callbacks are off).
async fn with_deliveries() -> Api {
    let api = Api::start().await;
    api.callback_on().await;
    api.publish("push.example.com", "room_7").await;
    api.clock.advance(1_000);
    api.publish("push.example.net", "room_8").await;
    api
}

#[tokio::test]
async fn the_log_is_filtered() {
    let api = with_deliveries().await;
    let both = vec!["room_8", "room_7"];
    for (query, found) in [
        ("", both.clone()),
        ("domain=push.example.com", vec!["room_7"]),
        ("kind=publish", both.clone()),
        ("kind=record", vec![]),
        ("event=publish_started", both),
        ("event=publish_done", vec![]),
        ("stream=room_8", vec!["room_8"]),
        ("stream=live/room_7", vec!["room_7"]),
        ("stream=vod/room_7", vec![]),
        ("state=pending", vec!["room_7"]),
        ("state=skipped", vec!["room_8"]),
        ("since=2026-11-22T14:31:21.000Z", vec!["room_8"]),
        ("until=2026-11-22T22:31:21%2B08:00", vec!["room_7"]),
        ("status=500", vec![]),
        ("errorClass=timeout", vec![]),
        ("q=room_7", vec!["room_7"]),
    ] {
        let list = api.get(&format!("/deliveries?{query}")).await;
        assert_eq!(column(&list, "stream"), found, "{query}");
    }
    for (query, field) in [
        ("domain=*", "domain"),
        ("kind=stream", "kind"),
        ("event=PUBLISH_STARTED", "event"),
        ("state=sent", "state"),
        ("since=yesterday", "since"),
        ("until=2026-11-22", "until"),
        ("since=2026-11-22T08:00:00Z&until=2026-11-22T07:00:00Z", "until"),
        ("since=2026-11-22T08:00:00Z&until=2026-11-22T09:00:00%2B01:00", "until"),
        ("status=ok", "status"),
        ("errorClass=bad", "errorClass"),
        ("error=timeout", "error"),
    ] {
        let answer = api.send(&api.reviewer, &format!("GET /deliveries?{query}"), Value::Null).await;
        assert_eq!(answer.problem(), (422, "invalid_value", field), "{query}");
    }
}

#[tokio::test]
async fn a_delivery_is_cancelled_and_resent() {
    let api = with_deliveries().await;
    let listed = api.get("/deliveries?state=pending").await["items"][0].clone();
    let id = listed["id"].as_str().expect("an id");
    assert!(id.starts_with("evt_"), "{id}");
    let detail = api.get(&format!("/deliveries/{id}")).await;
    for (name, value) in listed.as_object().expect("an object") {
        assert_eq!(&detail[name], value, "{name}");
    }
    for (name, value) in [
        ("event", json!("publish_started")),
        ("sequence", json!(1)),
        ("happenedAt", json!("2026-11-22T14:31:20.000Z")),
        ("nextAttemptAt", json!("2026-11-22T14:31:20.000Z")),
        ("lastAttemptAt", Value::Null),
        ("attemptCount", json!(0)),
        ("maxTries", json!(12)),
        ("address", json!("https://hooks.example.org/live")),
        ("attempts", json!([])),
    ] {
        assert_eq!(detail[name], value, "{name}");
    }
    let body: Value = serde_json::from_str(detail["body"].as_str().expect("a body")).expect("JSON");
    assert_eq!(body["stream"], "room_7");

    let (cancel, resend) = (format!("POST /deliveries/{id}/cancel"), format!("POST /deliveries/{id}/resend"));
    let cancelled = api.send(&api.operator, &cancel, Value::Null).await;
    assert_eq!((cancelled.status.as_u16(), &cancelled.json["state"]), (200, &json!("cancelled")));
    assert_eq!(cancelled.json["nextAttemptAt"], Value::Null);
    let again = api.send(&api.operator, &cancel, Value::Null).await;
    assert_eq!(again.problem(), (409, "delivery_finished", ""));
    let resent = api.send(&api.operator, &resend, Value::Null).await;
    assert_eq!((resent.status.as_u16(), &resent.json["state"]), (200, &json!("pending")));
    assert_eq!(resent.json["id"], id);
    assert_eq!(resent.json["nextAttemptAt"], "2026-11-22T14:31:21.000Z");
}

#[tokio::test]
async fn deliveries_that_cannot_be_sent() {
    let api = with_deliveries().await;
    let skipped = api.get("/deliveries?state=skipped").await["items"][0]["id"].as_str().expect("an id").to_owned();
    let answer = api.send(&api.operator, &format!("POST /deliveries/{skipped}/resend"), Value::Null).await;
    assert_eq!(answer.problem(), (409, "delivery_callback_off", ""));
    for call in [
        "GET /deliveries/evt_0000000000000",
        "POST /deliveries/evt_0000000000000/resend",
        "POST /deliveries/evt_0000000000000/cancel",
    ] {
        let answer = api.send(&api.operator, call, Value::Null).await;
        assert_eq!(answer.problem(), (404, "delivery_unknown", ""), "{call}");
    }
}

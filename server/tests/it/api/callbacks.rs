//! `/domains/{push}/callbacks/{kind}` and `/callback-tests`.

use axum::http::header;
use callsheet::callbacks::Pause;
use callsheet::model::CallbackKind;
use serde_json::{Value, json};
use wiremock::matchers::header as has_header;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::support::{Api, NOW};

const PATH: &str = "/domains/push.example.com/callbacks/publish";

#[tokio::test]
async fn what_is_left_out_keeps_its_value() {
    let api = Api::start().await;
    let put = format!("PUT {PATH}");
    let fresh = json!({
        "kind": "publish",
        "enabled": false,
        "address": null,
        "dialect": "v1.0",
        "ordered": true,
        "timeoutSeconds": 15,
        "headers": {},
        "offReason": null,
        "paused": null,
        "previousSecretUntil": null,
        "health": {
            "state": "unused", "unrecovered": 0, "lastDeliveredAt": null, "lastErrorClass": null, "lastErrorAt": null,
            "delivered": 0, "failed": 0, "waiting": 0,
        },
    });
    assert_eq!(api.get(PATH).await, fresh);

    let mut expected = fresh;
    let all = json!({
        "enabled": true,
        "address": "https://hooks.example.org/live",
        "dialect": "v1.0",
        "ordered": false,
        "timeoutSeconds": 30,
        "headers": { "x-team": "studio" },
    });
    for (name, value) in all.as_object().expect("an object") {
        expected[name] = value.clone();
    }
    assert_eq!(api.send(&api.operator, &put, all).await.json, expected);
    assert_eq!(api.get(PATH).await, expected);

    expected["enabled"] = json!(false);
    assert_eq!(api.send(&api.operator, &put, json!({ "enabled": false })).await.json, expected);

    expected["address"] = Value::Null;
    expected["headers"] = json!({});
    let body = json!({ "enabled": false, "address": null, "headers": {} });
    assert_eq!(api.send(&api.operator, &put, body).await.json, expected);
}

#[tokio::test]
async fn settings_that_cannot_be_set() {
    let api = Api::start().await;
    let good = "https://hooks.example.org/";
    for (body, problem) in [
        (json!({ "enabled": true }), (422, "callback_no_address", "address")),
        (json!({ "enabled": true, "address": null }), (422, "callback_no_address", "address")),
        (json!({ "enabled": false, "address": "" }), (422, "address_empty", "address")),
        (json!({ "enabled": true, "address": "ftp://example.org/" }), (422, "address_bad_scheme", "address")),
        (json!({ "enabled": true, "address": "http://10.0.0.1/" }), (422, "blocked_private", "address")),
        (json!({ "enabled": true, "address": "http://2130706434/" }), (422, "blocked_loopback", "address")),
        (json!({ "enabled": true, "address": good, "dialect": "v9" }), (422, "callback_bad_dialect", "dialect")),
        (
            json!({ "enabled": true, "address": good, "timeoutSeconds": 31 }),
            (422, "callback_bad_timeout", "timeoutSeconds"),
        ),
        (
            json!({ "enabled": true, "address": good, "headers": { "host": "a" } }),
            (422, "header_of_the_request", "headers"),
        ),
        (json!({ "enabled": true, "address": good, "headers": { "a": 1 } }), (422, "invalid_value", "headers")),
        (json!({ "enabled": true, "address": good, "order": true }), (422, "invalid_value", "order")),
        (json!({ "address": good }), (422, "invalid_value", "enabled")),
    ] {
        let answer = api.send(&api.operator, &format!("PUT {PATH}"), body.clone()).await;
        assert_eq!(answer.problem(), problem, "{body}");
    }
    let answer = api.send(&api.operator, "GET /domains/push.example.org/callbacks/record", Value::Null).await;
    assert_eq!(answer.problem(), (404, "domain_unknown", ""));
}

#[tokio::test]
async fn a_new_secret_is_shown_once_and_the_former_lasts_a_day() {
    let api = Api::start().await;
    let answer = api.send(&api.operator, &format!("POST {PATH}/rotate-secret"), Value::Null).await;
    assert_eq!(answer.status, 200);
    let secret = answer.json["secret"].as_str().expect("a secret");
    assert!(secret.starts_with("whsec_"), "{secret}");
    let callback = api.get(PATH).await;
    assert_eq!(callback["previousSecretUntil"], "2026-11-23T14:31:20.000Z");
    assert!(!callback.to_string().contains("whsec_"));
}

#[tokio::test]
async fn the_overlap_of_two_secrets_is_said_and_ended() {
    let api = Api::start().await;
    let post = async |call: &str, body: Value| api.send(&api.operator, &format!("POST {PATH}/{call}"), body).await;
    assert_eq!(post("end-overlap", Value::Null).await.problem(), (409, "callback_no_former_secret", ""));
    assert_eq!(post("rotate-secret", json!({ "overlapHours": 48 })).await.status, 200);
    assert_eq!(api.get(PATH).await["previousSecretUntil"], "2026-11-24T14:31:20.000Z");
    let answer = post("end-overlap", json!({ "overlapHours": 1 })).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json["previousSecretUntil"]),
        (200, &json!("2026-11-22T15:31:20.000Z"))
    );
    for call in ["rotate-secret", "end-overlap"] {
        let answer = post(call, json!({ "overlapHours": 169 })).await;
        assert_eq!(answer.problem(), (422, "callback_bad_overlap", "overlapHours"), "{call}");
        assert_eq!(post(call, json!({ "hours": 1 })).await.problem(), (422, "invalid_value", "hours"), "{call}");
    }
    let answer = post("end-overlap", Value::Null).await;
    assert_eq!((answer.status.as_u16(), &answer.json["previousSecretUntil"]), (200, &Value::Null));
}

#[tokio::test]
async fn a_pause_shows_and_is_ended() {
    let api = Api::start().await;
    let body = json!({ "enabled": true, "address": "https://hooks.example.org/live" });
    assert_eq!(api.send(&api.operator, &format!("PUT {PATH}"), body).await.status, 200);
    let (console, kind) = (&api.console, CallbackKind::Publish);
    let callback = console.db.find_callback("push.example.com", kind).await.expect("read").expect("a callback").id;
    let pause = Pause { since: NOW + 1, probe_at: NOW + 30_001, probes: 0, reason: "connect".to_owned() };
    assert!(console.db.set_pause(callback, Some(&pause)).await.expect("written"));
    let paused = json!({
        "since": "2026-11-22T14:31:20.001Z", "nextProbe": "2026-11-22T14:31:50.001Z", "reason": "connect",
    });
    assert_eq!(api.get(PATH).await["paused"], paused);
    assert_eq!(api.get("/domains").await["items"][1]["callbacks"][0]["paused"], json!(true));
    let answer = api.send(&api.operator, &format!("POST {PATH}/resume"), Value::Null).await;
    assert_eq!((answer.status.as_u16(), &answer.json["paused"]), (200, &Value::Null));
    assert_eq!(api.get(PATH).await["paused"], Value::Null);
}

#[tokio::test]
async fn a_test_tells_phase_by_phase() {
    let api = Api::start().await;
    let receiver = MockServer::start().await;
    let accepts = Mock::given(has_header("callsheet-test", "true")).respond_with(ResponseTemplate::new(204));
    accepts.expect(1).mount(&receiver).await;
    let body = json!({ "kind": "publish", "address": receiver.uri(), "domain": "push.example.com" });
    let report = api.send(&api.operator, "POST /callback-tests", body).await;
    assert_eq!(report.status, 200);
    assert_eq!((&report.json["ok"], &report.json["status"]), (&json!(true), &json!(204)), "{}", report.json);
    assert_eq!(report.json["phases"][0]["phase"], "address");
    assert!(report.json.get("failedPhase").is_none());

    let body = json!({ "kind": "record", "address": "http://10.0.0.1/hook" });
    let report = api.send(&api.operator, "POST /callback-tests", body).await;
    assert_eq!(report.status, 200);
    let found = (&report.json["ok"], &report.json["failedPhase"], &report.json["errorClass"]);
    assert_eq!(found, (&json!(false), &json!("policy"), &json!("blocked_address")), "{}", report.json);
}

#[tokio::test]
async fn tests_that_cannot_be_made() {
    let api = Api::start().await;
    let call = "POST /callback-tests";
    for (body, problem) in [
        (json!({ "kind": "publish", "address": "example" }), (422, "address_no_scheme", "address")),
        (json!({ "kind": "other", "address": "http://a.example/" }), (422, "invalid_value", "kind")),
        (json!({ "kind": "publish" }), (422, "invalid_value", "address")),
        (
            json!({ "kind": "publish", "address": "http://a.example/", "domain": "push.example.org" }),
            (404, "domain_unknown", ""),
        ),
    ] {
        let answer = api.send(&api.operator, call, body.clone()).await;
        assert_eq!(answer.problem(), problem, "{body}");
    }
    let blocked = json!({ "kind": "publish", "address": "http://10.0.0.1/" });
    for _ in 0..10 {
        assert_eq!(api.send(&api.operator, call, blocked.clone()).await.status, 200);
    }
    let answer = api.send(&api.operator, call, blocked.clone()).await;
    assert_eq!(answer.problem(), (429, "probe_too_many", ""));
    assert_eq!(answer.headers[header::RETRY_AFTER], "60");
    assert_eq!(api.send(&api.admin, call, blocked).await.status, 200);
}

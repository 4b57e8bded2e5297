//! `/domains`.

use axum::http::header;
use serde_json::{Value, json};

use super::support::{Api, column};

#[tokio::test]
async fn a_domain_lives_from_creation_to_deletion() {
    let api = Api::start().await;
    let body = json!({ "pushDomain": "Push.Example.ORG", "playDomains": ["play.example.org", "直播.example.org"] });
    let created = api.send(&api.operator, "POST /domains", body).await;
    assert_eq!(created.status, 201, "{}", created.json);
    assert_eq!(created.headers[header::LOCATION], "/api/v1/domains/push.example.org");
    let expected = json!({
        "sourceId": 3,
        "pushDomain": "push.example.org",
        "pushDomainDisplay": "push.example.org",
        "playDomains": ["play.example.org", "xn--z6ut02b.example.org"],
        "playDomainsDisplay": ["play.example.org", "直播.example.org"],
        "enabled": true,
        "createdAt": "2026-11-22T14:31:20.000Z",
        "updatedAt": "2026-11-22T14:31:20.000Z",
    });
    assert_eq!(created.json, expected);
    assert_eq!(api.get("/domains/push.example.org").await, expected);

    api.clock.advance(1_250);
    let call = "DELETE /domains/push.example.org";
    assert_eq!(api.send(&api.operator, call, Value::Null).await.problem(), (409, "domain_still_enabled", ""));
    let disabled = api.send(&api.operator, "PATCH /domains/push.example.org", json!({ "enabled": false })).await;
    assert_eq!(
        (&disabled.json["enabled"], &disabled.json["updatedAt"]),
        (&json!(false), &json!("2026-11-22T14:31:21.250Z"))
    );
    let deleted = api.send(&api.operator, "DELETE /domains/PUSH.example.org", Value::Null).await;
    assert_eq!((deleted.status.as_u16(), deleted.json), (204, Value::Null));
    assert_eq!(api.send(&api.operator, call, Value::Null).await.problem(), (404, "domain_unknown", ""));
}

#[tokio::test]
async fn the_list_is_searched_and_filtered() {
    let api = Api::start().await;
    api.callback_on().await;
    api.publish("push.example.com", "room_7").await;
    assert_eq!(api.send(&api.admin, "PATCH /domains/push.example.net", json!({ "enabled": false })).await.status, 200);
    for (query, found) in [
        ("", vec!["push.example.net", "push.example.com"]),
        ("q=PLAY.example.c", vec!["push.example.com"]),
        ("q=nowhere", vec![]),
        ("status=enabled", vec!["push.example.com"]),
        ("status=disabled", vec!["push.example.net"]),
        ("status=disabled&q=com", vec![]),
    ] {
        assert_eq!(column(&api.get(&format!("/domains?{query}")).await, "pushDomain"), found, "{query}");
    }
    let listed = &api.get("/domains?status=enabled").await["items"][0];
    assert_eq!(listed["liveStreams"], 1);
    let callbacks = json!([
        { "kind": "publish", "enabled": true, "state": "unused", "lastErrorClass": null, "paused": false },
        { "kind": "record", "enabled": false, "state": "unused", "lastErrorClass": null, "paused": false },
    ]);
    assert_eq!(listed["callbacks"], callbacks);
    let answer = api.send(&api.admin, "GET /domains?status=configuring", Value::Null).await;
    assert_eq!(answer.problem(), (422, "invalid_value", "status"));
}

#[tokio::test]
async fn names_that_cannot_be_created() {
    let api = Api::start().await;
    for (push, play, problem) in [
        ("", json!(["play.example.org"]), (422, "name_empty", "pushDomain")),
        ("*.example.org", json!(["play.example.org"]), (422, "name_wildcard", "pushDomain")),
        ("rtmp://push.example.org", json!(["play.example.org"]), (422, "name_not_a_host", "pushDomain")),
        ("push.example.org", json!([]), (422, "domain_no_play", "playDomains")),
        ("push.example.org", json!(["10.0.0.1"]), (422, "name_ip_address", "playDomains")),
        ("push.example.org", json!(["PUSH.example.org"]), (422, "domain_same_name", "playDomains")),
        ("push.example.com", json!(["play.example.org"]), (409, "domain_taken", "pushDomain")),
        ("push.example.org", json!(["play.example.com"]), (409, "domain_taken", "playDomains")),
    ] {
        let body = json!({ "pushDomain": push, "playDomains": play });
        let answer = api.send(&api.operator, "POST /domains", body).await;
        assert_eq!(answer.problem(), problem, "{push} {play}");
    }
    for call in ["GET /domains/push.example.org", "GET /domains/not-a-name"] {
        assert_eq!(api.send(&api.operator, call, Value::Null).await.problem(), (404, "domain_unknown", ""), "{call}");
    }
    let answer = api.send(&api.operator, "PATCH /domains/push.example.com", json!({ "enabled": "no" })).await;
    assert_eq!(answer.problem(), (422, "invalid_value", "enabled"));
}

//! `/keys`.

use serde_json::{Value, json};

use super::support::{Api, column};

const DAY: i64 = 86_400_000;

#[tokio::test]
async fn a_key_shows_its_secrets_once() {
    let api = Api::start().await;
    let body = json!({
        "name": "ci", "role": "operator", "domains": ["Push.example.com"], "expiresAt": "2026-11-23T14:31:20+00:00",
    });
    let created = api.send(&api.admin, "POST /keys", body).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let key = created.json;
    for (name, value) in [
        ("name", json!("ci")),
        ("role", json!("operator")),
        ("domains", json!(["push.example.com"])),
        ("state", json!("active")),
        ("createdAt", json!("2026-11-22T14:31:20.000Z")),
        ("expiresAt", json!("2026-11-23T14:31:20.000Z")),
        ("lastUsedAt", Value::Null),
    ] {
        assert_eq!(key[name], value, "{name}");
    }
    let (token, secret) = (key["token"].as_str().expect("a token"), key["secretKey"].as_str().expect("a secret"));
    assert_eq!(api.send(token, "GET /domains", Value::Null).await.status, 200);
    assert_eq!(api.send(token, "GET /domains/push.example.net", Value::Null).await.status, 403);

    let list = api.send(&api.admin, "GET /keys", Value::Null).await.json;
    assert_eq!(column(&list, "name"), ["admin", "ci", "operator", "reviewer", "stranger"]);
    assert_eq!(list["items"][1]["lastUsedAt"], "2026-11-22T14:31:20.000Z");
    assert_eq!(list["items"][0]["domains"], Value::Null);
    assert!(!list.to_string().contains(token) && !list.to_string().contains(secret), "{list}");

    let rotated = api.send(&api.admin, &format!("POST /keys/{}/rotate", key["id"]), Value::Null).await;
    assert_eq!((rotated.status.as_u16(), &rotated.json["accessKey"]), (200, &key["accessKey"]));
    assert_eq!(api.send(token, "GET /domains", Value::Null).await.problem(), (401, "signed_out", ""));
    let token = rotated.json["token"].as_str().expect("a token");
    assert_eq!(api.send(token, "GET /domains", Value::Null).await.status, 200);

    let path = format!("DELETE /keys/{}", key["id"]);
    assert_eq!(api.send(&api.admin, &path, Value::Null).await.status, 204);
    assert_eq!(api.send(token, "GET /domains", Value::Null).await.problem(), (401, "signed_out", ""));
    assert_eq!(api.send(&api.admin, &path, Value::Null).await.problem(), (404, "key_unknown", ""));
}

#[tokio::test]
async fn whoever_holds_an_expired_key_learns_that_it_has_expired() {
    let api = Api::start().await;
    let body = json!({ "name": "ci", "role": "admin", "expiresAt": "2026-11-23T14:31:20Z" });
    let key = api.send(&api.admin, "POST /keys", body).await.json;
    let token = key["token"].as_str().expect("a token");
    api.clock.advance(DAY);
    let answer = api.send(token, "GET /domains", Value::Null).await;
    assert_eq!(answer.problem(), (401, "key_expired", ""));
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    let list = api.send(&api.admin, "GET /keys", Value::Null).await.json;
    assert_eq!(list["items"][1]["state"], "expired");
    let rotated = api.send(&api.admin, &format!("POST /keys/{}/rotate", key["id"]), Value::Null).await;
    assert_eq!(rotated.problem(), (409, "key_has_expired", ""));
}

#[tokio::test]
async fn keys_that_cannot_be_made() {
    let api = Api::start().await;
    for (body, problem) in [
        (json!({ "name": "operator", "role": "admin" }), (409, "key_taken", "name")),
        (json!({ "name": " ", "role": "admin" }), (422, "key_bad_name", "name")),
        (json!({ "name": "a", "role": "boss" }), (422, "invalid_value", "role")),
        (json!({ "name": "a" }), (422, "invalid_value", "role")),
        (json!({ "name": "a", "role": "admin", "domains": [] }), (422, "key_no_domains", "domains")),
        (json!({ "name": "a", "role": "admin", "domains": ["1.2.3.4"] }), (422, "name_ip_address", "domains")),
        (
            json!({ "name": "a", "role": "admin", "expiresAt": "2026-11-22T14:31:20Z" }),
            (422, "key_bad_expiry", "expiresAt"),
        ),
        (json!({ "name": "a", "role": "admin", "expiresAt": "soon" }), (422, "invalid_value", "expiresAt")),
        (json!({ "name": "a", "role": "admin", "domain": "a.example" }), (422, "invalid_value", "domain")),
    ] {
        let answer = api.send(&api.admin, "POST /keys", body.clone()).await;
        assert_eq!(answer.problem(), problem, "{body}");
    }
}

//! `/sources`.

use axum::body::Body;
use axum::http::header;
use serde_json::{Value, json};

use super::support::{Api, column, request};

#[tokio::test]
async fn a_source_shows_its_secrets_to_those_who_manage_it() {
    let api = Api::start().await;
    api.console.sources.built_in().await.expect("the built-in source");
    let body = json!({ "adapter": "generic", "name": "edge 1", "defaultDomain": "Push.example.com" });
    let created = api.send(&api.admin, "POST /sources", body).await;
    assert_eq!(created.status, 201, "{}", created.json);
    let source = &created.json;
    assert!(source["secret"].as_str().is_some_and(|secret| secret.starts_with("whsec_")), "{source}");
    let url = source["url"].as_str().expect("a URL");
    assert!(url.starts_with("http://console.example/ingest/generic/"), "{url}");
    for (name, value) in [
        ("adapter", json!("generic")),
        ("name", json!("edge 1")),
        ("defaultDomain", json!("push.example.com")),
        ("createdAt", json!("2026-11-22T14:31:20.000Z")),
        ("lastSeenAt", Value::Null),
    ] {
        assert_eq!(source[name], value, "{name}");
    }

    let list = api.send(&api.admin, "GET /sources", Value::Null).await.json;
    assert_eq!(column(&list, "adapter"), ["built-in", "generic"]);
    assert_eq!(column(&list, "url"), [&Value::Null, &source["url"]]);
    assert_eq!(list["nextCursor"], Value::Null);
    assert!(!list.to_string().contains("whsec_"));
    assert_eq!(column(&api.get("/sources").await, "url"), [&Value::Null, &Value::Null]);

    let behind_tls = request("GET /sources").header("x-forwarded-proto", "https");
    let behind_tls = behind_tls.header(header::AUTHORIZATION, format!("Bearer {}", api.admin));
    let list = api.send_raw(behind_tls.body(Body::empty()).expect("a request")).await.json;
    assert_eq!(list["items"][1]["url"], url.replace("http://", "https://"));

    let path = format!("DELETE /sources/{}", source["id"]);
    assert_eq!(api.send(&api.admin, &path, Value::Null).await.status, 204);
    assert_eq!(api.send(&api.admin, &path, Value::Null).await.problem(), (404, "source_unknown", ""));
    let built_in = format!("DELETE /sources/{}", list["items"][0]["id"]);
    assert_eq!(api.send(&api.admin, &built_in, Value::Null).await.problem(), (409, "source_built_in", ""));
}

#[tokio::test]
async fn sources_that_cannot_be_added() {
    let api = Api::start().await;
    let taken = json!({ "adapter": "nginx-rtmp", "name": "edge" });
    assert_eq!(api.send(&api.admin, "POST /sources", taken.clone()).await.status, 201);
    for (body, problem) in [
        (taken, (409, "source_taken", "name")),
        (json!({ "adapter": "generic", "name": " " }), (422, "source_bad_name", "name")),
        (json!({ "adapter": "built-in", "name": "a" }), (422, "source_bad_adapter", "adapter")),
        (json!({ "adapter": "other", "name": "a" }), (422, "source_bad_adapter", "adapter")),
        (
            json!({ "adapter": "generic", "name": "a", "defaultDomain": "1.2.3.4" }),
            (422, "name_ip_address", "defaultDomain"),
        ),
        (json!({ "adapter": "generic" }), (422, "invalid_value", "name")),
    ] {
        let answer = api.send(&api.admin, "POST /sources", body.clone()).await;
        assert_eq!(answer.problem(), problem, "{body}");
    }
}

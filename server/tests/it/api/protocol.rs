//! What every path has in common: media types, sizes, JSON, methods, pages.

use axum::body::Body;
use axum::http::header;
use serde_json::{Value, json};

use super::support::{Answer, Api, column, request};

async fn post_domain(api: &Api, media_type: Option<&str>, body: impl Into<Body>) -> Answer {
    let mut request = request("POST /domains").header(header::AUTHORIZATION, format!("bearer {}", api.admin));
    if let Some(media_type) = media_type {
        request = request.header(header::CONTENT_TYPE, media_type);
    }
    api.send_raw(request.body(body.into()).expect("a request")).await
}

#[tokio::test]
async fn bodies_that_cannot_be_read() {
    let api = Api::start().await;
    let good = r#"{"pushDomain":"push.example.org","playDomains":["play.example.org"]}"#;
    let long = format!("{good}{}", " ".repeat(64 * 1024));
    let json = Some("application/json");
    let twice = good.repeat(2);
    for (media_type, body, problem) in [
        (None, good, (415, "not_json", "")),
        (Some("text/plain"), good, (415, "not_json", "")),
        (json, long.as_str(), (413, "too_large", "")),
        (json, "", (400, "malformed", "")),
        (json, "{", (400, "malformed", "")),
        (json, "{\"pushDomain\":\"a\u{7}\"}", (400, "malformed", "")),
        (json, twice.as_str(), (400, "malformed", "")),
        (json, "7", (422, "invalid_value", "")),
        (json, r#"["push.example.org",["play.example.org"]]"#, (422, "invalid_value", "")),
        (json, "{}", (422, "invalid_value", "pushDomain")),
        (json, r#"{"pushDomain":7}"#, (422, "invalid_value", "pushDomain")),
        (json, r#"{"pushDomain":"a","playDomains":["b",7]}"#, (422, "invalid_value", "playDomains")),
        (json, r#"{"pushDomain":"a","playDomain":["b"]}"#, (422, "invalid_value", "playDomain")),
        (json, r#"{"pushDomain":"a","pushDomain":"b"}"#, (422, "invalid_value", "pushDomain")),
    ] {
        let answer = post_domain(&api, media_type, body.to_owned()).await;
        assert_eq!(answer.problem(), problem, "{media_type:?} {body:.80}");
    }
    let answer = post_domain(&api, Some("Application/JSON; charset=utf-8"), good).await;
    assert_eq!(answer.status, 201, "{}", answer.json);
}

#[tokio::test]
async fn a_whole_number_may_be_written_with_a_point() {
    let api = Api::start().await;
    let call = "PUT /domains/push.example.com/recording";
    for (seconds, status) in
        [(json!(60.0), 200), (json!(6e1), 200), (json!(60.5), 422), (json!(1e300), 422), (json!("60"), 422)]
    {
        let answer = api.send(&api.admin, call, json!({ "enabled": true, "partSeconds": seconds })).await;
        assert_eq!(answer.status, status, "{seconds}: {}", answer.json);
    }
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there() {
    let api = Api::start().await;
    for path in ["", "/", "/nothing", "/domains/", "/domains/a/b/c", "/sessions/7/parts"] {
        let answer = api.send(&api.admin, &format!("GET {path}"), Value::Null).await;
        assert_eq!(answer.problem(), (404, "not_found", ""), "{path}");
    }
    for path in ["/deliveries/evt_0", "/sessions/7", "/domains/push.example.com/callbacks/other", "/domains/%ff"] {
        let answer = api.send(&api.admin, &format!("GET {path}"), Value::Null).await;
        assert_eq!(answer.problem(), (404, "not_found", ""), "{path}");
    }
    let answer = api.send(&api.admin, "PUT /domains", json!({})).await;
    assert_eq!(answer.problem(), (405, "method_not_allowed", ""));
    assert_eq!(answer.headers[header::ALLOW], "GET,HEAD,POST");
}

#[tokio::test]
async fn answers_are_kept_by_nobody() {
    let api = Api::start().await;
    let answer = api.send(&api.admin, "GET /domains", Value::Null).await;
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn a_cursor_leads_through_a_list() {
    let api = Api::start().await;
    for number in 1..=3 {
        let body = json!({
            "pushDomain": format!("push{number}.example.org"),
            "playDomains": [format!("play{number}.example.org")],
        });
        assert_eq!(api.send(&api.admin, "POST /domains", body).await.status, 201);
    }
    let first = api.get("/domains?limit=2").await;
    assert_eq!(column(&first, "pushDomain"), ["push3.example.org", "push2.example.org"]);
    let cursor = first["nextCursor"].as_str().expect("more");
    let second = api.get(&format!("/domains?cursor={cursor}")).await;
    assert_eq!(column(&second, "pushDomain"), ["push1.example.org", "push.example.net"]);
    let cursor = second["nextCursor"].as_str().expect("more");
    let third = api.get(&format!("/domains?limit=2&cursor={cursor}")).await;
    assert_eq!(column(&third, "pushDomain"), ["push.example.com"]);
    assert_eq!(third["nextCursor"], Value::Null);

    let of_two = format!("limit=3&cursor={cursor}");
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("cursor=x", "cursor"),
        // `0.20` and `2.1000`.
        ("cursor=MC4yMA", "cursor"),
        ("cursor=Mi4xMDAw", "cursor"),
        (&of_two, "limit"),
        ("page=2", "page"),
        ("limit=1&limit=2", "limit"),
    ] {
        let answer = api.send(&api.admin, &format!("GET /domains?{query}"), Value::Null).await;
        assert_eq!(answer.problem(), (422, "invalid_value", field), "{query}");
    }
}

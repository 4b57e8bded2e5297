//! Every route: logged out, with a token that does not hold, in the wrong role, and with a key of other domains.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::header;
use serde_json::{Value, json};

use super::support::{Api, request};
use crate::authz::api_routes;

/// What a reviewer and a key of another domain get.
struct Case {
    route: &'static str,
    body: Value,
    /// Status for a reviewer of all domains.
    reviewer: u16,
    /// Status for an operator of another domain.
    stranger: u16,
}

fn case(route: &'static str, body: Value, reviewer: u16, stranger: u16) -> Case {
    Case { route, body, reviewer, stranger }
}

fn cases() -> Vec<Case> {
    let none = || Value::Null;
    let domain = json!({ "pushDomain": "push.example.org", "playDomains": ["play.example.org"] });
    let callback = json!({ "enabled": true, "address": "https://hooks.example.org/" });
    let test = json!({ "kind": "publish", "address": "http://10.0.0.1/", "domain": "push.example.com" });
    let recording = json!({ "enabled": true, "partSeconds": 900 });
    let source = json!({ "adapter": "generic", "name": "edge 2" });
    vec![
        case("GET /domains", none(), 200, 200),
        case("POST /domains", domain, 403, 403),
        case("GET /domains/{push}", none(), 200, 403),
        case("PATCH /domains/{push}", json!({ "enabled": false }), 403, 403),
        case("DELETE /domains/{push}", none(), 403, 403),
        case("GET /domains/{push}/callbacks/{kind}", none(), 200, 403),
        case("PUT /domains/{push}/callbacks/{kind}", callback, 403, 403),
        case("POST /domains/{push}/callbacks/{kind}/rotate-secret", none(), 403, 403),
        case("POST /domains/{push}/callbacks/{kind}/end-overlap", none(), 403, 403),
        case("POST /domains/{push}/callbacks/{kind}/resume", none(), 403, 403),
        case("GET /domains/{push}/recording", none(), 200, 403),
        case("PUT /domains/{push}/recording", recording, 403, 403),
        case("POST /callback-tests", test, 403, 403),
        case("GET /streams", none(), 200, 200),
        case("GET /streams/forbidden", none(), 200, 200),
        case("POST /streams/{push}/{app}/{stream}/disconnect", none(), 403, 403),
        case("POST /streams/{push}/{app}/{stream}/forbid", json!({ "seconds": 60 }), 403, 403),
        case("POST /streams/{push}/{app}/{stream}/allow", none(), 403, 403),
        case("GET /sessions", none(), 200, 200),
        case("GET /sessions/{id}", none(), 200, 403),
        case("GET /events", none(), 200, 200),
        case("GET /deliveries", none(), 200, 200),
        case("GET /deliveries/{id}", none(), 200, 403),
        case("POST /deliveries/{id}/resend", none(), 403, 403),
        case("POST /deliveries/{id}/cancel", none(), 403, 403),
        case("GET /recoveries", none(), 200, 200),
        case("POST /recoveries", json!({ "filter": { "domain": "push.example.com" } }), 403, 403),
        case("GET /recoveries/{id}", none(), 200, 403),
        case("DELETE /recoveries/{id}", none(), 403, 403),
        case("GET /stats/usage?metric=traffic", none(), 200, 200),
        case("GET /stats/transcoding", none(), 200, 200),
        case("GET /sources", none(), 200, 200),
        case("POST /sources", source, 403, 403),
        case("DELETE /sources/{id}", none(), 403, 403),
        case("GET /keys", none(), 403, 403),
        case("POST /keys", json!({ "name": "ci", "role": "admin" }), 403, 403),
        case("POST /keys/{id}/rotate", none(), 403, 403),
        case("DELETE /keys/{id}", none(), 403, 403),
        case("GET /audit", none(), 403, 403),
        case("POST /access-logs", none(), 403, 403),
        case("POST /transcode-jobs", json!({ "jobId": "1", "status": "fail", "error": "no space" }), 403, 403),
        case("GET /vod-domains", none(), 200, 200),
        case("POST /vod-domains", json!({ "name": "vod.example.com", "path": "films" }), 403, 403),
        case("DELETE /vod-domains/{name}", none(), 403, 403),
        case("GET /settings", none(), 200, 200),
        case("GET /users", none(), 403, 403),
        case("POST /users", json!({ "name": "grace", "role": "reviewer" }), 403, 403),
        case("GET /users/{id}", none(), 403, 403),
        case("PATCH /users/{id}", json!({ "role": "admin" }), 403, 403),
        case("POST /users/{id}/link", none(), 403, 403),
        case("DELETE /users/{id}/two-factor", none(), 403, 403),
        case("GET /users/{id}/sessions", none(), 403, 403),
        case("DELETE /users/{id}/sessions", none(), 403, 403),
        case("DELETE /users/{id}/sessions/{session}", none(), 403, 403),
    ]
}

#[test]
fn every_route_has_a_case() {
    let tested: BTreeSet<String> =
        cases().iter().map(|case| case.route.split('?').next().unwrap_or_default().to_owned()).collect();
    let routes = api_routes().into_iter().map(|(method, path)| format!("{method} {path}")).collect();
    assert_eq!(tested, routes);
}

#[tokio::test]
async fn every_route_asks_who_calls() {
    let api = Api::start().await;
    api.callback_on().await;
    api.publish("push.example.com", "room_7").await;
    let session = api.get("/sessions").await["items"][0]["id"].as_str().expect("a session").to_owned();
    let delivery = api.get("/deliveries").await["items"][0]["id"].as_str().expect("a delivery").to_owned();
    let recovery = api.send(&api.operator, "POST /recoveries", json!({ "filter": {} })).await;
    let recovery = recovery.json["id"].as_str().expect("a recovery").to_owned();
    for Case { route, body, reviewer, stranger } in cases() {
        let id = match route {
            route if route.contains("/users") => "1",
            route if route.contains("/sessions") => &session,
            route if route.contains("/deliveries") => &delivery,
            route if route.contains("/recoveries") => &recovery,
            _ => "1",
        };
        let call = route.replace("{push}", "push.example.com").replace("{kind}", "publish").replace("{id}", id);
        let call = call.replace("{app}", "live").replace("{stream}", "room_7");

        let logged_out = api.send_raw(request(&call).body(Body::empty()).expect("a request")).await;
        assert_eq!(logged_out.problem(), (401, "signed_out", ""), "{route}");
        assert_eq!(logged_out.headers[header::WWW_AUTHENTICATE], "Bearer", "{route}");
        let unknown = api.send("cs_unknown", &call, body.clone()).await;
        assert_eq!(unknown.problem(), (401, "signed_out", ""), "{route}");

        for (token, status) in [(&api.reviewer, reviewer), (&api.stranger, stranger)] {
            let answer = api.send(token, &call, body.clone()).await;
            assert_eq!(answer.status, status, "{route}: {}", answer.json);
            if status == 403 {
                assert_eq!(answer.problem(), (403, "forbidden", ""), "{route}");
            }
        }
    }
}

#[tokio::test]
async fn a_limited_key_lists_its_own_domains_only() {
    let api = Api::start().await;
    api.callback_on().await;
    api.publish("push.example.com", "room_7").await;
    for path in ["/streams", "/sessions", "/events", "/deliveries"] {
        let all = api.send(&api.operator, &format!("GET {path}"), Value::Null).await;
        assert_eq!(all.json["items"].as_array().map(Vec::len), Some(1), "{path}");
        let own = api.send(&api.stranger, &format!("GET {path}"), Value::Null).await;
        assert_eq!(own.json["items"], json!([]), "{path}");
        let other = api.send(&api.stranger, &format!("GET {path}?domain=push.example.com"), Value::Null).await;
        assert_eq!(other.problem(), (403, "forbidden", ""), "{path}");
    }
    let all = json!({ "filter": {} });
    assert_eq!(api.send(&api.operator, "POST /recoveries", all.clone()).await.status, 201);
    let seen = api.send(&api.stranger, "GET /recoveries", Value::Null).await;
    assert_eq!(seen.json["items"], json!([]), "it concerns domains of others");
    let own = api.send(&api.stranger, "POST /recoveries", all).await.json["id"].clone();
    let seen = api.send(&api.stranger, "GET /recoveries", Value::Null).await;
    assert_eq!(super::support::column(&seen.json, "id"), [&own]);
    let domains = api.send(&api.stranger, "GET /domains", Value::Null).await;
    assert_eq!(super::support::column(&domains.json, "pushDomain"), ["push.example.net"]);
}

/// The pages' session layer leaves the person in the request.
#[tokio::test]
async fn a_signed_in_browser_needs_no_token() {
    let api = Api::start().await;
    let mut request = request("GET /domains").body(Body::empty()).expect("a request");
    request.extensions_mut().insert(callsheet::model::Actor::cli());
    assert_eq!(api.send_raw(request).await.status, 200);
}

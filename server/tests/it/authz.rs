//! No route is open by oversight: each is asked by nobody and by a reviewer. A route that is missing here fails.

use std::collections::BTreeSet;

use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, Role};
use callsheet_app::App;
use leptos::server_fn::axum::server_fn_paths;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::openapi::operations;
use crate::support::{DOMAIN, Database, PLAY, TestConsole};

const DELIVERY: &str = "evt_0000000000001";
const RECOVERY: &str = "rec_0000000000001";

/// Pages for people who are not signed in.
const OPEN_PAGES: [&str; 5] = ["/login", "/login/callback", "/login/provider", "/setup", "/invite/{token}"];
/// Server functions for them.
const OPEN_FUNCTIONS: [&str; 5] = ["set_up", "accept_link", "sign_in", "enter_code", "sign_out"];
/// Server functions of one's own profile, which everybody has who is signed in.
const OWN_FUNCTIONS: [&str; 6] =
    ["change_password", "start_factor", "confirm_factor", "turn_off_factor", "end_own_session", "end_other_sessions"];

pub(crate) fn client() -> Client {
    Client::builder().redirect(Policy::none()).cookie_store(true).build().expect("a client")
}

/// A path with its parameters filled in.
pub(crate) fn fill(route: &str) -> String {
    route
        .replace("{push}", DOMAIN)
        .replace("{kind}", "publish")
        .replace("{app}/{stream}", "live/room_7")
        .replace("/deliveries/{id}", &format!("/deliveries/{DELIVERY}"))
        .replace("/recoveries/{id}", &format!("/recoveries/{RECOVERY}"))
        .replace("/sessions/{id}", "/sessions/ses_0000000000001")
        .replace("{name}", "vod.example.com")
        .replace("{id}", "1")
}

/// Method and path, below `/api/v1`, of each route of the API.
pub(crate) fn api_routes() -> Vec<(Method, String)> {
    let route = |operation: String| {
        let (method, path) = operation.split_once(" /api/v1").expect("a method and a path of the API");
        (method.parse().expect("a method"), path.to_owned())
    };
    operations().into_iter().map(route).collect()
}

/// A body that each writing route of the API would take.
fn writes() -> Vec<(Method, &'static str, Value)> {
    vec![
        (Method::POST, "/domains", json!({ "pushDomain": "a.example.com", "playDomains": ["b.example.com"] })),
        (Method::PATCH, "/domains/{push}", json!({ "enabled": false })),
        (Method::DELETE, "/domains/{push}", Value::Null),
        (Method::PUT, "/domains/{push}/callbacks/{kind}", json!({ "enabled": false })),
        (Method::POST, "/domains/{push}/callbacks/{kind}/rotate-secret", Value::Null),
        (Method::POST, "/domains/{push}/callbacks/{kind}/end-overlap", Value::Null),
        (Method::POST, "/domains/{push}/callbacks/{kind}/resume", Value::Null),
        (Method::PUT, "/domains/{push}/recording", json!({ "enabled": true, "partSeconds": 60 })),
        (Method::POST, "/callback-tests", json!({ "kind": "publish", "address": "http://127.0.0.1/" })),
        (Method::POST, "/streams/{push}/{app}/{stream}/disconnect", Value::Null),
        (Method::POST, "/streams/{push}/{app}/{stream}/forbid", json!({ "seconds": 60 })),
        (Method::POST, "/streams/{push}/{app}/{stream}/allow", Value::Null),
        (Method::POST, "/deliveries/{id}/resend", Value::Null),
        (Method::POST, "/deliveries/{id}/cancel", Value::Null),
        (Method::POST, "/recoveries", json!({ "filter": {} })),
        (Method::DELETE, "/recoveries/{id}", Value::Null),
        (Method::POST, "/sources", json!({ "adapter": "generic", "name": "edge" })),
        (Method::DELETE, "/sources/{id}", Value::Null),
        (Method::POST, "/access-logs", json!({})),
        (Method::POST, "/transcode-jobs", json!({ "jobId": "1", "status": "fail", "error": "no space" })),
        (Method::POST, "/vod-domains", json!({ "name": "vod.example.com", "path": "films" })),
        (Method::DELETE, "/vod-domains/{name}", Value::Null),
        (Method::POST, "/keys", json!({ "name": "ci", "role": "admin" })),
        (Method::POST, "/keys/{id}/rotate", Value::Null),
        (Method::DELETE, "/keys/{id}", Value::Null),
        (Method::POST, "/users", json!({ "name": "grace", "role": "reviewer" })),
        (Method::PATCH, "/users/{id}", json!({ "active": false })),
        (Method::POST, "/users/{id}/link", Value::Null),
        (Method::DELETE, "/users/{id}/two-factor", Value::Null),
        (Method::DELETE, "/users/{id}/sessions", Value::Null),
        (Method::DELETE, "/users/{id}/sessions/{session}", Value::Null),
    ]
}

async fn ask(
    client: &Client,
    console: &TestConsole,
    method: &Method,
    route: &str,
    body: &Value,
    token: Option<&str>,
) -> Response {
    let mut request = client.request(method.clone(), console.url(&fill(route)));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if !body.is_null() {
        request = request.json(body);
    }
    request.send().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_answers_nobody() {
    let console = TestConsole::start(Database::sqlite()).await;
    console.add_domain().await;
    let client = client();
    for (method, route) in api_routes() {
        let route = format!("/api/v1{route}");
        for token in [None, Some("cs_guessed")] {
            let answer = ask(&client, &console, &method, &route, &json!({}), token).await;
            assert_eq!(answer.status(), 401, "{method} {route}");
        }
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_lets_a_reviewer_change_nothing() {
    let console = TestConsole::start(Database::sqlite()).await;
    console.add_domain().await;
    let draft = KeyDraft::new("eye", Role::Reviewer);
    let key = console.console.keys.create(&Actor::cli(), draft).await.expect("a key");
    let listed: BTreeSet<_> = api_routes()
        .into_iter()
        .filter(|(method, _)| *method != Method::GET)
        .map(|(method, route)| format!("{method} {route}"))
        .collect();
    let tried: BTreeSet<_> = writes().iter().map(|(method, route, _)| format!("{method} {route}")).collect();
    assert_eq!(listed, tried, "each writing route has its case here");
    let client = client();
    for (method, route, body) in writes() {
        let answer = ask(&client, &console, &method, &format!("/api/v1{route}"), &body, Some(&key.token)).await;
        assert_eq!(answer.status(), 403, "{method} {route}");
    }
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_send_nobody_to_the_login() {
    let console = TestConsole::start(Database::sqlite()).await;
    console.add_domain().await;
    let client = client();
    let pages: Vec<_> = leptos_axum::generate_route_list(App).iter().map(|route| fill(route.path())).collect();
    assert!(pages.len() > 10, "{pages:?}");
    for page in pages {
        let answer = ask(&client, &console, &Method::GET, &page, &Value::Null, None).await;
        if OPEN_PAGES.contains(&page.as_str()) {
            // Without a provider or a ticket of it there is nothing to see.
            let status = answer.status();
            assert!(status.is_success() || status == 422 || status == 404, "{page}: {status}");
            continue;
        }
        let to = answer.headers().get("location").map_or("", |to| to.to_str().expect("text")).to_owned();
        assert!(answer.status().is_redirection() && to.starts_with("/login"), "{page}: {} {to}", answer.status());
        let text = answer.text().await.expect("text");
        assert!(!text.contains(PLAY), "{page} shows what it must not");
    }
    for open in ["/healthz", "/readyz"] {
        let answer = ask(&client, &console, &Method::GET, open, &Value::Null, None).await;
        assert_eq!(answer.status(), 200, "{open}");
    }
    console.stop().await;
}

/// A form with every field that a server function has.
pub(crate) fn form(path: &str) -> Vec<(&'static str, &'static str)> {
    vec![
        ("push", DOMAIN),
        ("kind", "publish"),
        ("enabled", "true"),
        ("confirmed", "true"),
        ("address", "http://127.0.0.1/"),
        ("untested", "true"),
        ("dialect", "v1.0"),
        ("ordered", "true"),
        ("timeoutSeconds", "15"),
        ("headers", ""),
        ("overlapHours", "24"),
        ("partSeconds", "60"),
        ("unit", "seconds"),
        ("bucket", "tapes"),
        ("pushDomain", "a.example.com"),
        ("playDomains", "b.example.com"),
        ("confirm", DOMAIN),
        ("adapter", "generic"),
        ("name", "edge"),
        ("defaultDomain", ""),
        ("path", "films"),
        ("app", "live"),
        ("stream", "room_7"),
        ("seconds", "3600"),
        ("active", "false"),
        ("session", "guessed"),
        ("present", "correct horse"),
        ("password", "battery staple"),
        ("passwordAgain", "battery staple"),
        ("code", "000000"),
        ("ids[]", DELIVERY),
        ("query", ""),
        ("role", "admin"),
        ("reach", "all"),
        ("expiry", "never"),
        ("expiresAt", ""),
        ("moreDomains", ""),
        (
            "id",
            match path {
                path if path.contains("delivery") => DELIVERY,
                path if path.contains("recovery") => RECOVERY,
                _ => "1",
            },
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn server_functions_ask_who_calls() {
    let console = TestConsole::start(Database::sqlite()).await;
    console.add_domain().await;
    let accounts = &console.console.accounts;
    accounts.create_user(&Actor::cli(), "eye", Role::Reviewer, "correct horse").await.expect("a reviewer");
    let (nobody, reviewer) = (client(), client());
    let functions: Vec<_> = server_fn_paths().collect();
    let sign_in = functions.iter().find(|(path, _)| path.ends_with("sign_in")).expect("a way in").0;
    let login = [("name", "eye"), ("password", "correct horse"), ("next", "")];
    let answer = reviewer.post(console.url(sign_in)).form(&login).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let home = reviewer.get(console.url("/domains")).send().await.expect("an answer");
    assert_eq!(home.status(), 200, "signed in");

    let guarded = functions.iter().filter(|(path, _)| !OPEN_FUNCTIONS.iter().any(|open| path.ends_with(open)));
    let guarded: Vec<_> = guarded.collect();
    assert!(guarded.len() > 10, "{guarded:?}");
    for (path, method) in guarded {
        assert_eq!(method.as_str(), "POST", "{path}");
        let own = OWN_FUNCTIONS.iter().any(|own| path.ends_with(&format!("/{own}")));
        let asked = [(&nobody, 401), (&reviewer, 403)];
        for (client, status) in asked.into_iter().filter(|(_, status)| !own || *status == 401) {
            let answer = client.post(console.url(path)).form(&form(path)).send().await.expect("an answer");
            let got = answer.status();
            assert_eq!(got, status, "{path}: {}", answer.text().await.expect("text"));
        }
    }
    console.stop().await;
}

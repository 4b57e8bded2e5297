//! A fault that nobody foresaw: a clock that breaks in the middle of a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response, header};
use bytes::Bytes;
use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, Clock, Millis, Role};
use serde_json::{Value, json};

use super::support::{Api, NOW, request};

/// Breaks once, when it has been asked so many times more.
struct Fuse(AtomicI64);

impl Fuse {
    /// It is asked often while a console starts.
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(i64::MAX)))
    }

    fn breaks_after(&self, times: i64) {
        self.0.store(times, Ordering::SeqCst);
    }
}

impl Clock for Fuse {
    fn now(&self) -> Millis {
        assert_ne!(self.0.fetch_sub(1, Ordering::SeqCst), 0, "the clock is broken");
        NOW
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

async fn start() -> (Api, Arc<Fuse>) {
    let fuse = Fuse::new();
    let clock = fuse.clone();
    (Api::start_with(|parts| parts.clock = clock).await, fuse)
}

fn text(answer: &Response<Bytes>) -> String {
    String::from_utf8(answer.body().to_vec()).expect("text")
}

#[tokio::test]
async fn the_api_answers_with_a_problem() {
    let (api, fuse) = start().await;
    fuse.breaks_after(0);
    let answer = api.send(&api.admin, "GET /domains", Value::Null).await;
    assert_eq!(answer.problem(), (500, "internal", ""));
    assert!(!answer.json.to_string().contains("clock"), "what happened is for the log");
    assert_eq!(answer.headers[header::X_FRAME_OPTIONS], "DENY", "it is an answer like any other");
    assert_eq!(api.send(&api.admin, "GET /domains", Value::Null).await.status, 200);
}

#[tokio::test]
async fn a_request_that_broke_off_frees_its_idempotency_key() {
    let (api, fuse) = start().await;
    let post = || {
        let request = request("POST /domains").header("idempotency-key", "1");
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", api.admin));
        let body = json!({ "pushDomain": "push.example.org", "playDomains": ["play.example.org"] });
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body.to_string().into());
        api.send_raw(request.expect("a request"))
    };
    // Who calls and since when the key is taken are known by then.
    fuse.breaks_after(2);
    assert_eq!(post().await.problem(), (500, "internal", ""));
    let again = post().await;
    assert_eq!(again.status, 201, "{}", again.json);
    assert_eq!(post().await.json, again.json);
}

#[tokio::test]
async fn the_jd_api_answers_with_an_envelope() {
    let (api, fuse) = start().await;
    let key = api.console.keys.create(&Actor::cli(), KeyDraft::new("ci", Role::Admin)).await.expect("a key");
    let signature = format!(
        "JDCLOUD2-HMAC-SHA256 Credential={}/20261122/cn/live/jdcloud2_request, SignedHeaders=host, Signature=00",
        key.access_key
    );
    let request = Request::get("/v1/domains").header(header::HOST, "console.example");
    let request = request.header("x-jdcloud-date", "20261122T143120Z").header(header::AUTHORIZATION, signature);
    fuse.breaks_after(0);
    let answer = api.send_raw(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json["requestId"], answer.headers["x-jdcloud-request-id"].to_str().expect("text"));
    assert_eq!((&answer.json["error"]["code"], &answer.json["error"]["status"]), (&json!(500), &json!("INTERNAL")));
}

#[tokio::test]
async fn a_page_says_so_in_the_language_of_the_browser() {
    let (api, fuse) = start().await;
    for (language, title) in [("en", "Something went wrong"), ("zh-CN", "发生错误")] {
        let request = Request::get("/login").header(header::HOST, "console.example");
        // Only a session needs the time.
        let request = request.header(header::COOKIE, "callsheet=AAAAAAAAAAAAAAAAAAAAAA");
        let request = request.header(header::ACCEPT_LANGUAGE, language).body(Body::empty()).expect("a request");
        fuse.breaks_after(0);
        let answer = api.fetch(request).await;
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.contains("style-src 'self'") && !policy.contains("script-src"), "{policy}");
        let page = text(&answer);
        assert!(page.contains(title) && page.contains(&format!("<html lang=\"{language}\"")), "{page}");
        assert!(page.contains(".css\"") && !page.contains("<script"), "{page}");
    }
}

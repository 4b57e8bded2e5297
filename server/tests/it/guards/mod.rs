//! What guards the APIs from callers who repeat themselves, overtake each other or ask too often.

mod idempotency;
mod rate_limits;
mod versions;

use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, Millis, Role};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;

use crate::support::TestConsole;

/// 2026-11-22T14:31:20.000Z
const NOW: Millis = 1_795_357_880_000;

/// Somebody with an API key.
#[derive(Clone)]
struct Caller {
    client: Client,
    base: String,
    token: String,
}

impl Caller {
    /// An admin with a new key.
    async fn of(console: &TestConsole, name: &str) -> Self {
        let key = console.console.keys.create(&Actor::cli(), KeyDraft::new(name, Role::Admin)).await.expect("a key");
        Self { client: Client::new(), base: console.url("/api/v1"), token: key.token }
    }

    /// The same key at another console.
    fn at(&self, console: &TestConsole) -> Self {
        Self { base: console.url("/api/v1"), ..self.clone() }
    }

    /// `call`, such as `GET /domains`; a body unless it is null.
    fn request(&self, call: &str, body: &Value) -> RequestBuilder {
        let (method, path) = call.split_once(' ').expect("method and path");
        let method: Method = method.parse().expect("a method");
        let request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if body.is_null() { request } else { request.json(body) }
    }

    async fn send(&self, call: &str, body: &Value) -> Answer {
        Answer::to(self.request(call, body)).await
    }

    /// Sends it with one header more.
    async fn send_with(&self, header: (&str, &str), call: &str, body: &Value) -> Answer {
        Answer::to(self.request(call, body).header(header.0, header.1)).await
    }
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    async fn to(request: RequestBuilder) -> Self {
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status(), answer.headers().clone());
        Self { status, headers, text: answer.text().await.expect("text") }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Status and code of a problem.
    #[track_caller]
    fn problem(&self) -> (u16, String) {
        assert_eq!(self.header(CONTENT_TYPE.as_str()), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        let code = problem["type"].as_str().and_then(|code| code.strip_prefix("/problems/")).expect("a code");
        (self.status.as_u16(), code.to_owned())
    }
}

fn problem(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

//! Ten thousand requests that make no sense, by an admin and by strangers, to every route: none panics, none is a fault of the console, and what
//! they took is given back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, Role};
use callsheet_app::App;
use leptos::server_fn::axum::server_fn_paths;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use reqwest::{Client, Method};

use crate::authz::{api_routes, client};
use crate::support::{DOMAIN, Database, TestConsole};

const REQUESTS: usize = 10_000;
const AT_ONCE: usize = 8;
/// What the process may hold more of after all of them than after the first fifth, bytes.
const GROWTH: usize = 48 << 20;

/// What stands where a route has a parameter, or as a value.
const WORDS: &[&str] = &[
    DOMAIN,
    "publish",
    "record",
    "1",
    "-1",
    "0",
    "9223372036854775807",
    "9223372036854775808",
    "1e309",
    "NaN",
    "null",
    "true",
    "evt_0000000000001",
    "evt_zzzzzzzzzzzzz",
    "ses_0000000000001",
    "rec_",
    "..",
    "%2e%2e",
    "%00",
    "%ff%fe",
    "a%0d%0ab",
    "'%20or%201=1--",
    "%F0%9F%A6%80",
    "<script>",
    "2026-11-22T00:00:00Z",
    "2026-13-45T99:99:99Z",
    "0000-01-01",
    "9999-12-31T23:59:59Z",
    "bandwidth",
    "5m",
    "xlsx",
    "=1+1",
    "",
];

const NAMES: &[&str] = &[
    "q",
    "cursor",
    "limit",
    "domain",
    "kind",
    "event",
    "stream",
    "state",
    "since",
    "until",
    "status",
    "errorClass",
    "metric",
    "from",
    "to",
    "granularity",
    "groupBy",
    "compare",
    "format",
    "slot",
    "page",
    "next",
    "lang",
    "pushDomain",
    "playDomains",
    "enabled",
    "address",
    "dialect",
    "ordered",
    "timeoutSeconds",
    "headers",
    "partSeconds",
    "bucket",
    "name",
    "role",
    "password",
    "token",
    "ids",
    "filter",
    "dryRun",
    "adapter",
    "id",
    "push",
    "confirm",
    "hours",
    "jobId",
    "output",
    "codec",
    "durationSeconds",
];

struct Dice(StdRng);

impl Dice {
    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all.choose(&mut self.0).expect("some").clone()
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.0.random_range(0..n) == 0
    }

    fn noise(&mut self, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.0.random_range(0..most)];
        self.0.fill(bytes.as_mut_slice());
        bytes
    }

    fn word(&mut self) -> String {
        match self.0.random_range(0..12) {
            0 => "a".repeat(self.0.random_range(1..5_000)),
            1 => self.noise(20).iter().map(|byte| format!("%{byte:02x}")).collect(),
            _ => self.of(WORDS).to_owned(),
        }
    }

    fn path(&mut self, route: &str) -> String {
        let filled: Vec<String> =
            route.split('/').map(|part| if part.starts_with('{') { self.word() } else { part.to_owned() }).collect();
        let pairs: Vec<String> =
            (0..self.0.random_range(0..4)).map(|_| format!("{}={}", self.of(NAMES), self.word())).collect();
        format!("{}?{}", filled.join("/"), pairs.join("&"))
    }

    fn json(&mut self, depth: usize) -> serde_json::Value {
        match self.0.random_range(0..if depth == 0 { 4 } else { 7 }) {
            0 => serde_json::Value::Null,
            1 => self.0.random::<bool>().into(),
            2 => self.0.random::<i64>().into(),
            3 => self.word().into(),
            4 => (0..3).map(|_| self.json(depth - 1)).collect(),
            _ => (0..4).map(|_| (self.of(NAMES).to_owned(), self.json(depth - 1))).collect(),
        }
    }

    /// A body and what it claims to be.
    fn body(&mut self) -> (&'static str, Vec<u8>) {
        let types = [
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "text/plain",
            "application/x-ndjson",
        ];
        let mut body = match self.0.random_range(0..5) {
            0 | 1 => self.json(3).to_string().into_bytes(),
            2 => {
                (0..4).map(|_| format!("{}={}", self.of(NAMES), self.word())).collect::<Vec<_>>().join("&").into_bytes()
            }
            3 => format!(
                "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\r\n{}\r\n--x--",
                self.word(),
                self.word()
            )
            .into_bytes(),
            _ => self.noise(2_000),
        };
        if self.one_in(4) && !body.is_empty() {
            let at = self.0.random_range(0..body.len());
            body[at] = self.0.random();
        }
        (self.of(&types), body)
    }
}

/// Each method and path with its parameters.
fn routes() -> Vec<(Method, String)> {
    let api = api_routes().into_iter().map(|(method, path)| (method, format!("/api/v1{path}")));
    let pages = leptos_axum::generate_route_list(App).into_iter().map(|route| (Method::GET, route.path().to_owned()));
    let functions = server_fn_paths().map(|(path, _)| (Method::POST, path.to_owned()));
    let others = [
        (Method::GET, "/healthz"),
        (Method::GET, "/readyz"),
        (Method::GET, "/metrics"),
        (Method::POST, "/ingest/{adapter}/{secret}"),
        (Method::POST, "/ingest/generic/{secret}"),
        (Method::POST, "/ingest/nginx-rtmp/{secret}"),
        (Method::GET, "/statistics/usage.csv"),
        (Method::GET, "/statistics/usage.xlsx"),
        (Method::GET, "/statistics/transcoding.csv"),
        (Method::GET, "/pkg/{file}"),
        (Method::GET, "/{nothing}"),
    ];
    let others = others.map(|(method, path)| (method, path.to_owned()));
    api.chain(pages).chain(functions).chain(others).collect()
}

async fn send(client: &Client, console: &TestConsole, dice: &mut Dice, routes: &[(Method, String)], token: &str) {
    let (usual, route) = dice.of(routes);
    let method = if dice.one_in(10) {
        dice.of(&[
            Method::GET,
            Method::HEAD,
            Method::PUT,
            Method::DELETE,
            Method::PATCH,
            Method::OPTIONS,
            Method::TRACE,
        ])
    } else {
        usual
    };
    let path = dice.path(&route);
    let mut request = client.request(method.clone(), console.url(&path)).timeout(Duration::from_secs(60));
    if !dice.one_in(4) {
        request = request.bearer_auth(token);
    }
    for name in [
        "accept-language",
        "cookie",
        "if-match",
        "idempotency-key",
        "content-encoding",
        "range",
        "x-forwarded-for",
        "origin",
    ] {
        if dice.one_in(12) {
            request =
                request.header(name, dice.noise(40).iter().map(|byte| char::from(32 + byte % 94)).collect::<String>());
        }
    }
    if method != Method::GET || dice.one_in(20) {
        let (kind, body) = dice.body();
        request = request.header("content-type", kind).body(body);
    }
    let answer = request.send().await.unwrap_or_else(|error| panic!("{method} {path} has no answer: {error:?}"));
    let status = answer.status();
    let body = answer.bytes().await.unwrap_or_else(|error| panic!("{method} {path} breaks off: {error:?}"));
    assert!(status != 500, "{method} {path} is a fault: {}", String::from_utf8_lossy(&body));
}

/// Bytes of memory that the process holds.
fn held() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("figures of this process");
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("a number") * 4096
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_senseless_requests_break_nothing() {
    let panics = Arc::new(AtomicUsize::new(0));
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new({
        let panics = panics.clone();
        move |info| {
            panics.fetch_add(1, Ordering::Relaxed);
            usual(info);
        }
    }));
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let console = Arc::new(TestConsole::start(Database::sqlite()).await);
    console.add_domain().await;
    let token =
        console.console.keys.create(&Actor::cli(), KeyDraft::new("ci", Role::Admin)).await.expect("a key").token;
    let (client, routes) = (client(), Arc::new(routes()));
    let mut after = Vec::new();
    for round in 0..5 {
        let senders = (0..AT_ONCE).map(|sender| {
            let (client, console, routes, token) = (client.clone(), console.clone(), routes.clone(), token.clone());
            let mut dice = Dice(StdRng::seed_from_u64(seed.wrapping_add((round * AT_ONCE + sender) as u64)));
            tokio::spawn(async move {
                for _ in 0..REQUESTS / 5 / AT_ONCE {
                    send(&client, &console, &mut dice, &routes, &token).await;
                }
            })
        });
        for sent in futures::future::join_all(senders).await {
            sent.expect("all have answers");
        }
        after.push(held());
    }
    assert_eq!(panics.load(Ordering::Relaxed), 0, "panics, with seed {seed}");
    assert!(after[4] < after[0] + GROWTH, "bytes held after each fifth: {after:?}, with seed {seed}");
    let health = client.get(console.url("/readyz")).send().await.expect("an answer");
    assert_eq!(health.status(), 200);
    Arc::into_inner(console).expect("all senders are done").stop().await;
}

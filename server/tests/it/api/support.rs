//! A console on a database of its own, called through its routes.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, Response, StatusCode, header};
use callsheet::keys::KeyDraft;
use callsheet::model::{Actor, IdGenerator, Millis, Role, SourceId, TestClock};
use callsheet::outbound::{AddressPolicy, DnsError, Outbound, OutboundConfig, Resolve};
use callsheet::sealing::Sealer;
use callsheet::stats::StatsDb;
use callsheet::stats::calendar::Calendar;
use callsheet::storage::Db;
use callsheet::streams::{IngestSink, PushRequest, SessionKey, SourceEvent};
use callsheet::{Console, ConsoleParts, Retention};
use callsheet_server::http::AppState;
use callsheet_server::http::rate_limit::RateLimits;
use callsheet_server::http::router::{Serves, router};
use leptos::config::LeptosOptions;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use tower::ServiceExt;

/// 2026-11-22T14:31:20.000Z
pub(super) const NOW: Millis = 1_795_357_880_000;

/// The console has `push.example.com` (callbacks off) and `push.example.net`; callbacks may go to the loopback.
pub(super) struct Api {
    pub(super) console: Console,
    pub(super) clock: Arc<TestClock>,
    pub(super) admin: String,
    pub(super) operator: String,
    pub(super) reviewer: String,
    /// An operator of `push.example.net` alone.
    pub(super) stranger: String,
    router: Router,
    _folder: tempfile::TempDir,
}

/// There is no DNS in tests.
struct NoNames;

#[async_trait]
impl Resolve for NoNames {
    async fn resolve(&self, _: &str) -> Result<Vec<IpAddr>, DnsError> {
        Err(DnsError::NotFound)
    }
}

impl Api {
    pub(super) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With parts of one's own.
    pub(super) async fn start_with(change: impl FnOnce(&mut ConsoleParts)) -> Self {
        // A failing test shows what the console logged; only the first test of the process sets it up.
        let _ = tracing_subscriber::fmt().with_test_writer().try_init();
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(TestClock::at(NOW));
        let ids = Arc::new(IdGenerator::default());
        let url = format!("sqlite://{}", folder.path().join("callsheet.db").display());
        let db = Db::open(&url, ids.clone()).await.expect("opens");
        db.migrate().await.expect("migrates");
        let calendar = Calendar::new(jiff::tz::TimeZone::UTC);
        let stats_db = StatsDb::open(&db, folder.path(), calendar).expect("opens");
        stats_db.migrate().await.expect("migrates");
        let policy = AddressPolicy::new(vec!["127.0.0.1/32".parse().expect("a network")]);
        let config = OutboundConfig { resolver: Arc::new(NoNames), extra_roots: Vec::new() };
        let mut parts = ConsoleParts {
            db,
            stats_db,
            clock: clock.clone(),
            ids,
            sealer: Sealer::open(&folder.path().join("secret.key")).expect("a key"),
            outbound: Arc::new(Outbound::new(policy.clone(), config).expect("a client")),
            policy,
            schedule: Default::default(),
            zone: jiff::tz::TimeZone::UTC,
            session_grace: 5_000,
            part_seconds: 1_800,
            cnames: Default::default(),
            public_url: None,
            provider: None,
            retention: Retention { days: 30, attempt_body_days: 7, audit_days: 365 },
            classes: Default::default(),
            shown: Default::default(),
            buckets: Vec::new(),
        };
        change(&mut parts);
        let console = Console::new(parts);
        let state = AppState {
            console: console.clone(),
            assets: Default::default(),
            leptos: LeptosOptions::builder().output_name("callsheet").build(),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            trusted_proxies: Arc::default(),
            data_dir: folder.path().into(),
            limits: RateLimits::new(0, clock.clone()),
            rtmp: callsheet_app::RtmpPort(Some(19_350)),
            loops: callsheet_server::jobs::Loops::new(clock.clone()),
        };
        let router = router(state, Serves { web: true, ingest: false });
        let key = async |draft| console.keys.create(&Actor::cli(), draft).await.expect("a key").token;
        let home = ["push.example.net".to_owned()];
        let api = Self {
            admin: key(KeyDraft::new("admin", Role::Admin)).await,
            operator: key(KeyDraft::new("operator", Role::Operator)).await,
            reviewer: key(KeyDraft::new("reviewer", Role::Reviewer)).await,
            stranger: key(KeyDraft { domains: Some(&home), ..KeyDraft::new("stranger", Role::Operator) }).await,
            console,
            clock,
            router,
            _folder: folder,
        };
        for (push, play) in [("push.example.com", "play.example.com"), ("push.example.net", "play.example.net")] {
            let body = json!({ "pushDomain": push, "playDomains": [play] });
            assert_eq!(api.send(&api.admin, "POST /domains", body).await.status, 201);
        }
        api
    }

    /// Sends `call`, such as `GET /domains`; a body unless it is null.
    pub(super) async fn send(&self, token: &str, call: &str, body: Value) -> Answer {
        let request = request(call).header(header::AUTHORIZATION, format!("Bearer {token}"));
        let request = match body {
            Value::Null => request.body(Body::empty()),
            body => request.header(header::CONTENT_TYPE, "application/json").body(body.to_string().into()),
        };
        self.send_raw(request.expect("a request")).await
    }

    /// An answer without problem, as an operator.
    pub(super) async fn get(&self, path: &str) -> Value {
        let answer = self.send(&self.operator, &format!("GET {path}"), Value::Null).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.json);
        answer.json
    }

    pub(super) async fn send_raw(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.fetch(request).await.into_parts();
        let json = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&body)))
        };
        Answer { status: parts.status, headers: parts.headers, json }
    }

    /// An answer as it comes: of pages and files.
    pub(super) async fn fetch(&self, request: Request<Body>) -> Response<Bytes> {
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        Response::from_parts(parts, to_bytes(body, usize::MAX).await.expect("a body"))
    }

    /// Turns the publish callback of `push.example.com` on.
    pub(super) async fn callback_on(&self) {
        let body = json!({ "enabled": true, "address": "https://hooks.example.org/live" });
        let call = "PUT /domains/push.example.com/callbacks/publish";
        assert_eq!(self.send(&self.operator, call, body).await.status, 200);
    }

    /// A source publishes `live/{stream}` to `domain`.
    pub(super) async fn publish(&self, domain: &str, stream: &str) {
        let source = SourceId(1);
        let push = PushRequest {
            source,
            hosts: vec![domain.to_owned()],
            app: "live".to_owned(),
            stream: stream.to_owned(),
            client: Some("192.0.2.7".to_owned()),
            params: vec![("line".to_owned(), "a".to_owned())],
        };
        let push = self.console.streams.admit(push).await.expect("admitted");
        self.report(stream, SourceEvent::Started { at: NOW, push }).await;
    }

    pub(super) async fn unpublish(&self, stream: &str, failure: Option<&str>) {
        self.report(stream, SourceEvent::Ended { at: NOW + 1_500, failure: failure.map(str::to_owned) }).await;
    }

    async fn report(&self, stream: &str, hint: SourceEvent) {
        let key = SessionKey { source: SourceId(1), boot: "1".to_owned(), key: stream.to_owned() };
        self.console.streams.report(&key, hint).await.expect("reported");
    }
}

/// `call`, such as `GET /domains`, as a request.
pub(super) fn request(call: &str) -> axum::http::request::Builder {
    let (method, path) = call.split_once(' ').expect("method and path");
    Request::builder().method(method).uri(format!("/api/v1{path}")).header(header::HOST, "console.example")
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Null: no body.
    pub(super) json: Value,
}

impl Answer {
    /// Status, code and field of a problem; the field is empty if it names none.
    #[track_caller]
    pub(super) fn problem(&self) -> (u16, &str, &str) {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{}", self.json);
        assert_eq!(self.json["status"], self.status.as_u16());
        assert!(self.json["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{}", self.json);
        let code = self.json["type"].as_str().and_then(|t| t.strip_prefix("/problems/")).expect("a type");
        (self.status.as_u16(), code, self.json["field"].as_str().unwrap_or_default())
    }
}

/// One value of each row of a list.
pub(super) fn column<'a>(list: &'a Value, name: &str) -> Vec<&'a Value> {
    list["items"].as_array().expect("items").iter().map(|item| &item[name]).collect()
}

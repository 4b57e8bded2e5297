//! The ingest routes at a time of one's own.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use callsheet::Console;
use callsheet::deliveries::DeliveryFilter;
use callsheet::domains::NewDomain;
use callsheet::model::{Actor, Clock, PageRequest, TestClock};
use callsheet::recordings::{RecordingChange, RecordingSettings};
use callsheet::streams::{EarlyWatch, Silences};
use callsheet_server::http::AppState;
use callsheet_server::http::rate_limit::RateLimits;
use callsheet_server::http::router::{Serves, router};
use leptos::config::LeptosOptions;
use metrics_exporter_prometheus::PrometheusBuilder;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::block_in_place;
use tokio_util::task::AbortOnDropHandle;

use crate::support::{Database, use_cases};

/// A console that takes reports and delivers nothing.
pub(super) struct Stage {
    pub(super) console: Console,
    pub(super) clock: Arc<TestClock>,
    silences: Mutex<Silences>,
    early: Mutex<EarlyWatch>,
    pub(super) address: SocketAddr,
    _data: TempDir,
    _serving: AbortOnDropHandle<()>,
}

impl Stage {
    /// At `now`, with one enabled domain.
    pub(super) async fn set(database: &Database, now: i64, domain: &str) -> Self {
        let clock = Arc::new(TestClock::at(now));
        let (console, data) = use_cases(database, clock.clone()).await;
        let new = NewDomain::parse(domain, &["play.example.com"]).expect("a domain");
        console.domains.create(&Actor::cli(), new).await.expect("created");
        let state = AppState {
            console: console.clone(),
            assets: Default::default(),
            leptos: LeptosOptions::builder().output_name("callsheet").build(),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            trusted_proxies: Arc::default(),
            data_dir: data.path().into(),
            limits: RateLimits::new(0, clock.clone()),
            rtmp: callsheet_app::RtmpPort(Some(19_350)),
            loops: callsheet_server::jobs::Loops::new(clock.clone()),
        };
        let router: Router = router(state, Serves { web: false, ingest: true });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("serving") });
        let (silences, early) = (Mutex::default(), Mutex::default());
        Self { console, clock, silences, early, address, _data: data, _serving: AbortOnDropHandle::new(serving) }
    }

    /// Turns recording of a domain on.
    pub(super) async fn record(&self, domain: &str) {
        let settings = RecordingSettings { enabled: true, part_seconds: 5, bucket: "tapes".to_owned() };
        let change = RecordingChange::parse(settings).expect("settings");
        self.console.recordings.put(&Actor::cli(), domain, &change).await.expect("changed");
    }

    /// Adds a source; answers with its path and the secret that signs.
    pub(super) async fn add_source(&self, adapter: &str) -> (String, String) {
        let created = self.console.sources.create(&Actor::cli(), adapter, adapter, None).await.expect("created");
        (created.view.ingest_path.expect("a path"), created.secret.expose().to_owned())
    }

    /// Moves the clock to `at` and does what is overdue on the way.
    pub(super) async fn proceed_to(&self, at: i64) {
        self.look().await;
        while let Some(due) = self.console.streams.reap().await.expect("reaped") {
            if due > at {
                break;
            }
            self.clock.advance(due - self.clock.now());
        }
        while self.clock.now() < at {
            self.clock.advance((at - self.clock.now()).min(5_000));
            self.look().await;
        }
    }

    /// Forgets what a process that is started again does not know.
    pub(super) async fn forget(&self) {
        *self.silences.lock().await = Silences::default();
        *self.early.lock().await = EarlyWatch::default();
    }

    /// What the reaper does beside reaping.
    async fn look(&self) {
        let mut silences = self.silences.lock().await;
        self.console.streams.lose_silent(&mut silences).await.expect("watched");
        let mut early = self.early.lock().await;
        self.console.streams.settle_early(&mut early).await.expect("settled");
    }

    /// The bodies of all callbacks so far, in the order of their events.
    pub(super) async fn bodies(&self) -> Vec<Value> {
        let cli = Actor::cli();
        let page = PageRequest { number: 1, size: 1000 };
        let rows = self.console.deliveries.list(&cli, DeliveryFilter::default(), page).await.expect("a list").rows;
        let mut bodies = Vec::new();
        for row in rows.iter().rev() {
            let detail = self.console.deliveries.get(&cli, row.id).await.expect("a delivery");
            bodies.push(serde_json::from_str(&detail.body).expect("JSON"));
        }
        bodies
    }

    /// Each callback so far in a line: event, then what else it tells beside the names.
    pub(super) async fn told(&self) -> Vec<String> {
        self.bodies().await.iter().map(line).collect()
    }
}

fn line(body: &Value) -> String {
    let mut line =
        format!("{} {}", body["stream"].as_str().expect("a stream"), body["event"].as_str().expect("an event"));
    for (field, value) in body.as_object().expect("fields") {
        let value = value.as_str().expect("all values are strings");
        match field.as_str() {
            "domain" | "app" | "stream" | "event" => {}
            "status" if value == "success" => {}
            _ => line.push_str(&format!(" {field}={value}")),
        }
    }
    line
}

/// Asks `holds` of so many values of `strategy`, and of smaller ones when it does not hold.
pub(super) fn for_all<S: Strategy>(
    cases: u32,
    strategy: S,
    holds: impl AsyncFn(S::Value) -> Result<(), TestCaseError>,
) {
    // Seeds cannot be kept: the runner does not know the file of the test.
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let run = |value| block_in_place(|| Handle::current().block_on(holds(value)));
    if let Err(error) = TestRunner::new(config).run(&strategy, run) {
        panic!("{error}");
    }
}

//! How fast events become received callbacks, against the bare work of this machine in the same run.
//!
//! The **floor**: one bare SQLite (`synchronous=FULL`) transaction of three small rows a batch, and bare posts through the outgoing
//! client. The **run**: publishes reported by a source on many streams, each committed with its delivery, posted to a
//! receiver in this process, and its attempt recorded. Prints one JSON line; `make bench` keeps it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use callsheet::callbacks::CallbackChange;
use callsheet::callbacks::Dialect;
use callsheet::domains::NewDomain;
use callsheet::model::{Actor, CallbackKind, SourceId};
use callsheet::outbound::{AddressPolicy, CallbackAddress, Outbound, OutboundConfig, SystemResolver};
use callsheet::streams::{Hint, IngestSink, PushRequest, SessionKey};
use callsheet_server::config::{Config, Overrides};
use callsheet_server::startup::Application;
use futures::StreamExt;
use http::HeaderMap;
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// Events of the run.
const EVENTS: u64 = 4_000;
/// Reports at a time.
const CONCURRENCY: usize = 64;
/// How long each floor is measured.
const FLOOR_TIME: Duration = Duration::from_secs(3);

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let received = Arc::new(AtomicU64::new(0));
    let address = receiver(received.clone()).await?;
    let dir = tempfile::tempdir()?;
    let commits = bare_commits(dir.path()).await?;
    let posts = bare_posts(&address).await?;
    received.store(0, Ordering::Relaxed);
    let started = Instant::now();
    run(dir.path(), &address, &received).await?;
    let seconds = started.elapsed().as_secs_f64();
    let per_second = EVENTS as f64 / seconds;
    // One commit of the event and one of its attempt, at best shared by as many as are under way.
    let floor = 1.0 / (1.0 / posts + 2.0 / (commits * CONCURRENCY as f64));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let line = json!({
        "bench": "delivery", "engine": "sqlite", "events": EVENTS, "seconds": seconds, "deliveriesPerSecond": per_second,
        "floor": { "commitsPerSecond": commits, "postsPerSecond": posts, "deliveriesPerSecond": floor },
        "ratioToFloor": per_second / floor,
        "cores": std::thread::available_parallelism()?.get(), "loadAverage": load.split(' ').next(),
    });
    println!("{line}");
    Ok(())
}

async fn receiver(received: Arc<AtomicU64>) -> Outcome<String> {
    async fn count(State(received): State<Arc<AtomicU64>>) {
        received.fetch_add(1, Ordering::Relaxed);
    }
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = format!("http://{}/", listener.local_addr()?);
    let app = Router::new().route("/", post(count)).with_state(received);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

/// Commits a second of one row each, `synchronous=FULL`.
async fn bare_commits(dir: &std::path::Path) -> Outcome<f64> {
    let url = format!("sqlite://{}?mode=rwc", dir.join("floor.db").display());
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1).connect(&url).await?;
    for sql in
        ["pragma journal_mode = wal", "pragma synchronous = full", "create table t (id integer primary key, body text)"]
    {
        sqlx::query(sql).execute(&pool).await?;
    }
    let (started, mut commits) = (Instant::now(), 0_u64);
    while started.elapsed() < FLOOR_TIME {
        sqlx::query("insert into t (body) values ($1)").bind("x".repeat(350)).execute(&pool).await?;
        commits += 1;
    }
    Ok(commits as f64 / started.elapsed().as_secs_f64())
}

/// Posts a second through the outgoing client.
async fn bare_posts(address: &str) -> Outcome<f64> {
    let config = OutboundConfig { resolver: Arc::new(SystemResolver::new()?), extra_roots: Vec::new() };
    let outbound = Outbound::new(AddressPolicy::new(vec!["127.0.0.0/8".parse()?]), config)?;
    let address = CallbackAddress::parse(address)?;
    let (started, posts) = (Instant::now(), AtomicU64::new(0));
    futures::stream::iter(std::iter::repeat_n((), 10_000_000))
        .take_while(|()| std::future::ready(started.elapsed() < FLOOR_TIME))
        .for_each_concurrent(16, |()| async {
            let body = Bytes::from_static(&[b'x'; 350]);
            if outbound.post(&address, HeaderMap::new(), body, Duration::from_secs(5)).await.succeeded() {
                posts.fetch_add(1, Ordering::Relaxed);
            }
        })
        .await;
    Ok(posts.into_inner() as f64 / started.elapsed().as_secs_f64())
}

async fn run(dir: &std::path::Path, address: &str, received: &AtomicU64) -> Outcome<()> {
    let mut config = Config::load(&Overrides::default())?;
    config.data_dir = dir.to_path_buf();
    config.database_url = format!("sqlite://{}", dir.join("callsheet.db").display());
    config.http = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.rtmp = None;
    config.allowed_networks = vec!["127.0.0.0/8".parse()?];
    let application = Application::build(config).await?;
    let console = application.console().clone();
    let actor = Actor::cli();
    console.domains.create(&actor, NewDomain::parse("push.example.com", &["play.example.com"])?).await?;
    let change = CallbackChange {
        enabled: true,
        address: Some(CallbackAddress::parse(address)?),
        dialect: Dialect::V1_0,
        ordered: true,
        timeout_seconds: 15,
        headers: Vec::new(),
    };
    console.callbacks.put(&actor, "push.example.com", CallbackKind::Publish, change).await?;
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(application.run(shutdown.clone()));
    futures::stream::iter(0..EVENTS)
        .for_each_concurrent(CONCURRENCY, |n| {
            let streams = console.streams.clone();
            async move {
                let push = PushRequest {
                    source: SourceId(1),
                    hosts: vec!["push.example.com".to_owned()],
                    app: "live".to_owned(),
                    stream: format!("room_{n}"),
                    client: None,
                    params: Vec::new(),
                };
                let push = streams.admit(push).await.expect("admitted");
                let key = SessionKey { source: SourceId(1), boot: "bench".to_owned(), key: n.to_string() };
                streams.report(&key, Hint::Started { at: n.cast_signed(), push }).await.expect("committed");
            }
        })
        .await;
    while received.load(Ordering::Relaxed) < EVENTS {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    shutdown.cancel();
    server.await??;
    Ok(())
}

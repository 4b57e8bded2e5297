//! A running ingest whose sink records all calls.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use callsheet::model::{AppName, DomainId, DomainName, SourceId, StoreError, StreamName, SystemClock};
use callsheet::streams::{
    Admitted, ClosedPart, IngestSink, PushRequest, RecordingPlan, Refused, SessionKey, SourceEvent, StreamError,
};
use callsheet_server::buckets::Buckets;
use callsheet_server::ingest_source::{IngestSource, Publishers};
use callsheet_server::rtmp::{RtmpConfig, RtmpIngest};
use jiff::tz::TimeZone;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::media::Pusher;

/// Timeout of every wait.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Admits every stream of a valid domain except `forbidden`, and records all calls.
pub(super) struct RecordingSink {
    recording: Option<RecordingPlan>,
    pub(super) pushes: Mutex<Vec<PushRequest>>,
    pub(super) events: watch::Sender<Vec<(String, SourceEvent)>>,
    /// Rejects all reports, like a sink without its database.
    pub(super) is_unavailable: AtomicBool,
}

#[async_trait]
impl IngestSink for RecordingSink {
    async fn admit(&self, push: PushRequest) -> Result<Admitted, Refused> {
        self.pushes.lock().expect("lock").push(push.clone());
        let refused = |reason: &str| Refused { code: "forbidden", reason: reason.to_owned() };
        if push.stream == "forbidden" {
            return Err(refused("this stream is forbidden"));
        }
        let domain = push.hosts.iter().find_map(|host| DomainName::parse(host).ok());
        Ok(Admitted {
            domain_id: DomainId(1),
            domain: domain.ok_or_else(|| refused("no domain"))?,
            app: AppName::parse(&push.app).map_err(|_| refused("bad app"))?,
            stream: StreamName::parse(&push.stream).map_err(|_| refused("bad stream"))?,
            client: push.client,
            params: push.params,
            recording: self.recording.clone(),
        })
    }

    async fn hold(&self, _: &SessionKey, _: &Admitted) -> Result<(), Refused> {
        Ok(())
    }

    async fn release(&self, _: &SessionKey) -> Result<(), StreamError> {
        Ok(())
    }

    /// Every run left session 99 open.
    async fn end_runs(&self, source: SourceId, boots: &[String]) -> Result<Vec<SessionKey>, StreamError> {
        Ok(boots.iter().map(|boot| SessionKey { source, boot: boot.clone(), key: "99".to_owned() }).collect())
    }

    async fn report(&self, key: &SessionKey, event: SourceEvent) -> Result<(), StreamError> {
        assert_eq!(key.source, SourceId(7));
        if self.is_unavailable.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("unavailable".into()).into());
        }
        self.events.send_modify(|events| events.push((key.key.clone(), event)));
        Ok(())
    }
}

/// Returns the default configuration.
pub(super) fn config(data: &Path, listen: SocketAddr) -> RtmpConfig {
    RtmpConfig {
        listen,
        source: SourceId(7),
        boot: "boot".to_owned(),
        data_dir: data.to_owned(),
        buckets: Buckets::new(data, Default::default()),
        time_zone: TimeZone::UTC,
        publish_within: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(30),
        upload_for: Duration::ZERO,
        heartbeat: Duration::from_secs(10),
        clock: Arc::new(SystemClock),
    }
}

/// A running ingest with its own data folder.
pub(super) struct TestServer {
    pub(super) data: tempfile::TempDir,
    pub(super) sink: Arc<RecordingSink>,
    pub(super) address: SocketAddr,
    pub(super) publishers: Arc<dyn Publishers>,
    pub(super) shutdown: CancellationToken,
    pub(super) serving: JoinHandle<()>,
}

impl TestServer {
    pub(super) async fn start(part_seconds: Option<u32>) -> Self {
        Self::start_with(part_seconds, |_| {}).await
    }

    pub(super) async fn start_with(part_seconds: Option<u32>, change: impl FnOnce(&mut RtmpConfig)) -> Self {
        Self::start_on(tempfile::tempdir().expect("folder"), part_seconds, change).await
    }

    /// Starts on an existing data folder.
    pub(super) async fn start_on(
        data: tempfile::TempDir,
        part_seconds: Option<u32>,
        change: impl FnOnce(&mut RtmpConfig),
    ) -> Self {
        let mut config = config(data.path(), SocketAddr::from(([127, 0, 0, 1], 0)));
        if config.data_dir.join("parts").exists() {
            config.boot = format!("later{:08x}", rand::random::<u32>());
        }
        change(&mut config);
        let ingest = Box::new(RtmpIngest::bind(config).await.expect("listening"));
        let (address, publishers) = (ingest.local_addr(), ingest.publishers());
        let sink = Arc::new(RecordingSink {
            recording: part_seconds.map(|part_seconds| RecordingPlan { part_seconds, bucket: "tapes".to_owned() }),
            pushes: Mutex::default(),
            events: watch::Sender::default(),
            is_unavailable: AtomicBool::new(false),
        });
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(ingest.run(Arc::clone(&sink) as Arc<dyn IngestSink>, shutdown.clone()));
        Self { data, sink, address, publishers, shutdown, serving }
    }

    /// Starts an ffmpeg that pushes `stream` (with query) to `domain` over loopback.
    pub(super) fn push(&self, domain: &str, stream: &str, parts: &[&[&str]]) -> Pusher {
        Pusher::start(self.address, domain, stream, parts)
    }

    /// Waits for a matching event of a session. Returns all events of that session so far.
    pub(super) async fn until(&self, session: &str, is_match: impl Fn(&SourceEvent) -> bool) -> Vec<SourceEvent> {
        let of_session = |events: &Vec<(String, SourceEvent)>| {
            events.iter().filter(|(key, _)| key == session).map(|(_, event)| event.clone()).collect::<Vec<_>>()
        };
        let mut events = self.sink.events.subscribe();
        let wait = events.wait_for(|events| of_session(events).iter().any(&is_match));
        match timeout(PATIENCE, wait).await {
            Ok(events) => of_session(&events.expect("the sink exists")),
            Err(_) => panic!("timed out; events so far: {:#?}", self.sink.events.borrow()),
        }
    }

    pub(super) async fn until_ended(&self, session: &str) -> Vec<SourceEvent> {
        self.until(session, |event| matches!(event, SourceEvent::Ended { .. })).await
    }

    pub(super) fn file(&self, part: &ClosedPart) -> PathBuf {
        self.data.path().join("buckets").join(part.location.as_ref().expect("a location"))
    }

    pub(super) fn files_in_parts_folder(&self) -> usize {
        let Ok(entries) = std::fs::read_dir(self.data.path().join("parts")) else { return 0 };
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths
            .filter(|path| path.extension().is_none_or(|extension| extension != "lock" && extension != "session"))
            .count()
    }

    pub(super) async fn shut_down(self) {
        self.shutdown.cancel();
        timeout(PATIENCE, self.serving).await.expect("stops in time").expect("no panic");
    }
}

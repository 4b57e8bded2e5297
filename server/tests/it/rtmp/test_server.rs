//! A serving ingest, an ffmpeg that pushes to it, and a sink that writes down what it is told.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use callsheet::model::{AppName, DomainId, DomainName, SourceId, StoreError, StreamName, SystemClock};
use callsheet::streams::{
    Admitted, ClosedPart, Hint, IngestSink, PushRequest, RecordingPlan, Refused, SessionKey, StreamError,
};
use callsheet_server::buckets::Buckets;
use callsheet_server::rtmp::{IngestSource, Publishers, RtmpConfig, RtmpIngest};
use jiff::tz::TimeZone;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::media::Pusher;

/// Nothing here takes so long; a test that waits for what never comes fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Admits whatever names a domain, except the stream `forbidden`, and keeps every hint.
pub(super) struct Notebook {
    recording: Option<RecordingPlan>,
    pub(super) asked: Mutex<Vec<PushRequest>>,
    pub(super) hints: watch::Sender<Vec<(String, Hint)>>,
    /// It takes no report, as when its database is away.
    pub(super) is_away: AtomicBool,
}

#[async_trait]
impl IngestSink for Notebook {
    async fn admit(&self, push: PushRequest) -> Result<Admitted, Refused> {
        self.asked.lock().expect("lock").push(push.clone());
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

    /// Each run left the session 99 open.
    async fn end_runs(&self, source: SourceId, boots: &[String]) -> Result<Vec<SessionKey>, StreamError> {
        Ok(boots.iter().map(|boot| SessionKey { source, boot: boot.clone(), key: "99".to_owned() }).collect())
    }

    async fn report(&self, key: &SessionKey, hint: Hint) -> Result<(), StreamError> {
        assert_eq!(key.source, SourceId(7));
        if self.is_away.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("away".into()).into());
        }
        self.hints.send_modify(|hints| hints.push((key.key.clone(), hint)));
        Ok(())
    }
}

/// The usual settings.
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

/// A serving ingest with its own data folder.
pub(super) struct Stage {
    pub(super) data: tempfile::TempDir,
    pub(super) book: Arc<Notebook>,
    pub(super) address: SocketAddr,
    pub(super) publishers: Arc<dyn Publishers>,
    pub(super) shutdown: CancellationToken,
    pub(super) serving: JoinHandle<()>,
}

impl Stage {
    pub(super) async fn set(part_seconds: Option<u32>) -> Self {
        Self::set_with(part_seconds, |_| {}).await
    }

    pub(super) async fn set_with(part_seconds: Option<u32>, change: impl FnOnce(&mut RtmpConfig)) -> Self {
        Self::set_on(tempfile::tempdir().expect("folder"), part_seconds, change).await
    }

    /// On the data of another.
    pub(super) async fn set_on(
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
        let book = Arc::new(Notebook {
            recording: part_seconds.map(|part_seconds| RecordingPlan { part_seconds, bucket: "tapes".to_owned() }),
            asked: Mutex::default(),
            hints: watch::Sender::default(),
            is_away: AtomicBool::new(false),
        });
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(ingest.run(Arc::clone(&book) as Arc<dyn IngestSink>, shutdown.clone()));
        Self { data, book, address, publishers, shutdown, serving }
    }

    /// An ffmpeg that pushes `stream` (with query) to `domain` over loopback.
    pub(super) fn push(&self, domain: &str, stream: &str, parts: &[&[&str]]) -> Pusher {
        Pusher::start(self.address, domain, stream, parts)
    }

    /// Waits until a hint of the session fits, and answers with all hints of that session so far.
    pub(super) async fn until(&self, session: &str, fits: impl Fn(&Hint) -> bool) -> Vec<Hint> {
        let of_session = |hints: &Vec<(String, Hint)>| {
            hints.iter().filter(|(key, _)| key == session).map(|(_, hint)| hint.clone()).collect::<Vec<_>>()
        };
        let mut hints = self.book.hints.subscribe();
        let wait = hints.wait_for(|hints| of_session(hints).iter().any(&fits));
        match timeout(PATIENCE, wait).await {
            Ok(hints) => of_session(&hints.expect("the sink is there")),
            Err(_) => panic!("still waiting; told so far: {:#?}", self.book.hints.borrow()),
        }
    }

    pub(super) async fn until_ended(&self, session: &str) -> Vec<Hint> {
        self.until(session, |hint| matches!(hint, Hint::Ended { .. })).await
    }

    pub(super) fn file(&self, part: &ClosedPart) -> PathBuf {
        self.data.path().join("buckets").join(part.location.as_ref().expect("a location"))
    }

    pub(super) fn left_in_parts_folder(&self) -> usize {
        let Ok(entries) = std::fs::read_dir(self.data.path().join("parts")) else { return 0 };
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths
            .filter(|path| path.extension().is_none_or(|extension| extension != "lock" && extension != "session"))
            .count()
    }

    pub(super) async fn close(self) {
        self.shutdown.cancel();
        timeout(PATIENCE, self.serving).await.expect("stops in time").expect("no panic");
    }
}

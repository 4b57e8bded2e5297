//! What all connections share, and how a publish begins.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use callsheet::model::{Clock, SourceId};
use callsheet::streams::{IngestSink, PushRequest, Refused, SessionKey};
use jiff::tz::TimeZone;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::live_streams::Live;
use super::memory_pool::Memory;
use super::pending_connections::Waiting;
use super::session::{Input, Session};
use crate::buckets::Buckets;

/// What the ingest needs to know.
#[derive(Clone)]
pub struct RtmpConfig {
    /// Port 0 takes any free port.
    pub listen: SocketAddr,
    /// The built-in source.
    pub source: SourceId,
    /// Names this run of the process: letters and digits, for it is part of file names.
    pub boot: String,
    /// Parts are written below its `parts` until they are in their bucket.
    pub data_dir: PathBuf,
    pub buckets: Buckets,
    /// In which the names of recordings tell the time.
    pub time_zone: TimeZone,
    /// Deadline for a new connection to have a publish accepted. Usually 10 s.
    pub publish_within: Duration,
    /// A publisher who sends no media for so long is dropped; whole seconds. 30 s is usual.
    pub idle_timeout: Duration,
    /// Time after which a failing upload is given up. Usually days.
    pub upload_for: Duration,
    /// How often a live publish is told to be alive. 10 s is usual.
    pub heartbeat: Duration,
    pub clock: Arc<dyn Clock>,
}

impl RtmpConfig {
    pub(super) fn parts_folder(&self) -> PathBuf {
        self.data_dir.join("parts")
    }
}

impl fmt::Debug for RtmpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtmpConfig").field("listen", &self.listen).field("source", &self.source).finish_non_exhaustive()
    }
}

/// What all connections share.
pub(super) struct Ingest {
    pub(super) config: Arc<RtmpConfig>,
    pub(super) sink: Arc<dyn IngestSink>,
    pub(super) live: Arc<Live>,
    pub(super) waiting: Arc<Waiting>,
    pub(super) memory: Memory,
    /// One permit for each publisher.
    pub(super) free: Arc<Semaphore>,
    /// Cancelled when the process stops.
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
    pub(super) publishes: AtomicU64,
}

/// A publish that was accepted.
pub(super) struct Begun {
    /// Cancelled when the stream may be published again.
    pub(super) released: CancellationToken,
}

impl Ingest {
    /// Asks for admission and begins a session.
    pub(super) async fn begin(
        self: &Arc<Self>,
        push: PushRequest,
        connection: CancellationToken,
        input: mpsc::Receiver<Input>,
    ) -> Result<Begun, Refused> {
        let push = self.sink.admit(push).await?;
        let lock = self.live.lock(&push.domain, &push.app, &push.stream, connection.clone());
        let lock = lock.ok_or_else(Refused::already_live)?;
        let key = SessionKey {
            source: self.config.source,
            boot: self.config.boot.clone(),
            key: (self.publishes.fetch_add(1, Ordering::Relaxed) + 1).to_string(),
        };
        self.sink.hold(&key, &push).await?;
        lock.is_held_for(key.key.clone());
        let released = lock.released();
        let (session, reporter) = Session::new(self, key, push, lock, connection, input);
        self.tasks.spawn(session.run());
        self.tasks.spawn(reporter);
        Ok(Begun { released })
    }
}

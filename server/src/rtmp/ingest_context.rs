//! State shared by all connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use callsheet::streams::{IngestSink, PushRequest, Refused, SessionKey};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::RtmpConfig;
use super::live_streams::LiveStreams;
use super::memory_pool::MemoryPool;
use super::pending_connections::PendingConnections;
use super::session::{Session, SessionInput};

/// Everything that connections and sessions need.
pub(super) struct IngestContext {
    pub(super) config: Arc<RtmpConfig>,
    pub(super) sink: Arc<dyn IngestSink>,
    pub(super) live: Arc<LiveStreams>,
    pub(super) pending: Arc<PendingConnections>,
    pub(super) memory: MemoryPool,
    /// One permit per publisher.
    pub(super) publisher_permits: Arc<Semaphore>,
    /// Cancelled at shutdown.
    pub(super) shutdown: CancellationToken,
    pub(super) tasks: TaskTracker,
    pub(super) session_count: AtomicU64,
}

impl IngestContext {
    /// Requests admission and starts a session. Returns a token that is cancelled when the stream can be published again.
    pub(super) async fn start_session(
        self: &Arc<Self>,
        push: PushRequest,
        connection: CancellationToken,
        input: mpsc::Receiver<SessionInput>,
    ) -> Result<CancellationToken, Refused> {
        let push = self.sink.admit(push).await?;
        let lock = self.live.lock(&push.domain, &push.app, &push.stream, connection.clone());
        let lock = lock.ok_or_else(Refused::already_live)?;
        let key = SessionKey {
            source: self.config.source,
            boot: self.config.boot.clone(),
            key: (self.session_count.fetch_add(1, Ordering::Relaxed) + 1).to_string(),
        };
        self.sink.hold(&key, &push).await?;
        lock.set_session(key.key.clone());
        let released = lock.released();
        let (session, reporter) = Session::new(self, key, push, lock, connection, input);
        self.tasks.spawn(session.run());
        self.tasks.spawn(reporter);
        Ok(released)
    }
}

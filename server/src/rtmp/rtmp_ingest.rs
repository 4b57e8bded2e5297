//! The listener.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_trait::async_trait;
use callsheet::streams::IngestSink;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::RtmpConfig;
use super::connection::Connection;
use super::ingest_context::IngestContext;
use super::interrupted_runs::recover_forever;
use super::live_streams::LiveStreams;
use super::memory_pool::MemoryPool;
use super::pending_connections::PendingConnections;
use super::run_lock::RunLock;
use crate::ingest_source::{IngestSource, Publishers};

/// Maximum number of simultaneous publishers.
const MAX_PUBLISHERS: usize = 1000;
/// How long a shutdown waits until all publishes have ended.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(9);
/// How long a start waits for the recovery of earlier runs before it accepts publishers.
const RECOVERY_WAIT: Duration = Duration::from_secs(5);
/// Pause after a failed accept, for example because of too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An error that prevents the ingest from listening.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("port {port} is in use: another program listens on {0}, or this console runs already", port = .0.port())]
    InUse(SocketAddr),
    #[error("this user may not listen on {0}; choose a port from 1024")]
    Denied(SocketAddr),
    #[error("cannot use the folder of recorded parts, {}", folder.display())]
    Parts {
        folder: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("cannot listen on {address}")]
    Other {
        address: SocketAddr,
        #[source]
        cause: io::Error,
    },
}

/// The built-in ingest, listening but not yet serving.
#[derive(Debug)]
pub struct RtmpIngest {
    listener: TcpListener,
    address: SocketAddr,
    config: Arc<RtmpConfig>,
    live: Arc<LiveStreams>,
    /// Shows other runs that this one has not ended.
    lock: RunLock,
}

impl RtmpIngest {
    /// Opens the port and locks the run.
    ///
    /// # Errors
    /// The port or the folder of parts cannot be used.
    pub async fn bind(config: RtmpConfig) -> Result<Self, ListenError> {
        let address = config.listen;
        let failed = |cause: io::Error| match cause.kind() {
            io::ErrorKind::AddrInUse => ListenError::InUse(address),
            io::ErrorKind::PermissionDenied => ListenError::Denied(address),
            _ => ListenError::Other { address, cause },
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let folder = config.parts_folder();
        let boot = config.boot.clone();
        let lock = move || {
            std::fs::create_dir_all(&folder)?;
            RunLock::take(&folder, &boot)?.ok_or_else(|| io::Error::other("another process holds the lock of this run"))
        };
        let lock = tokio::task::spawn_blocking(lock).await.map_err(io::Error::other).flatten();
        let lock = lock.map_err(|cause| ListenError::Parts { folder: config.parts_folder(), cause })?;
        Ok(Self { listener, address, config: Arc::new(config), live: Arc::default(), lock })
    }
}

#[async_trait]
impl IngestSource for RtmpIngest {
    fn local_addr(&self) -> SocketAddr {
        self.address
    }

    fn boot(&self) -> &str {
        &self.config.boot
    }

    fn publishers(&self) -> Arc<dyn Publishers> {
        Arc::clone(&self.live) as Arc<dyn Publishers>
    }

    async fn run(self: Box<Self>, sink: Arc<dyn IngestSink>, shutdown: CancellationToken) {
        let Self { listener, address, config, live, lock } = *self;
        let tasks = TaskTracker::new();
        let context = Arc::new(IngestContext {
            config,
            sink,
            live,
            pending: Arc::new(PendingConnections::new()),
            memory: MemoryPool::new(),
            publisher_permits: Arc::new(Semaphore::new(MAX_PUBLISHERS)),
            shutdown: shutdown.clone(),
            tasks: tasks.clone(),
            session_count: AtomicU64::new(0),
        });
        tracing::info!(%address, "listening for RTMP publishers");
        let recovered = Notify::new();
        let accept = async {
            // Release the streams of a killed run before their publishers reconnect.
            let _ = timeout(RECOVERY_WAIT, recovered.notified()).await;
            accept(&context, &listener, &shutdown).await;
        };
        let serve = async { tokio::join!(recover_forever(&context, &recovered), accept) };
        shutdown.run_until_cancelled(serve).await;
        drop(listener);
        tasks.close();
        if timeout(SHUTDOWN_TIMEOUT, tasks.wait()).await.is_err() {
            tracing::warn!(
                remaining = tasks.len(),
                "failed to report the end of some publishes before shutdown; the next run reports them"
            );
        }
        drop(lock);
    }
}

/// Accepts connections and starts a task for each.
async fn accept(context: &Arc<IngestContext>, listener: &TcpListener, shutdown: &CancellationToken) {
    loop {
        let (socket, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "failed to accept an RTMP connection; retrying");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%peer, %error, "failed to set TCP_NODELAY");
        }
        let connection = Connection::new(Arc::clone(context), socket, peer, shutdown.child_token());
        context.tasks.spawn(connection.run());
    }
}

//! Listens, and gives each connection its task.

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

use super::connection::Connection;
use super::ingest_context::{Ingest, RtmpConfig};
use super::interrupted_runs::keep_taking_up;
use super::live_streams::Live;
use super::memory_pool::Memory;
use super::pending_connections::Waiting;
use super::run_lock::RunLock;
use super::{IngestSource, Publishers};

/// Most publishers at a time.
const MOST_PUBLISHERS: usize = 1000;
/// How long the ends of all publishes may take when the console stops.
const SHUTDOWN_WAITS: Duration = Duration::from_secs(9);
/// Time that publishers wait at the start until the streams of an earlier run are free.
const TAKE_UP_WITHIN: Duration = Duration::from_secs(5);
/// Pause after the system refused a new connection, such as for lack of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the ingest cannot listen.
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
    live: Arc<Live>,
    /// Tells others that this run is not over.
    lock: RunLock,
}

impl RtmpIngest {
    /// Takes the port.
    ///
    /// # Errors
    /// [`ListenError`], before anything is served.
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
            RunLock::take(&folder, &boot)?.ok_or_else(|| io::Error::other("another process has the lock of this run"))
        };
        let lock = tokio::task::spawn_blocking(lock).await.map_err(io::Error::other).flatten();
        let lock = lock.map_err(|cause| ListenError::Parts { folder: config.parts_folder(), cause })?;
        Ok(Self { listener, address, config: Arc::new(config), live: Arc::new(Live::default()), lock })
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
        let ingest = Arc::new(Ingest {
            config,
            sink,
            live,
            waiting: Arc::new(Waiting::new()),
            memory: Memory::new(),
            free: Arc::new(Semaphore::new(MOST_PUBLISHERS)),
            stop: shutdown.clone(),
            tasks: tasks.clone(),
            publishes: AtomicU64::new(0),
        });
        tracing::info!(%address, "listening for RTMP publishers");
        let has_taken_up = Notify::new();
        let accept = async {
            // The streams of a run that was killed are to be free before they are published again.
            let _ = timeout(TAKE_UP_WITHIN, has_taken_up.notified()).await;
            accept(&ingest, &listener, &shutdown).await;
        };
        let serve = async { tokio::join!(keep_taking_up(&ingest, &has_taken_up), accept) };
        shutdown.run_until_cancelled(serve).await;
        drop(listener);
        tasks.close();
        if timeout(SHUTDOWN_WAITS, tasks.wait()).await.is_err() {
            tracing::warn!(
                left = tasks.len(),
                "the ends of some publishes could not be reported; the next run reports them"
            );
        }
        drop(lock);
    }
}

/// Gives each connection a task.
async fn accept(ingest: &Arc<Ingest>, listener: &TcpListener, shutdown: &CancellationToken) {
    loop {
        let (socket, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept an RTMP connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%peer, %error, "cannot set an option of a connection");
        }
        let connection = Connection::new(Arc::clone(ingest), socket, peer, shutdown.child_token());
        ingest.tasks.spawn(connection.run());
    }
}

//! Pool of idle connections.
//!
//! A [`Connection`] has no background task. If the receiver closes an idle one, [`Pool::take`] notices.
//!
//! This is not the pool of `hyper-util`: connections must go to an IP address that was checked before, and their phases are measured.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

/// Plain TCP, or TLS over TCP.
pub(super) type Stream = Either<TcpStream, TlsStream<TcpStream>>;

/// Maximum number of idle connections per origin. Many callbacks may share an origin, each with its own requests in flight.
const MAX_IDLE_PER_ORIGIN: usize = 256;
/// Shorter than the keep-alive time of common servers (60 to 75 s), so that usually the console closes first.
const MAX_IDLE: Duration = Duration::from_secs(30);
/// Busy connections are replaced after this time, so that a changed DNS record takes effect.
const MAX_AGE: Duration = Duration::from_secs(300);

/// An HTTP/1.1 connection to a checked IP address. Dropping it closes the socket.
pub(super) struct Connection {
    pub(super) peer: SocketAddr,
    pub(super) stream: Stream,
    opened_at: Instant,
}

impl Connection {
    pub(super) fn new(stream: Stream, peer: SocketAddr) -> Self {
        Self { peer, stream, opened_at: Instant::now() }
    }

    pub(super) async fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request).await?;
        self.stream.flush().await
    }

    /// Returns whether nothing arrived since the last response: neither the end of the stream nor unexpected bytes.
    async fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        poll_fn(|cx| {
            let mut byte = ReadBuf::new(&mut byte);
            Poll::Ready(Pin::new(&mut self.stream).poll_read(cx, &mut byte).is_pending())
        })
        .await
    }
}

struct Idle {
    connection: Box<Connection>,
    since: Instant,
}

/// Idle connections by origin. The most recently used one is reused first, so that surplus ones expire.
#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<IdleConnections>,
}

#[derive(Default)]
struct IdleConnections {
    by_origin: HashMap<Arc<str>, Vec<Idle>>,
    /// The sweep task is running. It ends when no connection is left.
    is_swept: bool,
}

impl Pool {
    /// Takes an idle connection to `origin` that is still open.
    pub(super) async fn take(&self, origin: &str) -> Option<Box<Connection>> {
        loop {
            let mut connection = self.lock().by_origin.get_mut(origin)?.pop()?.connection;
            if connection.opened_at.elapsed() < MAX_AGE && connection.is_quiet().await {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next request.
    pub(super) fn keep(self: &Arc<Self>, origin: &Arc<str>, connection: Box<Connection>) {
        let mut idle = self.lock();
        let connections = match idle.by_origin.get_mut(origin) {
            Some(connections) => connections,
            None => idle.by_origin.entry(Arc::clone(origin)).or_default(),
        };
        if connections.len() < MAX_IDLE_PER_ORIGIN {
            connections.push(Idle { connection, since: Instant::now() });
        }
        if !idle.is_swept {
            idle.is_swept = true;
            tokio::spawn(sweep_while_kept(Arc::downgrade(self)));
        }
    }

    /// Closes expired connections. Returns `false` if none is left.
    pub(super) fn sweep(&self, now: Instant) -> bool {
        let mut idle = self.lock();
        idle.by_origin.retain(|_, connections| {
            connections.retain(|one| now.saturating_duration_since(one.since) < MAX_IDLE);
            !connections.is_empty()
        });
        idle.is_swept = !idle.by_origin.is_empty();
        idle.is_swept
    }

    fn lock(&self) -> MutexGuard<'_, IdleConnections> {
        // The map stays consistent if a holder of the lock panics.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sweep_while_kept(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(MAX_IDLE / 3).await;
        match pool.upgrade() {
            Some(pool) if pool.sweep(Instant::now()) => {}
            _ => return,
        }
    }
}

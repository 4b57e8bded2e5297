//! Connections, and those kept for the next request.
//!
//! A [`Link`] has no task of its own. In the [`Pool`] it only waits; that the receiver closed it meanwhile shows when it is taken out.

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

/// Plain TCP or TLS on it.
pub(super) type Stream = Either<TcpStream, TlsStream<TcpStream>>;

/// Kept per origin. Many callbacks may share an origin, each with its own requests in flight.
const MAX_IDLE_PER_ORIGIN: usize = 256;
/// Shorter than the keep-alive time of common servers (60 to 75 s), so that we mostly close first.
const MAX_IDLE: Duration = Duration::from_secs(30);
/// A connection in steady use is renewed after this time, so that a changed DNS record takes effect.
const MAX_AGE: Duration = Duration::from_secs(300);

/// An HTTP/1.1 connection to a checked IP address. Dropping it closes the socket.
pub(super) struct Link {
    pub(super) peer: SocketAddr,
    pub(super) stream: Stream,
    born: Instant,
}

impl Link {
    pub(super) fn new(stream: Stream, peer: SocketAddr) -> Self {
        Self { peer, stream, born: Instant::now() }
    }

    pub(super) async fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request).await?;
        self.stream.flush().await
    }

    /// Returns whether nothing came since the last answer: no end, and no bytes that nobody asked for.
    async fn is_quiet(&mut self) -> bool {
        let mut byte = [0];
        poll_fn(|cx| {
            let mut byte = ReadBuf::new(&mut byte);
            Poll::Ready(Pin::new(&mut self.stream).poll_read(cx, &mut byte).is_pending())
        })
        .await
    }
}

/// A link that waits, since when.
struct Idle {
    link: Box<Link>,
    since: Instant,
}

/// Kept connections by origin; of each the youngest is used first, so that the rest can grow old.
#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    links: HashMap<Arc<str>, Vec<Idle>>,
    /// Whether the task that sweeps is running; it ends when nothing is kept.
    swept: bool,
}

impl Pool {
    /// A kept connection to `origin` that still stands.
    pub(super) async fn take(&self, origin: &str) -> Option<Box<Link>> {
        loop {
            let mut link = self.lock().links.get_mut(origin)?.pop()?.link;
            if link.born.elapsed() < MAX_AGE && link.is_quiet().await {
                return Some(link);
            }
        }
    }

    /// Keeps a connection for the next request.
    pub(super) fn keep(self: &Arc<Self>, origin: &Arc<str>, link: Box<Link>) {
        let mut shelf = self.lock();
        let links = match shelf.links.get_mut(origin) {
            Some(links) => links,
            None => shelf.links.entry(Arc::clone(origin)).or_default(),
        };
        if links.len() < MAX_IDLE_PER_ORIGIN {
            links.push(Idle { link, since: Instant::now() });
        }
        if !shelf.swept {
            shelf.swept = true;
            tokio::spawn(sweep_while_kept(Arc::downgrade(self)));
        }
    }

    /// Closes what has waited too long at `now`; false when nothing is left.
    pub(super) fn sweep(&self, now: Instant) -> bool {
        let mut shelf = self.lock();
        shelf.links.retain(|_, links| {
            links.retain(|idle| now.saturating_duration_since(idle.since) < MAX_IDLE);
            !links.is_empty()
        });
        shelf.swept = !shelf.links.is_empty();
        shelf.swept
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        // A panic elsewhere leaves the map whole.
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

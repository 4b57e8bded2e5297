//! Connections, and those kept for the next request.
//!
//! A [`Link`] has no task of its own: who uses it drives it. In the [`Pool`] it only waits; that the receiver closed
//! it meanwhile shows when it is taken out.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

/// Plain TCP or TLS on it.
pub(super) type Stream = Either<TcpStream, TlsStream<TcpStream>>;

/// Headers of an answer beyond this size fail the exchange. The size is looked at before each read, so what one read
/// brings beyond it, at most as much again, still counts.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Kept per origin. Many callbacks may share an origin, each with its own requests in flight.
const MAX_IDLE_PER_ORIGIN: usize = 256;
/// Shorter than the keep-alive time of common servers (60 to 75 s), so that we mostly close first.
const MAX_IDLE: Duration = Duration::from_secs(30);
/// A connection in steady use is renewed after this time, so that a changed DNS record takes effect.
const MAX_AGE: Duration = Duration::from_secs(300);

/// An HTTP/1.1 connection to a checked IP address. Dropping it closes the socket.
pub(super) struct Link {
    pub(super) peer: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
    connection: Connection<TokioIo<Stream>, Full<Bytes>>,
    open: bool,
    born: Instant,
}

impl Link {
    pub(super) async fn new(stream: Stream, peer: SocketAddr) -> Result<Self, hyper::Error> {
        let (sender, connection) =
            Builder::new().max_buf_size(MAX_HEADER_BYTES).handshake(TokioIo::new(stream)).await?;
        Ok(Self { peer, sender, connection, open: true, born: Instant::now() })
    }

    /// Writes the request; the answer comes by [`Self::drive`].
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> impl Future<Output = Result<Response<Incoming>, hyper::Error>> + use<> {
        let answer = self.sender.send_request(request);
        self.turn().await;
        answer
    }

    /// Works on the connection until `future` is ready; `None` when the connection ended and left it hanging.
    pub(super) async fn drive<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            if self.open && Pin::new(&mut self.connection).poll(cx).is_ready() {
                self.open = false;
            }
            match future.as_mut().poll(cx) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if self.open => Poll::Pending,
                Poll::Pending => Poll::Ready(None),
            }
        })
        .await
    }

    /// Whether the connection can take another request now.
    pub(super) async fn is_ready(&mut self) -> bool {
        self.turn().await;
        self.open && self.sender.is_ready()
    }

    /// One turn of the connection's state machine: writes what is to be written, sees what came.
    async fn turn(&mut self) {
        poll_fn(|cx| {
            if self.open && Pin::new(&mut self.connection).poll(cx).is_ready() {
                self.open = false;
            }
            Poll::Ready(())
        })
        .await;
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
            if link.born.elapsed() < MAX_AGE && link.is_ready().await {
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

//! Accepts connections and answers their requests. HTTP/1 only: a proxy in front speaks the rest.
//!
//! **Limits.** Connections get half of the file handles that the process may have; the rest is for callbacks, recordings and the ingest. One
//! network gets a quarter of them, unless it is that of a trusted proxy. What comes beyond is closed.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use callsheet::model::network_of;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use ipnet::IpNet;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// A client that needs longer for the head of a request, or for the next one, is disconnected.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Wait after a failed accept. The usual cause is that the process has no file handle left.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// Connections at most, however many file handles there are.
const MOST_CONNECTIONS: usize = 10_000;

/// Answers until `shutdown`, then finishes the requests in flight. Dropped, it drops all connections.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    trusted_proxies: Arc<[IpNet]>,
    shutdown: CancellationToken,
) {
    let mut http1 = http1::Builder::new();
    http1.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let in_flight = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let places = Arc::new(Places::new(trusted_proxies));
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let (stream, client) = match accepted {
            Ok(accepted) => accepted,
            // The client has gone again.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => continue,
            Err(error) => {
                tracing::warn!(%error, "cannot accept HTTP connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = places.take(client.ip()) else {
            metrics::counter!("callsheet_http_connections_refused_total").increment(1);
            continue;
        };
        // Without it a streamed page waits 40 ms for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(client));
            router.clone().oneshot(request.map(Body::new))
        });
        let connection = in_flight.watch(http1.serve_connection(TokioIo::new(stream), service));
        connections.spawn(async move {
            // Its errors are the client's.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    in_flight.shutdown().await;
}

/// Counts connections by network.
struct Places {
    most: usize,
    trusted_proxies: Arc<[IpNet]>,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    count: usize,
    by_network: HashMap<String, usize>,
}

/// A counted connection; dropping this frees its place.
struct Place {
    places: Arc<Places>,
    network: String,
}

impl Places {
    fn new(trusted_proxies: Arc<[IpNet]>) -> Self {
        let handles = rlimit::Resource::NOFILE.get_soft().unwrap_or(1024);
        let most = usize::try_from(handles / 2).unwrap_or(MOST_CONNECTIONS).min(MOST_CONNECTIONS);
        Self { most, trusted_proxies, taken: Mutex::default() }
    }

    /// `None`: there are too many, or too many of this network.
    fn take(self: &Arc<Self>, client: IpAddr) -> Option<Place> {
        let client = client.to_canonical();
        let is_proxy = self.trusted_proxies.iter().any(|network| network.contains(&client));
        let most_of_network = if is_proxy { self.most } else { self.most / 4 };
        let network = network_of(&client.to_string());
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_network = taken.by_network.get(&network).copied().unwrap_or_default();
        if taken.count >= self.most || of_network >= most_of_network {
            return None;
        }
        taken.count += 1;
        taken.by_network.insert(network.clone(), of_network + 1);
        Some(Place { places: Arc::clone(self), network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.count -= 1;
        if let Entry::Occupied(mut of_network) = taken.by_network.entry(std::mem::take(&mut self.network)) {
            *of_network.get_mut() -= 1;
            if *of_network.get() == 0 {
                of_network.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_gets_a_share_and_a_trusted_proxy_all() {
        let proxy: IpNet = "127.0.0.0/8".parse().expect("a network");
        let places = Arc::new(Places { most: 8, trusted_proxies: [proxy].into(), taken: Mutex::default() });
        let take = |client: &str| places.take(client.parse().expect("an address"));
        let strangers: Vec<_> = (0..9).map_while(|_| take("192.0.2.1")).collect();
        let same_network: Vec<_> = (0..9).map_while(|n| take(&format!("2001:db8::{n}"))).collect();
        let proxied: Vec<_> = (0..9).map_while(|_| take("::ffff:127.0.0.1")).collect();
        assert_eq!((strangers.len(), same_network.len(), proxied.len()), (2, 2, 4));
        assert!(take("198.51.100.1").is_none(), "all are taken");
        drop((strangers, proxied));
        assert!(take("192.0.2.1").is_some() && take("198.51.100.1").is_some());
        drop(same_network);
        let taken = places.taken.lock().expect("lock");
        assert_eq!((taken.count, taken.by_network.len()), (0, 0));
    }
}

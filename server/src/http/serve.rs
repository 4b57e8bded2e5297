//! Accepts connections and answers their requests. HTTP/1 only: a proxy in front speaks the rest.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// A client that needs longer for the head of a request, or for the next one, is disconnected.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Wait after a failed accept. The usual cause is that the process has no file handle left.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Answers until `shutdown`, then finishes the requests in flight. Dropped, it drops all connections.
pub(crate) async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let mut http1 = http1::Builder::new();
    http1.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let in_flight = GracefulShutdown::new();
    let mut connections = JoinSet::new();
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
        // Without it a streamed page waits 40 ms for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        let router = router.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(client));
            router.clone().oneshot(request.map(Body::new))
        });
        // Its errors are the client's.
        connections.spawn(in_flight.watch(http1.serve_connection(TokioIo::new(stream), service)));
    }
    drop(listener);
    in_flight.shutdown().await;
}

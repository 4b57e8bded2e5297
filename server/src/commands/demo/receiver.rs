//! A customer's server, which has its bad hours.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use callsheet::model::{Clock, Millis, TestClock};
use http::{StatusCode, Uri};
use tokio::net::TcpListener;

const HOUR_MS: Millis = 3_600_000;

/// Where callbacks go in the end; `callsheet listen` can take them there.
pub(super) const PORT: u16 = 9000;

/// Receives until this process ends: on [`PORT`], or on another one if that is in use.
pub(super) async fn start(clock: Arc<TestClock>) -> io::Result<SocketAddr> {
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).await {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
        bound => bound?,
    };
    let address = listener.local_addr()?;
    let answer = move |uri: Uri| async move { answer(uri.path(), clock.now()) };
    let server = Router::new().route("/{*path}", post(answer));
    tokio::spawn(async move { axum::serve(listener, server).await });
    Ok(address)
}

/// It is away for an hour every ninth day, and never knew one of its paths.
fn answer(path: &str, now: Millis) -> StatusCode {
    match now / HOUR_MS % (9 * 24) {
        _ if path.ends_with("/moved") => StatusCode::NOT_FOUND,
        100 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    }
}

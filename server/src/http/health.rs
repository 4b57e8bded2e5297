//! Liveness, readiness and metrics.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse, Response};
use callsheet::Console;
use http::{HeaderMap, StatusCode};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::jobs::Loops;

/// Responds as long as the process runs.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Checks that the database responds, its tables are up to date, and all background loops make progress.
pub(super) async fn readyz(State(console): State<Console>, State(loops): State<Loops>) -> Response {
    if let Some(trouble) = loops.trouble() {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("{trouble}\n")).into_response();
    }
    match console.db.is_ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

/// Returns Prometheus metrics to programs on this machine. Requests through a proxy are refused, because they come from elsewhere.
pub(super) async fn metrics(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    State(console): State<Console>,
    State(handle): State<PrometheusHandle>,
) -> Response {
    const ADDED_BY_PROXIES: [&str; 5] = ["x-forwarded-for", "x-forwarded-host", "x-real-ip", "forwarded", "via"];
    let is_forwarded = ADDED_BY_PROXIES.into_iter().any(|name| headers.contains_key(name));
    if is_forwarded || !peer.ip().to_canonical().is_loopback() {
        return (StatusCode::FORBIDDEN, "metrics are for this machine only\n").into_response();
    }
    match console.streams.live().await {
        Ok(live) => metrics::gauge!("callsheet_live_streams").set(live as f64),
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "failed to count live streams"),
    }
    ([(http::header::CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response()
}

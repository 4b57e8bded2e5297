//! Whether the process lives, whether it can work, and its figures.

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use callsheet::Console;
use callsheet_app::ClientAddress;
use http::StatusCode;
use metrics_exporter_prometheus::PrometheusHandle;

/// The process answers.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers and its tables are up to date.
pub(super) async fn readyz(State(console): State<Console>) -> Response {
    match console.db.is_ready().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

/// Prometheus figures, for this machine only.
pub(super) async fn metrics(
    Extension(ClientAddress(client)): Extension<ClientAddress>,
    State(console): State<Console>,
    State(handle): State<PrometheusHandle>,
) -> Response {
    if !client.is_loopback() {
        return (StatusCode::FORBIDDEN, "metrics are for this machine only\n").into_response();
    }
    match console.streams.live().await {
        Ok(live) => metrics::gauge!("callsheet_live_streams").set(live as f64),
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "cannot count live streams"),
    }
    ([(http::header::CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response()
}

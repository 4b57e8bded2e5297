//! What every request passes on its way in.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use callsheet::Console;
use callsheet_app::{ClientAddress, session_hash};
use http::HeaderValue;
use http::header::{REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use tower_sessions::Session;

/// Puts the client's address and, for a signed-in browser, the actor into the request. Session, user and role are
/// read anew each time, so that a change counts at once.
pub(super) async fn identify(State(console): State<Console>, mut request: Request, next: Next) -> Response {
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_string());
    let address = address.unwrap_or_default();
    if let Some(id) = request.extensions().get::<Session>().and_then(Session::id) {
        match console.accounts.session_actor(&session_hash(&id), &address).await {
            Ok(Some(actor)) => {
                request.extensions_mut().insert(actor);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot tell who is signed in");
            }
        }
    }
    request.extensions_mut().insert(ClientAddress(address));
    next.run(request).await
}

/// Headers that every answer carries; pages add their content policy.
pub(super) async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// Counts requests by route (never by path, which may hold a secret) and logs them.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let method = request.method().to_string();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    let millis = started.elapsed().as_millis();
    tracing::debug!(method, route, status, millis, "answered");
    let labels = [("method", method), ("route", route), ("status", status.to_string())];
    metrics::counter!("callsheet_http_requests_total", &labels).increment(1);
    response
}

//! Middleware of all requests.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use callsheet::Console;
use callsheet_app::{ClientAddress, session_hash};
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use http::{Extensions, HeaderName, HeaderValue, Method};
use tower_sessions::Session;
use tracing::Instrument;

/// Adds the actor of a signed-in browser to the request. Session, user and role are read each time, so that changes apply at once.
pub(super) async fn identify(State(console): State<Console>, mut request: Request, next: Next) -> Response {
    let address = client_address(request.extensions());
    if let Some(id) = request.extensions().get::<Session>().and_then(Session::id) {
        match console.accounts.session_actor(&session_hash(&id), &address).await {
            Ok(Some(actor)) => {
                request.extensions_mut().insert(actor);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "failed to load the user of a browser session"
                );
            }
        }
    }
    next.run(request).await
}

/// Returns the client address, for the audit log.
pub(super) fn client_address(extensions: &Extensions) -> String {
    extensions.get().map(ClientAddress::to_string).unwrap_or_default()
}

/// Security headers of all responses.
const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
/// Content policy of responses that are not pages: browsers run and load nothing.
const LOAD_NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// Adds security headers. Pages have their own content policy.
pub(super) async fn add_security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(LOAD_NOTHING));
    response
}

/// Counts and logs requests by route, never by path, which may contain a secret. Metrics are kept for the life of the process, so labels
/// have a fixed set of values.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let method = method_name(request.method()).unwrap_or("other");
    let span = tracing::debug_span!("request", method, route);
    let response = next.run(request).instrument(span).await;
    let status = response.status().as_u16();
    let millis = started.elapsed().as_millis();
    tracing::debug!(method, route, status, millis, "answered");
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.to_string())];
    metrics::counter!("callsheet_http_requests_total", &labels).increment(1);
    response
}

/// Returns the method if it is a standard one.
fn method_name(method: &Method) -> Option<&'static str> {
    const KNOWN: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str())
}

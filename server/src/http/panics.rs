//! A panic is a fault that nobody foresaw. It breaks off the one request, which is answered all the same, in the way of the place that it was
//! sent to.

use std::panic::AssertUnwindSafe;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use callsheet_app::fault_page;
use futures::FutureExt;
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderValue, StatusCode};
use leptos::config::LeptosOptions;

use super::problem::ApiProblem;

/// The work panicked, which is in the log.
#[derive(Debug)]
pub(super) struct Panicked;

/// Does `work` to its end or to its panic. What it held is given back; what it shares is behind locks and transactions.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        tracing::error!(panic = text.unwrap_or("(no text)"), "a request was broken off by a panic");
        Panicked
    })
}

/// What the page of a fault may load.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Answers where a handler panics. The JD-compatible API does so itself, for its answers name their request.
pub(super) async fn answer(State(leptos): State<LeptosOptions>, request: Request, next: Next) -> Response {
    let for_script = request.uri().path().starts_with("/api/");
    let headers = request.headers().clone();
    match caught(next.run(request)).await {
        Ok(response) => response,
        Err(Panicked) if for_script => ApiProblem::fault().into_response(),
        Err(Panicked) => {
            let policy = [(CONTENT_SECURITY_POLICY, PAGE_POLICY)];
            (StatusCode::INTERNAL_SERVER_ERROR, policy, Html(fault_page(&headers, leptos))).into_response()
        }
    }
}

//! Error responses for panics and refused origins: a problem for the API, a page for browsers.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use callsheet::model::{Problem, ProblemDetails, ProblemKind, problem};
use callsheet_app::{Locale, Texts, UiError, failure_page};
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderValue, StatusCode};
use tower_http::csrf::ProtectionError;

use super::panics::{Panicked, caught};
use super::problem::ApiProblem;
use crate::assets::Assets;

/// A request from a page of another origin, or one that looks like it because a proxy has changed `Host`.
#[derive(Debug, thiserror::Error)]
#[error(
    "the request came from a page of another origin; behind a proxy, set `public_url` to the URL that browsers use"
)]
struct CrossOrigin;

impl Problem for CrossOrigin {
    fn details(&self) -> ProblemDetails {
        problem(ProblemKind::Forbidden, "cross_origin")
    }
}

/// Content policy of an error page.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Responds if a handler panics or the CSRF layer refuses a request. The JD-compatible API handles its panics itself, because its responses
/// contain a request id.
pub(super) async fn render(State(assets): State<Arc<Assets>>, request: Request, next: Next) -> Response {
    let for_script = request.uri().path().starts_with("/api/");
    let texts = Texts(Locale::of_request(request.headers()));
    let page = |status: StatusCode, error: &UiError| {
        let policy = [(CONTENT_SECURITY_POLICY, PAGE_POLICY)];
        (status, policy, Html(failure_page(texts, error, assets.urls()))).into_response()
    };
    match caught(next.run(request)).await {
        Err(Panicked) if for_script => ApiProblem::fault().into_response(),
        Err(Panicked) => page(StatusCode::INTERNAL_SERVER_ERROR, &UiError::internal(texts)),
        Ok(response) if response.extensions().get::<ProtectionError>().is_none() => response,
        Ok(_) if for_script => ApiProblem::from(CrossOrigin).into_response(),
        Ok(_) => page(StatusCode::FORBIDDEN, &UiError::of(texts, &CrossOrigin)),
    }
}

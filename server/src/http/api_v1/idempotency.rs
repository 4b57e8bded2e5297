//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a POST with a key runs once, even if the client repeats it.
//!
//! The response is stored per caller, unless it is 429 or 5xx: then the request can be repeated with the same key.

use axum::body::to_bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, ETAG, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use callsheet::idempotency::{Begun, Idempotency, IdempotencyError, KeptAnswer, Run};
use callsheet::model::{Actor, StoreError};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::extract::RawBody;
use super::transcode_jobs::LIMIT;
use crate::http::AppState;
use crate::http::panics::{Panicked, caught};
use crate::http::problem::ApiProblem;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Headers that are stored with a response.
const STORED_HEADERS: [HeaderName; 4] = [CONTENT_TYPE, LOCATION, ETAG, ALLOW];

/// Runs a POST with a key once. [`caller`](super::caller) must come first.
pub(super) async fn keep(State(app): State<AppState>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(IDEMPOTENCY_KEY) {
        return next.run(request).await;
    }
    once(&app, request, next).await.unwrap_or_else(ApiProblem::into_response)
}

async fn once(app: &AppState, request: Request, next: Next) -> Result<Response, ApiProblem> {
    let actor = request.extensions().get::<Actor>().cloned().ok_or_else(ApiProblem::signed_out)?;
    let (parts, body) = request.into_parts();
    let key = key(&parts.headers).ok_or(IdempotencyError::BadKey)?;
    let mut body = Request::new(body);
    DefaultBodyLimit::max(LIMIT).apply(&mut body);
    let RawBody(body) = RawBody::<LIMIT>::from_request(body, app).await?;
    match app.console.idempotency.begin(&actor, key, digest(&parts, &body)).await? {
        Begun::Again(answer) => Ok(given(answer)?),
        Begun::First(run) => {
            let request = Request::from_parts(parts, body.into());
            let work = carry_out(app.console.idempotency.clone(), run, request, next);
            // If the client disconnects, probably to retry, the request must still run to its end.
            let answer = tokio::spawn(work.in_current_span()).await;
            Ok(answer.unwrap_or_else(|_| ApiProblem::fault().into_response()))
        }
    }
}

/// Returns the key. `None`: not exactly one text.
fn key(headers: &HeaderMap) -> Option<&str> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = keys.next()?.to_str().ok()?;
    keys.next().is_none().then_some(key)
}

/// Returns the digest of method, path, query and body.
fn digest(parts: &Parts, body: &[u8]) -> String {
    let head = format!("{} {}\n", parts.method, parts.uri);
    hex::encode(Sha256::new().chain_update(head).chain_update(body).finalize())
}

async fn carry_out(idempotency: Idempotency, run: Run, request: Request, next: Next) -> Response {
    let response = caught(next.run(request)).await.unwrap_or_else(|Panicked| ApiProblem::fault().into_response());
    let (parts, body) = response.into_parts();
    let (answer, response) = match to_bytes(body, usize::MAX).await {
        Ok(body) => (kept(&parts, &body), Response::from_parts(parts, body.into())),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "failed to read a response");
            (None, ApiProblem::fault().into_response())
        }
    };
    if let Err(error) = idempotency.finish(&run, answer.as_ref()).await {
        // The effect stays; the key is free after the lease.
        tracing::error!(error = &error as &dyn std::error::Error, "failed to store the response of an Idempotency-Key");
    }
    response
}

/// Returns the response to store, if a repeated request should get it.
fn kept(answer: &axum::http::response::Parts, body: &[u8]) -> Option<KeptAnswer> {
    if answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    let header = |name: &HeaderName| Some((name.to_string(), answer.headers.get(name)?.to_str().ok()?.to_owned()));
    Some(KeptAnswer {
        status: answer.status.as_u16(),
        headers: STORED_HEADERS.iter().filter_map(header).collect(),
        body: str::from_utf8(body).ok()?.to_owned(),
    })
}

fn given(answer: KeptAnswer) -> Result<Response, StoreError> {
    let KeptAnswer { status, headers, body } = answer;
    let response =
        headers.into_iter().fold(Response::builder().status(status), |r, (name, value)| r.header(name, value));
    response.body(body.into()).map_err(StoreError::corrupt)
}

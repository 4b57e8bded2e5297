//! The REST API, `/api/v1`: everything the pages can do, for scripts.
//!
//! Who calls is known by `Authorization: Bearer <token>` of an API key, or else by the browser's session. Bodies and
//! answers are JSON in camelCase, times RFC 3339 in UTC, errors [problems](super::problem). Lists are
//! `{"items":[…],"nextCursor":"…"|null}` (see [`page`]). A handler reads the request, calls a use case and writes
//! what came of it; what may be done is the use case's business.
//!
//! Before a handler stand who may call and how often ([`caller`]) and whether a POST was carried out before ([`idempotency`]);
//! a change can be made to one version alone ([`etag`]).

mod access_logs;
mod audit;
mod callback_tests;
mod callbacks;
mod caller;
mod deliveries;
mod domains;
mod etag;
mod events;
mod extract;
mod idempotency;
mod keys;
mod moment;
mod page;
mod recording;
mod recoveries;
mod sessions;
mod settings;
mod sources;
mod stats;
mod streams;
mod transcode_jobs;
mod users;
mod vod_domains;

pub(crate) use keys::KeyJson;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{any, delete, get, post};
use serde::Serialize;
use tower_http::set_header::SetResponseHeaderLayer;

use super::AppState;
use super::problem::ApiProblem;

/// A body of settings needs no more, bytes.
const BODY_LIMIT: usize = 64 * 1024;
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// All routes of the API.
pub fn routes(state: &AppState) -> Router<AppState> {
    let api = Router::new()
        .route("/domains", get(domains::list).post(domains::create))
        .route("/domains/{push}", get(domains::show).patch(domains::change).delete(domains::remove))
        .route("/domains/{push}/callbacks/{kind}", get(callbacks::show).put(callbacks::replace))
        .route("/domains/{push}/callbacks/{kind}/rotate-secret", post(callbacks::rotate_secret))
        .route("/domains/{push}/callbacks/{kind}/end-overlap", post(callbacks::end_overlap))
        .route("/domains/{push}/callbacks/{kind}/resume", post(callbacks::resume))
        .route("/domains/{push}/recording", get(recording::show).put(recording::replace))
        .route("/callback-tests", post(callback_tests::run))
        .route("/streams", get(streams::list))
        .route("/streams/forbidden", get(streams::list_forbidden))
        .route("/streams/{push}/{app}/{stream}/disconnect", post(streams::disconnect))
        .route("/streams/{push}/{app}/{stream}/forbid", post(streams::forbid))
        .route("/streams/{push}/{app}/{stream}/allow", post(streams::allow))
        .route("/sessions", get(sessions::list))
        .route("/sessions/{id}", get(sessions::show))
        .route("/events", get(events::list))
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/{id}", get(deliveries::show))
        .route("/deliveries/{id}/resend", post(deliveries::resend))
        .route("/deliveries/{id}/cancel", post(deliveries::cancel))
        .route("/recoveries", get(recoveries::list).post(recoveries::start))
        .route("/recoveries/{id}", get(recoveries::show).delete(recoveries::cancel))
        .route("/stats/usage", get(stats::usage))
        .route("/stats/transcoding", get(stats::transcoding))
        .route("/sources", get(sources::list).post(sources::create))
        .route("/sources/{id}", delete(sources::remove))
        .route("/users", get(users::list).post(users::invite))
        .route("/users/{id}", get(users::show).patch(users::change))
        .route("/users/{id}/link", post(users::new_link))
        .route("/users/{id}/two-factor", delete(users::reset_two_factor))
        .route("/users/{id}/sessions", get(users::sessions).delete(users::end_sessions))
        .route("/users/{id}/sessions/{session}", delete(users::end_session))
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/{id}", delete(keys::revoke))
        .route("/keys/{id}/rotate", post(keys::rotate))
        .route("/audit", get(audit::list))
        .route("/transcode-jobs", post(transcode_jobs::add).layer(DefaultBodyLimit::max(transcode_jobs::LIMIT)))
        .route("/vod-domains", get(vod_domains::list).post(vod_domains::add))
        .route("/vod-domains/{name}", delete(vod_domains::remove))
        .route("/settings", get(settings::show))
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(state.clone(), idempotency::keep))
        // Too large to be held and compared; what is in a log counts once anyway.
        .route("/access-logs", post(access_logs::add))
        .layer(from_fn_with_state(state.clone(), caller::admit))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        // Answers hold secrets and change at once.
        .layer(SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, NO_STORE));
    // Without the second the pages would answer for the bare prefix.
    Router::new().nest("/api/v1", api).route("/api/v1/", any(no_such_path))
}

async fn no_such_path(uri: Uri) -> ApiProblem {
    ApiProblem::new(StatusCode::NOT_FOUND, "not_found", format!("the API has no {}", uri.path()))
}

async fn wrong_method() -> ApiProblem {
    let detail = "this path does not take this method; the `allow` header names those it takes";
    ApiProblem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

/// One of several that may share a name, such as headers.
#[derive(Debug, Serialize)]
struct NameValue {
    name: String,
    value: String,
}

impl From<(String, String)> for NameValue {
    fn from((name, value): (String, String)) -> Self {
        Self { name, value }
    }
}

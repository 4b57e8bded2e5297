//! The REST API, `/api/v1`: everything the pages can do, for scripts.
//!
//! Callers authenticate with `Authorization: Bearer <token>` of an API key, or with the browser's session. Bodies and responses are JSON in
//! camelCase, times RFC 3339 in UTC, errors [problems](super::problem). Lists are `{"items":[…],"nextCursor":"…"|null}` (see [`page`]). A
//! handler reads the request, calls a use case and writes its result; the use case checks permissions.
//!
//! Doc comments of handlers, their parameters and the fields of their types are published in the API's [`description`].
//!
//! Middleware authenticates and limits callers ([`caller`]) and detects repeated POST requests ([`idempotency`]). A change can be restricted to
//! one version ([`etag`]).

mod access_logs;
mod audit;
mod callback_tests;
mod callbacks;
mod caller;
mod deliveries;
mod description;
mod domains;
mod etag;
mod events;
mod extract;
mod idempotency;
mod keys;
mod page;
mod recording;
mod recoveries;
mod rfc3339;
mod schemas;
mod sessions;
mod settings;
mod sources;
mod stats;
mod streams;
mod transcode_jobs;
mod users;
mod vod_domains;

pub use description::{DESCRIPTION, description};
pub(crate) use keys::KeyJson;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use serde::Serialize;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::ToSchema;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use super::AppState;
use super::problem::ApiProblem;

/// Limit of a JSON body, in bytes.
const BODY_LIMIT: usize = 64 * 1024;
/// Prefix of all paths.
const PREFIX: &str = "/api/v1";
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Returns all routes of the API.
pub fn routes(state: &AppState) -> Router<AppState> {
    let (repeatable, others) = described();
    let api = Router::from(repeatable)
        .layer(from_fn_with_state(state.clone(), idempotency::keep))
        .merge(Router::from(others))
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(state.clone(), caller::authenticate))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        // Responses may contain secrets, and change at any time.
        .layer(SetResponseHeaderLayer::overriding(header::CACHE_CONTROL, NO_STORE));
    // Without the second route, a page would be served for the bare prefix.
    Router::new().nest(PREFIX, api).route("/api/v1/", any(no_such_path))
}

/// Returns the routes with their descriptions: first those that support idempotency keys, then the others.
fn described() -> (OpenApiRouter<AppState>, OpenApiRouter<AppState>) {
    let repeatable = OpenApiRouter::default()
        .routes(routes!(domains::list, domains::create))
        .routes(routes!(domains::show, domains::change, domains::remove))
        .routes(routes!(callbacks::show, callbacks::replace))
        .routes(routes!(callbacks::rotate_secret))
        .routes(routes!(callbacks::end_overlap))
        .routes(routes!(callbacks::resume))
        .routes(routes!(recording::show, recording::replace))
        .routes(routes!(callback_tests::run))
        .routes(routes!(streams::list))
        .routes(routes!(streams::list_forbidden))
        .routes(routes!(streams::disconnect))
        .routes(routes!(streams::forbid))
        .routes(routes!(streams::allow))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::show))
        .routes(routes!(events::list))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::show))
        .routes(routes!(deliveries::resend))
        .routes(routes!(deliveries::cancel))
        .routes(routes!(recoveries::list, recoveries::start))
        .routes(routes!(recoveries::show, recoveries::cancel))
        .routes(routes!(stats::usage))
        .routes(routes!(stats::transcoding))
        .routes(routes!(sources::list, sources::create))
        .routes(routes!(sources::remove))
        .routes(routes!(users::list, users::invite))
        .routes(routes!(users::show, users::change))
        .routes(routes!(users::new_link))
        .routes(routes!(users::reset_two_factor))
        .routes(routes!(users::sessions, users::end_sessions))
        .routes(routes!(users::end_session))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(keys::rotate))
        .routes(routes!(audit::list))
        .routes(routes!(transcode_jobs::add).layer(DefaultBodyLimit::max(transcode_jobs::LIMIT)))
        .routes(routes!(vod_domains::list, vod_domains::add))
        .routes(routes!(vod_domains::remove))
        .routes(routes!(settings::show));
    // Too large to be buffered and compared. Importing a log twice has no effect anyway.
    let others = OpenApiRouter::default().routes(routes!(access_logs::add));
    (repeatable, others)
}

async fn no_such_path(uri: Uri) -> ApiProblem {
    ApiProblem::new(StatusCode::NOT_FOUND, "not_found", format!("no such path: {}", uri.path()))
}

async fn wrong_method() -> ApiProblem {
    let detail = "method not allowed on this path; the `allow` header lists the allowed methods";
    ApiProblem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

/// One of several that may share a name, such as headers.
#[derive(Debug, Serialize, ToSchema)]
struct NameValue {
    name: String,
    value: String,
}

impl From<(String, String)> for NameValue {
    fn from((name, value): (String, String)) -> Self {
        Self { name, value }
    }
}

//! `/v1`: a subset of JD Cloud's OpenAPI of live video, so that scripts written with its public SDKs work here by changing the endpoint.
//!
//! Each request is signed with an API key ([`signature`]); cookies and bearer tokens are ignored. [`dispatch`] verifies the signature and
//! selects the operation by method and path; the response is an [`envelope`]. An operation reads its parameters, calls a use case and writes
//! its result; the use case checks permissions.

mod auth;
mod domains;
mod envelope;
mod notify;
mod params;
mod record;
mod signature;
mod stats;
mod streams;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::any;
use callsheet::Console;
use callsheet::model::{Actor, CallbackKind};
use serde_json::Value;
use tracing::Instrument;

use self::envelope::{JdError, RequestId};
use self::params::Params;
use self::signature::decode;
use super::AppState;
use super::panics::{Panicked, caught};

/// Limit of a body, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// Routes everything below `/v1` to [`dispatch`]. The router cannot select the operation, because a segment such as `streams:forbid` may also
/// be encoded as `streams%3Aforbid`.
pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/v1", any(answer)).route("/v1/", any(answer)).route("/v1/{*operation}", any(answer))
}

async fn answer(State(app): State<AppState>, request: Request) -> Response {
    let id = RequestId::random();
    let span = tracing::info_span!("jd", request_id = %id);
    let mut headers = HeaderMap::new();
    let outcome = caught(dispatch(&app, request, &mut headers)).instrument(span).await;
    let mut response = envelope::respond(&id, outcome.unwrap_or_else(|Panicked| Err(JdError::fault())));
    response.headers_mut().extend(headers);
    response
}

/// A verified request.
struct Call<'a> {
    console: &'a Console,
    actor: Actor,
    params: Params,
}

/// Result of an operation.
type Outcome = Result<Value, JdError>;

/// Runs the operation. `headers`: rate limit headers of the response.
async fn dispatch(app: &AppState, request: Request, headers: &mut HeaderMap) -> Outcome {
    let console = &app.console;
    let (parts, body) = request.into_parts();
    let too_long = |_| JdError::invalid(format!("the body is longer than {BODY_LIMIT} bytes or was interrupted"));
    let body = to_bytes(body, BODY_LIMIT).await.map_err(too_long)?;
    let (fields, actor) = auth::authenticate(app, &parts, &body).await;
    *headers = fields;
    let actor = actor?;
    let params = Params::read(parts.uri.query().unwrap_or_default(), &body)?;
    let segments: Vec<String> =
        parts.uri.path().split('/').skip(2).map(|segment| String::from_utf8_lossy(&decode(segment)).into()).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let call = Call { console, actor, params };
    let (publish, record) = (CallbackKind::Publish, CallbackKind::Record);
    match (parts.method.as_str(), segments.as_slice()) {
        ("GET", ["domains"]) => domains::list(&call).await,
        ("POST", ["domains"]) => domains::add(&call).await,
        ("PUT", ["domains:start"]) => domains::set_enabled(&call, true).await,
        ("PUT", ["domains:stop"]) => domains::set_enabled(&call, false).await,
        ("GET", ["domains", domain]) => domains::describe(&call, domain).await,
        ("DELETE", ["domains", domain]) => domains::delete(&call, domain).await,
        ("POST", ["streamNotifys"]) => notify::set(&call, publish).await,
        ("GET", ["streamNotifys", domain]) => notify::describe(&call, domain, publish).await,
        ("DELETE", ["streamNotifys", domain]) => notify::delete(&call, domain, publish).await,
        ("POST", ["recordNotifys:config"]) => notify::set(&call, record).await,
        ("GET", ["recordNotifys", domain]) => notify::describe(&call, domain, record).await,
        ("DELETE", ["recordNotifys", domain]) => notify::delete(&call, domain, record).await,
        ("GET", ["recordCustoms:template"]) => record::list_templates(&call).await,
        ("POST", ["recordCustoms:template"]) => record::add_template(&call).await,
        ("DELETE", ["recordCustoms", template]) => record::delete_template(&call, template).await,
        ("POST", ["recordDomains:config"]) => record::add_to_domain(&call).await,
        ("DELETE", ["recordDomains", domain, "templates", template]) => {
            record::delete_from_domain(&call, domain, template).await
        }
        ("GET", ["streams", domain, "onlineList"]) => streams::online(&call, domain).await,
        ("GET", ["streams", domain, "publishList"]) => streams::published(&call, domain).await,
        ("PUT", ["streams:forbid"]) => streams::forbid(&call).await,
        ("PUT", ["streams:interrupt"]) => streams::interrupt(&call).await,
        ("PUT", ["streams:resume"]) => streams::resume(&call).await,
        ("GET", ["describeLiveStreamBandwidthData"]) => stats::bandwidth(&call).await,
        ("GET", ["describeLiveStreamTrafficData"]) => stats::traffic(&call).await,
        ("GET", ["describeLiveFileStorageData"]) => stats::storage(&call).await,
        ("GET", ["describeLiveTranscodingDurationData"]) => stats::transcoding(&call).await,
        ("GET", ["describeLivePublishStreamNum"]) => stats::stream_count(&call).await,
        (method, _) => Err(JdError::not_found(format!("no such operation: {method} {}", parts.uri.path()))),
    }
}

//! `/streams`: the sessions that publish now, newest first; and stopping them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use callsheet::streams::{BanLength, ForbiddenStream, SessionFilter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{ApiActor, Body, Integer, Params, Query};
use super::page::{List, PageQuery};
use super::rfc3339::Rfc3339;
use super::sessions::{ListQuery, SessionJson};
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// List live streams
///
/// Live sessions, newest first.
#[utoipa::path(
    get, path = "/streams", operation_id = "listStreams", tag = "Streams",
    params(ListQuery, PageQuery),
    responses((status = 200, description = "A page of the list", body = List<SessionJson>))
)]
pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Query(query, page): Query<ListQuery>,
) -> Result<Json<List<SessionJson>>, ApiProblem> {
    let domain = query.domain.map(|domain| domain.0);
    let filter = SessionFilter { domain, live: Some(true), ..SessionFilter::default() };
    Ok(Json(app.console.streams.list(&actor, filter, page).await?.into()))
}

/// A forbidden stream.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ForbiddenStream)]
pub(super) struct ForbiddenJson {
    domain: String,
    app: String,
    stream: String,
    /// `null`: permanently.
    until: Option<Rfc3339>,
}

impl From<ForbiddenStream> for ForbiddenJson {
    fn from(forbidden: ForbiddenStream) -> Self {
        let ForbiddenStream { domain, app, stream, until } = forbidden;
        Self { domain, app, stream, until: until.map(Rfc3339) }
    }
}

/// List forbidden streams
///
/// By name.
#[utoipa::path(
    get, path = "/streams/forbidden", operation_id = "listForbiddenStreams", tag = "Streams",
    params(ListQuery, PageQuery),
    responses((status = 200, description = "A page of the list", body = List<ForbiddenJson>))
)]
pub(super) async fn list_forbidden(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Query(query, page): Query<ListQuery>,
) -> Result<Json<List<ForbiddenJson>>, ApiProblem> {
    let domain = query.domain.map(|domain| domain.0);
    Ok(Json(app.console.streams.list_forbidden(&actor, domain, page).await?.into()))
}

/// Push domain, application and stream.
type Named = Params<(String, String, String)>;

/// Disconnect a publisher
///
/// The publisher is disconnected and may reconnect. The built-in ingest does so within about a second, nginx-rtmp at its next
/// `on_update`.
#[utoipa::path(
    post, path = "/streams/{push}/{app}/{stream}/disconnect", operation_id = "disconnectStream", tag = "Streams",
    responses(
    (status = 202, description = "Accepted"),
    (status = 404, description = "`domain_unknown`; `stream_not_live`: it is not live."),
    (status = 409, description = "`stream_cannot_drop`: its source does not support it."),
    (status = 422, description = "The application or stream name is not valid (`name_…`)."),
    )
)]
pub(super) async fn disconnect(
    ApiActor(actor): ApiActor,
    State(state): State<AppState>,
    Params((push, app, stream)): Named,
) -> Result<StatusCode, ApiProblem> {
    state.console.streams.disconnect(&actor, &push, &app, &stream).await?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Forbid {
    /// Omit or `null`: permanently.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 315_360_000)]
    seconds: Option<Integer>,
}

/// Forbid a stream
///
/// Its publisher is disconnected, if the source supports that, and new publishes are refused.
#[utoipa::path(
    post, path = "/streams/{push}/{app}/{stream}/forbid", operation_id = "forbidStream", tag = "Streams",
    request_body = Option<Forbid>,
    responses(
    (status = 200, description = "The forbidden stream", body = ForbiddenJson),
    (status = 404, description = "`domain_unknown`."),
    (status = 422, description = "The application or stream name is not valid (`name_…`), `stream_bad_length`."),
    )
)]
pub(super) async fn forbid(
    ApiActor(actor): ApiActor,
    State(state): State<AppState>,
    Params((push, app, stream)): Named,
    body: Option<Body<Forbid>>,
) -> Result<Json<ForbiddenJson>, ApiProblem> {
    let length = BanLength::parse(body.map_or(Forbid::default(), |Body(body)| body).seconds.map(|seconds| seconds.0))?;
    Ok(Json(state.console.streams.forbid(&actor, &push, &app, &stream, length).await?.into()))
}

/// Allow a forbidden stream
///
/// No effect on a stream that is not forbidden.
#[utoipa::path(
    post, path = "/streams/{push}/{app}/{stream}/allow", operation_id = "allowStream", tag = "Streams",
    responses(
    (status = 204, description = "Allowed"),
    (status = 404, description = "`domain_unknown`."),
    (status = 422, description = "The application or stream name is not valid (`name_…`)."),
    )
)]
pub(super) async fn allow(
    ApiActor(actor): ApiActor,
    State(state): State<AppState>,
    Params((push, app, stream)): Named,
) -> Result<StatusCode, ApiProblem> {
    state.console.streams.allow(&actor, &push, &app, &stream).await?;
    Ok(StatusCode::NO_CONTENT)
}

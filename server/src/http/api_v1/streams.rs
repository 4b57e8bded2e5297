//! `/streams`: the sessions that publish now, newest first; and stopping them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use callsheet::streams::{BanLength, ForbiddenStream, SessionFilter};
use serde::{Deserialize, Serialize};

use super::extract::{ApiActor, Body, Params, Query};
use super::moment::Moment;
use super::page::List;
use super::sessions::{ListQuery, SessionJson};
use crate::http::AppState;
use crate::http::problem::ApiProblem;

pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Query(query, page): Query<ListQuery>,
) -> Result<Json<List<SessionJson>>, ApiProblem> {
    let domain = query.domain.map(|domain| domain.0);
    let filter = SessionFilter { domain, live: Some(true), ..SessionFilter::default() };
    Ok(Json(app.console.streams.list(&actor, filter, page).await?.into()))
}

/// A stream that nobody may publish.
#[derive(Debug, Serialize)]
pub(super) struct ForbiddenJson {
    domain: String,
    app: String,
    stream: String,
    /// `null`: for good.
    until: Option<Moment>,
}

impl From<ForbiddenStream> for ForbiddenJson {
    fn from(forbidden: ForbiddenStream) -> Self {
        let ForbiddenStream { domain, app, stream, until } = forbidden;
        Self { domain, app, stream, until: until.map(Moment) }
    }
}

/// What is forbidden now, by name.
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

/// The publisher is dropped within about a second of the answer.
pub(super) async fn disconnect(
    ApiActor(actor): ApiActor,
    State(state): State<AppState>,
    Params((push, app, stream)): Named,
) -> Result<StatusCode, ApiProblem> {
    state.console.streams.disconnect(&actor, &push, &app, &stream).await?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Forbid {
    /// `null` or left out: for good.
    seconds: Option<i64>,
}

pub(super) async fn forbid(
    ApiActor(actor): ApiActor,
    State(state): State<AppState>,
    Params((push, app, stream)): Named,
    body: Option<Body<Forbid>>,
) -> Result<Json<ForbiddenJson>, ApiProblem> {
    let length = BanLength::parse(body.map_or(Forbid::default(), |Body(body)| body).seconds)?;
    Ok(Json(state.console.streams.forbid(&actor, &push, &app, &stream, length).await?.into()))
}

pub(super) async fn allow(
    ApiActor(actor): ApiActor,
    State(state): State<AppState>,
    Params((push, app, stream)): Named,
) -> Result<StatusCode, ApiProblem> {
    state.console.streams.allow(&actor, &push, &app, &stream).await?;
    Ok(StatusCode::NO_CONTENT)
}

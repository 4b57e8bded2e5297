//! `/streams`: the sessions that publish now, newest first.

use axum::Json;
use axum::extract::State;
use callsheet::streams::SessionFilter;

use super::extract::{ApiActor, Query};
use super::page::List;
use super::sessions::{ListQuery, SessionJson};
use crate::http::AppState;
use crate::http::problem::ApiProblem;

pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Query(query, page): Query<ListQuery>,
) -> Result<Json<List<SessionJson>>, ApiProblem> {
    let filter = SessionFilter { domain: query.domain.map(|domain| domain.0), live: Some(true), only: None };
    Ok(Json(app.console.streams.list(&actor, filter, page).await?.into()))
}

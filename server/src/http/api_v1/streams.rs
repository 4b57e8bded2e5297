//! `/streams`: the sessions that are open now, newest first. `phase` tells those that publish (`live`) from those that
//! wait for their last recorded part (`closing`).

use axum::Json;
use axum::extract::State;
use callsheet::streams::SessionFilter;

use super::extract::{ApiActor, Query};
use super::page::{self, List};
use super::sessions::{ListQuery, SessionJson};
use crate::http::AppState;
use crate::http::problem::ApiProblem;

pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Query(query): Query<ListQuery>,
) -> Result<Json<List<SessionJson>>, ApiProblem> {
    let page = page::request(query.cursor, query.limit)?;
    let filter = SessionFilter { domain: query.domain.map(|domain| domain.0), open: Some(true), only: None };
    Ok(Json(app.console.streams.list(&actor, filter, page).await?.into()))
}

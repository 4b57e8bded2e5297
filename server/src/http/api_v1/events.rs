//! `/events`: what happened, newest first.

use axum::Json;
use axum::extract::State;
use callsheet::model::{EventId, EventName, SessionId, Status};
use callsheet::streams::{EventFilter, EventView};
use serde::{Deserialize, Serialize};

use super::extract::{ApiActor, PushDomain, Query};
use super::moment::Moment;
use super::page::List;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventJson {
    id: EventId,
    domain: String,
    app: String,
    stream: String,
    session: SessionId,
    name: EventName,
    status: Status,
    /// From 1, within the session.
    sequence: i64,
    happened_at: Moment,
    /// What went wrong, if it did.
    error: Option<String>,
}

impl From<EventView> for EventJson {
    fn from(event: EventView) -> Self {
        Self {
            id: event.id,
            domain: event.domain,
            app: event.app,
            stream: event.stream,
            session: event.session,
            name: event.name,
            status: event.status,
            sequence: event.sequence,
            happened_at: Moment(event.happened_at),
            error: event.error,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    domain: Option<PushDomain>,
    session: Option<SessionId>,
}

pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Query(query, page): Query<ListQuery>,
) -> Result<Json<List<EventJson>>, ApiProblem> {
    let filter = EventFilter { domain: query.domain.map(|domain| domain.0), session: query.session, only: None };
    Ok(Json(app.console.streams.list_events(&actor, filter, page).await?.into()))
}

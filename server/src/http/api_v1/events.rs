//! `/events`: what happened, newest first.

use axum::Json;
use axum::extract::State;
use callsheet::model::{EventId, EventName, SessionId, Status};
use callsheet::streams::{EventFilter, EventView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{ApiActor, PushDomain, Query};
use super::page::{List, PageQuery};
use super::rfc3339::Rfc3339;
use super::schemas;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// An event of a session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub(super) struct EventJson {
    #[schema(value_type = schemas::EventId)]
    id: EventId,
    domain: String,
    app: String,
    stream: String,
    #[schema(value_type = schemas::SessionId)]
    session: SessionId,
    #[schema(value_type = schemas::EventName)]
    name: EventName,
    #[schema(value_type = schemas::EventStatus)]
    status: Status,
    /// From 1, within the session.
    sequence: i64,
    happened_at: Rfc3339,
    /// Cause of a failure.
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
            happened_at: Rfc3339(event.happened_at),
            error: event.error,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Push domain.
    #[param(value_type = Option<String>)]
    domain: Option<PushDomain>,
    #[param(inline, value_type = Option<schemas::SessionId>)]
    session: Option<SessionId>,
}

/// List events
///
/// Newest first.
#[utoipa::path(
    get, path = "/events", operation_id = "listEvents", tag = "Streams",
    params(ListQuery, PageQuery),
    responses((status = 200, description = "A page of the list", body = List<EventJson>))
)]
pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Query(query, page): Query<ListQuery>,
) -> Result<Json<List<EventJson>>, ApiProblem> {
    let filter = EventFilter { domain: query.domain.map(|domain| domain.0), session: query.session, only: None };
    Ok(Json(app.console.streams.list_events(&actor, filter, page).await?.into()))
}

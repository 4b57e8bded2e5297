//! `/sessions`: every publish of every stream, live ones and history.

use axum::Json;
use axum::extract::State;
use callsheet::model::{DeliveryId, EventName, SessionId, Status};
use callsheet::streams::{PartView, SessionDetail, SessionEvent, SessionFilter, SessionView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::NameValue;
use super::extract::{ApiActor, Params, PushDomain, Query};
use super::page::{List, PageQuery};
use super::rfc3339::Rfc3339;
use super::schemas;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// One publish of one stream.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub(super) struct SessionJson {
    #[schema(value_type = schemas::SessionId)]
    id: SessionId,
    domain: String,
    app: String,
    stream: String,
    /// Name of the source that reported it.
    source: String,
    #[schema(value_type = schemas::SessionPhase)]
    phase: String,
    /// IP address of the publisher.
    client: Option<String>,
    started_at: Rfc3339,
    ended_at: Option<Rfc3339>,
    /// Why it ended with an error.
    failure: Option<String>,
    recording: bool,
    /// Parts recorded so far.
    part_count: i64,
    video_codec: Option<String>,
    audio_codec: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    /// Bits per second.
    bitrate: Option<u64>,
}

impl From<SessionView> for SessionJson {
    fn from(session: SessionView) -> Self {
        Self {
            id: session.id,
            domain: session.domain,
            app: session.app,
            stream: session.stream,
            source: session.source,
            phase: session.phase,
            client: session.client,
            started_at: Rfc3339(session.started_at),
            ended_at: session.ended_at.map(Rfc3339),
            failure: session.failure,
            recording: session.recording,
            part_count: session.parts,
            video_codec: session.video_codec,
            audio_codec: session.audio_codec,
            width: session.width,
            height: session.height,
            bitrate: session.bitrate,
        }
    }
}

/// A session with its recorded parts and events.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionDetail)]
pub(super) struct SessionDetailJson {
    #[serde(flatten)]
    session: SessionJson,
    /// Query parameters of the push address.
    params: Vec<NameValue>,
    parts: Vec<PartJson>,
    events: Vec<SessionEventJson>,
}

impl From<SessionDetail> for SessionDetailJson {
    fn from(detail: SessionDetail) -> Self {
        Self {
            session: detail.session.into(),
            params: detail.params.into_iter().map(Into::into).collect(),
            parts: detail.parts.into_iter().map(Into::into).collect(),
            events: detail.events.into_iter().map(Into::into).collect(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecordedPart)]
struct PartJson {
    /// From 1.
    number: i64,
    /// Bucket and path of the file.
    location: Option<String>,
    started_at: Rfc3339,
    stopped_at: Rfc3339,
    duration_ms: i64,
    /// Length of the file.
    bytes: Option<i64>,
    failure: Option<String>,
}

impl From<PartView> for PartJson {
    fn from(part: PartView) -> Self {
        Self {
            number: part.number,
            location: part.location,
            started_at: Rfc3339(part.started_at),
            stopped_at: Rfc3339(part.stopped_at),
            duration_ms: part.duration_ms,
            bytes: part.bytes,
            failure: part.failure,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionEvent)]
struct SessionEventJson {
    #[schema(value_type = schemas::EventName)]
    name: EventName,
    #[schema(value_type = schemas::EventStatus)]
    status: Status,
    /// From 1.
    sequence: i64,
    happened_at: Rfc3339,
    error: Option<String>,
    /// Delivery of the event.
    #[schema(value_type = Option<schemas::DeliveryId>)]
    delivery: Option<DeliveryId>,
    #[schema(value_type = Option<schemas::DeliveryState>)]
    delivery_state: Option<String>,
}

impl From<SessionEvent> for SessionEventJson {
    fn from(event: SessionEvent) -> Self {
        Self {
            name: event.name,
            status: event.status,
            sequence: event.sequence,
            happened_at: Rfc3339(event.happened_at),
            error: event.error,
            delivery: event.delivery,
            delivery_state: event.delivery_state,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Push domain.
    #[param(value_type = Option<String>)]
    pub(super) domain: Option<PushDomain>,
}

/// List sessions
///
/// Live and past sessions, newest first.
#[utoipa::path(
    get, path = "/sessions", operation_id = "listSessions", tag = "Streams",
    params(ListQuery, PageQuery),
    responses((status = 200, description = "A page of the list", body = List<SessionJson>))
)]
pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Query(query, page): Query<ListQuery>,
) -> Result<Json<List<SessionJson>>, ApiProblem> {
    let filter = SessionFilter { domain: query.domain.map(|domain| domain.0), ..SessionFilter::default() };
    Ok(Json(app.console.streams.list(&actor, filter, page).await?.into()))
}

/// Get a session
///
/// Includes its recorded parts and events.
#[utoipa::path(
    get, path = "/sessions/{id}", operation_id = "getSession", tag = "Streams",
    responses((status = 200, description = "The session", body = SessionDetailJson), (status = 404, description = "`session_unknown`."))
)]
pub(super) async fn show(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<SessionId>,
) -> Result<Json<SessionDetailJson>, ApiProblem> {
    Ok(Json(app.console.streams.get(&actor, id).await?.into()))
}

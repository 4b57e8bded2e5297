//! `/deliveries`: each event on its way to a callback, attempt by attempt.

use axum::Json;
use axum::extract::State;
use callsheet::deliveries::{AttemptView, DeliveryDetail, DeliveryFilter, DeliveryRow, DeliveryState, PhaseView};
use callsheet::model::{CallbackKind, DeliveryId, EventName, SessionId};
use callsheet::outbound::ErrorClass;
use serde::{Deserialize, Serialize};

use super::NameValue;
use super::extract::{ApiActor, Params, PushDomain, Query};
use super::moment::Moment;
use super::page::List;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryJson {
    /// The `webhook-id` of all its attempts.
    id: DeliveryId,
    domain: String,
    kind: CallbackKind,
    event: EventName,
    app: String,
    stream: String,
    session: SessionId,
    /// Of the event, within the session.
    sequence: i64,
    happened_at: Moment,
    state: DeliveryState,
    /// Attempts ever made, resends included.
    attempt_count: i64,
    last_attempt_at: Option<Moment>,
    last_status: Option<i64>,
    last_error_class: Option<String>,
    next_attempt_at: Option<Moment>,
    out_of_order: bool,
}

impl From<DeliveryRow> for DeliveryJson {
    fn from(delivery: DeliveryRow) -> Self {
        Self {
            id: delivery.id,
            domain: delivery.domain,
            kind: delivery.kind,
            event: delivery.event,
            app: delivery.app,
            stream: delivery.stream,
            session: delivery.session,
            sequence: delivery.sequence,
            happened_at: Moment(delivery.happened_at),
            state: delivery.state,
            attempt_count: delivery.attempts,
            last_attempt_at: delivery.last_attempt_at.map(Moment),
            last_status: delivery.last_status,
            last_error_class: delivery.last_error,
            next_attempt_at: delivery.next_attempt_at.map(Moment),
            out_of_order: delivery.out_of_order,
        }
    }
}

/// A delivery with its body and all its attempts, the latest first.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryDetailJson {
    #[serde(flatten)]
    delivery: DeliveryJson,
    /// The callback's address now.
    address: Option<String>,
    /// The same bytes in every attempt.
    body: String,
    /// Since the last resend.
    tries: i64,
    max_tries: i64,
    attempts: Vec<AttemptJson>,
}

impl From<DeliveryDetail> for DeliveryDetailJson {
    fn from(detail: DeliveryDetail) -> Self {
        Self {
            delivery: detail.delivery.into(),
            address: detail.address,
            body: detail.body,
            tries: detail.tries,
            max_tries: detail.max_tries,
            attempts: detail.attempts.into_iter().map(Into::into).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptJson {
    /// From 1.
    number: i64,
    started_at: Moment,
    millis: i64,
    address: String,
    succeeded: bool,
    status: Option<i64>,
    error_class: Option<String>,
    error: Option<String>,
    phases: Vec<PhaseView>,
    /// `null` once headers and answer are removed, as are the two that follow.
    request_headers: Option<Vec<NameValue>>,
    response_headers: Option<Vec<NameValue>>,
    /// At most 16 KiB, as text.
    response_body: Option<String>,
}

impl From<AttemptView> for AttemptJson {
    fn from(attempt: AttemptView) -> Self {
        let named = |headers: Vec<(String, String)>| headers.into_iter().map(Into::into).collect();
        let (request_headers, response_headers, response_body) = match attempt.traffic {
            Some(t) => (Some(named(t.request_headers)), Some(named(t.response_headers)), Some(t.response_body)),
            None => (None, None, None),
        };
        Self {
            number: attempt.number,
            started_at: Moment(attempt.started_at),
            millis: attempt.millis,
            address: attempt.address,
            succeeded: attempt.succeeded,
            status: attempt.status,
            error_class: attempt.error_class,
            error: attempt.error,
            phases: attempt.phases,
            request_headers,
            response_headers,
            response_body,
        }
    }
}

/// Which deliveries.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Filter {
    domain: Option<PushDomain>,
    kind: Option<CallbackKind>,
    event: Option<EventName>,
    /// `stream` or `app/stream`.
    stream: Option<String>,
    state: Option<DeliveryState>,
    /// Made from then on.
    since: Option<Moment>,
    /// Made before.
    until: Option<Moment>,
    /// HTTP status of the last attempt.
    status: Option<i64>,
    /// Of the last attempt.
    error_class: Option<ErrorClass>,
    /// Part of the body.
    q: Option<String>,
}

impl From<Filter> for DeliveryFilter {
    fn from(filter: Filter) -> Self {
        Self {
            domain: filter.domain.map(|domain| domain.0),
            kind: filter.kind,
            event: filter.event,
            stream: filter.stream,
            state: filter.state,
            since: filter.since.map(|since| since.0),
            until: filter.until.map(|until| until.0),
            status: filter.status,
            error_class: filter.error_class.map(|class| class.to_string()),
            text: filter.q,
            only: None,
        }
    }
}

pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Query(filter, page): Query<Filter>,
) -> Result<Json<List<DeliveryJson>>, ApiProblem> {
    Ok(Json(app.console.deliveries.list(&actor, filter.into(), page).await?.into()))
}

pub(super) async fn show(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<DeliveryId>,
) -> Result<Json<DeliveryDetailJson>, ApiProblem> {
    Ok(Json(app.console.deliveries.get(&actor, id).await?.into()))
}

pub(super) async fn resend(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<DeliveryId>,
) -> Result<Json<DeliveryDetailJson>, ApiProblem> {
    Ok(Json(app.console.deliveries.resend(&actor, id).await?.into()))
}

pub(super) async fn cancel(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<DeliveryId>,
) -> Result<Json<DeliveryDetailJson>, ApiProblem> {
    Ok(Json(app.console.deliveries.cancel(&actor, id).await?.into()))
}

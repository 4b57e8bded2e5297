//! `/deliveries`: each event on its way to a callback, attempt by attempt.

use axum::Json;
use axum::extract::State;
use callsheet::deliveries::{AttemptView, DeliveryDetail, DeliveryFilter, DeliveryRow, DeliveryState, PhaseView};
use callsheet::model::{CallbackKind, DeliveryId, EventName, RecoveryId, SessionId};
use callsheet::outbound::ErrorClass;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::NameValue;
use super::extract::{ApiActor, Integer, Params, PushDomain, Query};
use super::page::{List, PageQuery};
use super::rfc3339::{Rfc3339, check_span};
use super::schemas;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// The delivery of one event to one callback.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub(super) struct DeliveryJson {
    /// The `webhook-id` of all its attempts.
    #[schema(value_type = schemas::DeliveryId)]
    id: DeliveryId,
    /// Push domain.
    domain: String,
    #[schema(value_type = schemas::CallbackKind)]
    kind: CallbackKind,
    #[schema(value_type = schemas::EventName)]
    event: EventName,
    app: String,
    stream: String,
    #[schema(value_type = schemas::SessionId)]
    session: SessionId,
    /// Sequence number of the event within the session.
    sequence: i64,
    happened_at: Rfc3339,
    #[schema(value_type = schemas::DeliveryState)]
    state: DeliveryState,
    /// All attempts, including those after resends.
    attempt_count: i64,
    last_attempt_at: Option<Rfc3339>,
    /// HTTP status of the last attempt.
    last_status: Option<i64>,
    #[schema(value_type = Option<schemas::ErrorClass>)]
    last_error_class: Option<String>,
    next_attempt_at: Option<Rfc3339>,
    /// Later events of its stream were delivered first, because it had failed or was resent.
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
            happened_at: Rfc3339(delivery.happened_at),
            state: delivery.state,
            attempt_count: delivery.attempts,
            last_attempt_at: delivery.last_attempt_at.map(Rfc3339),
            last_status: delivery.last_status,
            last_error_class: delivery.last_error,
            next_attempt_at: delivery.next_attempt_at.map(Rfc3339),
            out_of_order: delivery.out_of_order,
        }
    }
}

/// A delivery with its body and all its attempts, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryDetail)]
pub(super) struct DeliveryDetailJson {
    #[serde(flatten)]
    delivery: DeliveryJson,
    /// Current URL of the callback.
    address: Option<String>,
    /// Request body, identical in every attempt.
    body: String,
    /// Attempts since the last resend.
    tries: i64,
    /// Maximum number of attempts before the delivery fails.
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

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attempt)]
struct AttemptJson {
    /// From 1.
    number: i64,
    started_at: Rfc3339,
    /// Duration, ms.
    millis: i64,
    address: String,
    /// The receiver returned 2xx.
    succeeded: bool,
    /// HTTP status of the response.
    status: Option<i64>,
    #[schema(value_type = Option<schemas::ErrorClass>)]
    error_class: Option<String>,
    /// Human-readable cause of the failure.
    error: Option<String>,
    phases: Vec<PhaseJson>,
    /// `null` after headers and responses are removed, like the next two fields.
    request_headers: Option<Vec<NameValue>>,
    response_headers: Option<Vec<NameValue>>,
    /// At most 16 KiB of the response body, as text.
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
            started_at: Rfc3339(attempt.started_at),
            millis: attempt.millis,
            address: attempt.address,
            succeeded: attempt.succeeded,
            status: attempt.status,
            error_class: attempt.error_class,
            error: attempt.error,
            phases: attempt.phases.into_iter().map(Into::into).collect(),
            request_headers,
            response_headers,
            response_body,
        }
    }
}

/// One phase of an attempt or a test.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PhaseReport)]
pub(super) struct PhaseJson {
    #[schema(value_type = schemas::Phase)]
    phase: String,
    /// `false` in a successful attempt: the response is not valid after its 2xx status.
    ok: bool,
    /// Duration, ms with up to three decimals.
    millis: f64,
    /// Human-readable detail, such as the IP address of the receiver.
    detail: String,
}

impl From<PhaseView> for PhaseJson {
    fn from(view: PhaseView) -> Self {
        Self { phase: view.phase, ok: view.ok, millis: view.micros as f64 / 1000.0, detail: view.detail }
    }
}

/// Filter of deliveries.
#[derive(Debug, Deserialize, IntoParams, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = DeliveryFilter)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// Push domain.
    #[schema(value_type = Option<String>)]
    #[param(inline, value_type = Option<String>)]
    domain: Option<PushDomain>,
    #[schema(value_type = Option<schemas::CallbackKind>)]
    #[param(inline, value_type = Option<schemas::CallbackKind>)]
    kind: Option<CallbackKind>,
    #[schema(value_type = Option<schemas::EventName>)]
    #[param(inline, value_type = Option<schemas::EventName>)]
    event: Option<EventName>,
    /// `stream` or `app/stream`.
    stream: Option<String>,
    #[schema(value_type = Option<schemas::DeliveryState>)]
    #[param(inline, value_type = Option<schemas::DeliveryState>)]
    state: Option<DeliveryState>,
    /// Created at or after.
    #[param(inline)]
    since: Option<Rfc3339>,
    /// Created before.
    #[param(inline)]
    until: Option<Rfc3339>,
    /// HTTP status of the last attempt.
    #[schema(value_type = Option<i64>)]
    #[param(value_type = Option<i64>)]
    status: Option<Integer>,
    /// Error class of the last attempt.
    #[schema(value_type = Option<schemas::ErrorClass>)]
    #[param(inline, value_type = Option<schemas::ErrorClass>)]
    error_class: Option<ErrorClass>,
    /// Text in the body.
    q: Option<String>,
    /// Deliveries processed by this recovery.
    #[schema(value_type = Option<schemas::RecoveryId>)]
    #[param(inline, value_type = Option<schemas::RecoveryId>)]
    recovery: Option<RecoveryId>,
}

impl TryFrom<Filter> for DeliveryFilter {
    type Error = ApiProblem;

    fn try_from(filter: Filter) -> Result<Self, ApiProblem> {
        check_span(filter.since, filter.until)?;
        Ok(Self {
            domain: filter.domain.map(|domain| domain.0),
            kind: filter.kind,
            event: filter.event,
            stream: filter.stream,
            state: filter.state,
            since: filter.since.map(|since| since.0),
            until: filter.until.map(|until| until.0),
            status: filter.status.map(|status| status.0),
            error_class: filter.error_class.map(|class| class.to_string()),
            text: filter.q,
            recovery: filter.recovery,
            only: None,
        })
    }
}

/// List deliveries
///
/// Newest first.
#[utoipa::path(
    get, path = "/deliveries", operation_id = "listDeliveries", tag = "Deliveries",
    params(Filter, PageQuery),
    responses((status = 200, description = "A page of the list", body = List<DeliveryJson>))
)]
pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Query(filter, page): Query<Filter>,
) -> Result<Json<List<DeliveryJson>>, ApiProblem> {
    Ok(Json(app.console.deliveries.list(&actor, filter.try_into()?, page).await?.into()))
}

/// Get a delivery
///
/// Includes its body and all its attempts.
#[utoipa::path(
    get, path = "/deliveries/{id}", operation_id = "getDelivery", tag = "Deliveries",
    responses((status = 200, description = "The delivery", body = DeliveryDetailJson), (status = 404, description = "`delivery_unknown`: it may have passed its retention."))
)]
pub(super) async fn show(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<DeliveryId>,
) -> Result<Json<DeliveryDetailJson>, ApiProblem> {
    Ok(Json(app.console.deliveries.get(&actor, id).await?.into()))
}

/// Resend a delivery
///
/// Sends it now, with the same body and id and the full retry schedule.
#[utoipa::path(
    post, path = "/deliveries/{id}/resend", operation_id = "resendDelivery", tag = "Deliveries",
    responses(
    (status = 200, description = "The delivery, waiting", body = DeliveryDetailJson),
    (status = 404, description = "`delivery_unknown`: it may have passed its retention."),
    (status = 409, description = "`delivery_callback_off`: the callback is off or has no URL."),
    )
)]
pub(super) async fn resend(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<DeliveryId>,
) -> Result<Json<DeliveryDetailJson>, ApiProblem> {
    Ok(Json(app.console.deliveries.resend(&actor, id).await?.into()))
}

/// Cancel a waiting delivery
#[utoipa::path(
    post, path = "/deliveries/{id}/cancel", operation_id = "cancelDelivery", tag = "Deliveries",
    responses(
    (status = 200, description = "The delivery, cancelled", body = DeliveryDetailJson),
    (status = 404, description = "`delivery_unknown`: it may have passed its retention."),
    (status = 409, description = "`delivery_finished`: it has already finished."),
    )
)]
pub(super) async fn cancel(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<DeliveryId>,
) -> Result<Json<DeliveryDetailJson>, ApiProblem> {
    Ok(Json(app.console.deliveries.cancel(&actor, id).await?.into()))
}

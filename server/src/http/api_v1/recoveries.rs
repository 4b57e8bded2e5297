//! `/recoveries`: deliveries queued again by a filter.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use callsheet::deliveries::{DeliveryFilter, DeliveryState, Recoverable, Recovery, RecoveryOutcome, RecoveryState};
use callsheet::model::{CallbackKind, EventName, Millis, RecoveryId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::deliveries::Filter;
use super::extract::{ApiActor, Body, Object, Params};
use super::page::List;
use super::rfc3339::Rfc3339;
use super::schemas;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// The filter of a recovery, without what does not filter.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecoveryFilter)]
struct FilterJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<schemas::CallbackKind>)]
    kind: Option<CallbackKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<schemas::EventName>)]
    event: Option<EventName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    stream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<schemas::DeliveryState>)]
    state: Option<DeliveryState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    since: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    until: Option<Rfc3339>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<schemas::ErrorClass>)]
    error_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    q: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<schemas::RecoveryId>)]
    recovery: Option<RecoveryId>,
}

impl From<DeliveryFilter> for FilterJson {
    fn from(filter: DeliveryFilter) -> Self {
        Self {
            domain: filter.domain,
            kind: filter.kind,
            event: filter.event,
            stream: filter.stream,
            state: filter.state,
            since: filter.since.map(Rfc3339),
            until: filter.until.map(Rfc3339),
            status: filter.status,
            error_class: filter.error_class,
            q: filter.text,
            recovery: filter.recovery,
        }
    }
}

/// A bulk resend of deliveries that match a filter.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Recovery)]
pub(super) struct RecoveryJson {
    #[schema(value_type = schemas::RecoveryId)]
    id: RecoveryId,
    #[schema(value_type = schemas::RecoveryState)]
    state: RecoveryState,
    filter: FilterJson,
    /// Name of the user or key.
    started_by: String,
    started_at: Rfc3339,
    ended_at: Option<Rfc3339>,
    /// Deliveries that matched when it started.
    total: i64,
    /// Queued again so far.
    queued: i64,
    /// Skipped because their callback was off at the time.
    left_out: i64,
    /// Results of the queued deliveries; `null` if they are no longer stored.
    outcome: Option<OutcomeJson>,
    /// Deliveries processed per second, on average.
    per_second: f64,
}

/// Current results of the deliveries that a recovery queued. Their sum is `queued`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecoveryOutcome)]
struct OutcomeJson {
    delivered: i64,
    /// All attempts failed again.
    failed: i64,
    /// In the queue, including retries.
    waiting: i64,
    /// Cancelled by a user, or because their callback was turned off.
    cancelled: i64,
}

impl From<RecoveryOutcome> for OutcomeJson {
    fn from(outcome: RecoveryOutcome) -> Self {
        let RecoveryOutcome { delivered, failed, waiting, cancelled } = outcome;
        Self { delivered, failed, waiting, cancelled }
    }
}

impl RecoveryJson {
    fn of(recovery: Recovery, now: Millis) -> Self {
        Self {
            id: recovery.id,
            state: recovery.state,
            started_at: Rfc3339(recovery.started_at),
            ended_at: recovery.ended_at.map(Rfc3339),
            total: recovery.total,
            queued: recovery.queued,
            left_out: recovery.left_out,
            outcome: recovery.outcome.map(Into::into),
            per_second: (recovery.per_second(now) * 10.0).round() / 10.0,
            started_by: recovery.started_by,
            filter: recovery.filter.into(),
        }
    }
}

/// The result of a dry run; nothing was changed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DryRun {
    /// Always true.
    dry_run: bool,
    /// Matching deliveries.
    total: i64,
    /// Matching deliveries whose callback is off, has no URL or was deleted.
    callback_off: i64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StartRecovery {
    /// Without a state: all failed, cancelled and skipped deliveries.
    #[schema(value_type = Filter)]
    filter: Object<Filter>,
    /// Count only.
    #[serde(default)]
    dry_run: bool,
}

/// Start a recovery
///
/// Queues matching deliveries again. With `"dryRun": true` they are only counted.
#[utoipa::path(
    post, path = "/recoveries", operation_id = "startRecovery", tag = "Recoveries",
    request_body = StartRecovery,
    responses(
    (status = 200, description = "The result of a dry run; nothing was changed", body = DryRun),
    (status = 201, description = "The recovery, running", body = RecoveryJson, headers(("Location" = String, description = "Its path"))),
    (status = 422, description = "`recovery_bad_state`: only failed, cancelled and skipped deliveries can be recovered."),
    )
)]
pub(super) async fn start(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Body(body): Body<StartRecovery>,
) -> Result<Response, ApiProblem> {
    let recoveries = &app.console.recoveries;
    if body.dry_run {
        let found = recoveries.count(&actor, body.filter.0.try_into()?).await?;
        let Recoverable { total, callback_off } = found;
        return Ok(Json(DryRun { dry_run: true, total, callback_off }).into_response());
    }
    let recovery = recoveries.start(&actor, body.filter.0.try_into()?).await?;
    let location = [(header::LOCATION, format!("/api/v1/recoveries/{}", recovery.id))];
    Ok((StatusCode::CREATED, location, Json(RecoveryJson::of(recovery, app.console.clock.now()))).into_response())
}

/// List recent recoveries
///
/// At most 50, newest first.
#[utoipa::path(
    get, path = "/recoveries", operation_id = "listRecoveries", tag = "Recoveries",
    responses((status = 200, description = "The list", body = List<RecoveryJson>))
)]
pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
) -> Result<Json<List<RecoveryJson>>, ApiProblem> {
    let now = app.console.clock.now();
    let recoveries = app.console.recoveries.list(&actor).await?;
    Ok(Json(List::whole(recoveries.into_iter().map(|recovery| RecoveryJson::of(recovery, now)))))
}

/// Get a recovery and its progress
#[utoipa::path(
    get, path = "/recoveries/{id}", operation_id = "getRecovery", tag = "Recoveries",
    responses((status = 200, description = "The recovery", body = RecoveryJson), (status = 404, description = "`recovery_unknown`."))
)]
pub(super) async fn show(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<RecoveryId>,
) -> Result<Json<RecoveryJson>, ApiProblem> {
    let recovery = app.console.recoveries.get(&actor, id).await?;
    Ok(Json(RecoveryJson::of(recovery, app.console.clock.now())))
}

/// Cancel a recovery
///
/// It queues no more deliveries; those already queued are still sent.
#[utoipa::path(
    delete, path = "/recoveries/{id}", operation_id = "cancelRecovery", tag = "Recoveries",
    responses(
    (status = 200, description = "The recovery, cancelled", body = RecoveryJson),
    (status = 404, description = "`recovery_unknown`."),
    (status = 409, description = "`recovery_ended`."),
    )
)]
pub(super) async fn cancel(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<RecoveryId>,
) -> Result<Json<RecoveryJson>, ApiProblem> {
    let recovery = app.console.recoveries.cancel(&actor, id).await?;
    Ok(Json(RecoveryJson::of(recovery, app.console.clock.now())))
}

//! `/recoveries`: deliveries queued again by a filter.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use callsheet::deliveries::{DeliveryFilter, DeliveryState, Recoverable, Recovery, RecoveryState};
use callsheet::model::{CallbackKind, EventName, Millis, RecoveryId};
use serde::{Deserialize, Serialize};

use super::deliveries::Filter;
use super::extract::{ApiActor, Body, Params};
use super::moment::Moment;
use super::page::List;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// The filter of a recovery, without what does not filter.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FilterJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<CallbackKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<EventName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<DeliveryState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<String>,
}

impl From<DeliveryFilter> for FilterJson {
    fn from(filter: DeliveryFilter) -> Self {
        Self {
            domain: filter.domain,
            kind: filter.kind,
            event: filter.event,
            stream: filter.stream,
            state: filter.state,
            since: filter.since.map(Moment),
            until: filter.until.map(Moment),
            status: filter.status,
            error_class: filter.error_class,
            q: filter.text,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecoveryJson {
    id: RecoveryId,
    state: RecoveryState,
    filter: FilterJson,
    started_by: String,
    started_at: Moment,
    ended_at: Option<Moment>,
    /// Deliveries that matched when it started.
    total: i64,
    /// Queued again so far.
    queued: i64,
    /// Their callback was off when their turn came.
    left_out: i64,
    /// Deliveries handled in a second, on average.
    per_second: f64,
}

impl RecoveryJson {
    fn of(recovery: Recovery, now: Millis) -> Self {
        Self {
            id: recovery.id,
            state: recovery.state,
            started_at: Moment(recovery.started_at),
            ended_at: recovery.ended_at.map(Moment),
            total: recovery.total,
            queued: recovery.queued,
            left_out: recovery.left_out,
            per_second: (recovery.per_second(now) * 10.0).round() / 10.0,
            started_by: recovery.started_by,
            filter: recovery.filter.into(),
        }
    }
}

/// What a recovery would find; nothing was changed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DryRun {
    dry_run: bool,
    #[serde(flatten)]
    found: Recoverable,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StartRecovery {
    /// Without a state: all that failed, were cancelled or were skipped.
    filter: Filter,
    /// Only count.
    #[serde(default)]
    dry_run: bool,
}

pub(super) async fn start(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Body(body): Body<StartRecovery>,
) -> Result<Response, ApiProblem> {
    let recoveries = &app.console.recoveries;
    if body.dry_run {
        let found = recoveries.count(&actor, body.filter.into()).await?;
        return Ok(Json(DryRun { dry_run: true, found }).into_response());
    }
    let recovery = recoveries.start(&actor, body.filter.into()).await?;
    let location = [(header::LOCATION, format!("/api/v1/recoveries/{}", recovery.id))];
    Ok((StatusCode::CREATED, location, Json(RecoveryJson::of(recovery, app.console.clock.now()))).into_response())
}

/// The latest, newest first.
pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
) -> Result<Json<List<RecoveryJson>>, ApiProblem> {
    let now = app.console.clock.now();
    let recoveries = app.console.recoveries.list(&actor).await?;
    Ok(Json(List::whole(recoveries.into_iter().map(|recovery| RecoveryJson::of(recovery, now)))))
}

pub(super) async fn show(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<RecoveryId>,
) -> Result<Json<RecoveryJson>, ApiProblem> {
    let recovery = app.console.recoveries.get(&actor, id).await?;
    Ok(Json(RecoveryJson::of(recovery, app.console.clock.now())))
}

/// Queues no more; what is queued already goes out.
pub(super) async fn cancel(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<RecoveryId>,
) -> Result<Json<RecoveryJson>, ApiProblem> {
    let recovery = app.console.recoveries.cancel(&actor, id).await?;
    Ok(Json(RecoveryJson::of(recovery, app.console.clock.now())))
}

//! `/callback-tests`: a sample event to an address that need not be saved.

use axum::Json;
use axum::extract::State;
use callsheet::deliveries::ProbeReport;
use callsheet::model::CallbackKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::deliveries::PhaseJson;
use super::extract::{ApiActor, Body};
use super::schemas;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "kind": "publish", "address": "https://hooks.example.org/live" })))]
pub(super) struct RunTest {
    #[schema(value_type = schemas::CallbackKind)]
    kind: CallbackKind,
    #[schema(max_length = 2048)]
    address: String,
    /// Push domain whose secret, timeout and headers the request uses.
    domain: Option<String>,
}

/// The result of a test.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CallbackTest)]
pub(super) struct ReportJson {
    /// The receiver returned 2xx.
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<schemas::Phase>)]
    failed_phase: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<schemas::ErrorClass>)]
    error_class: Option<String>,
    /// Human-readable cause of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<String>,
    /// Human-readable remedy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    remedy: Option<String>,
    /// HTTP status of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<i64>,
    /// The first 2 KiB of the response body, as text.
    body: String,
    phases: Vec<PhaseJson>,
}

impl From<ProbeReport> for ReportJson {
    fn from(report: ProbeReport) -> Self {
        Self {
            ok: report.ok,
            failed_phase: report.failed_phase,
            error_class: report.error_class,
            error: report.error,
            remedy: report.remedy,
            status: report.status,
            body: report.body,
            phases: report.phases.into_iter().map(Into::into).collect(),
        }
    }
}

/// Send a test event
///
/// The event matches the kind of callback: a started push, or a finished recording part. The URL need not be saved. A failed test also returns 200, with `"ok": false`.
#[utoipa::path(
    post, path = "/callback-tests", operation_id = "testCallback", tag = "Callbacks",
    request_body = RunTest,
    responses(
    (status = 200, description = "The result of each phase", body = ReportJson),
    (status = 404, description = "`domain_unknown`."),
    (status = 422, description = "The URL is not valid (`address_…`)."),
    (status = 429, description = "`probe_too_many`: at most 10 tests per minute."),
    )
)]
pub(super) async fn run(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Body(body): Body<RunTest>,
) -> Result<Json<ReportJson>, ApiProblem> {
    Ok(Json(app.console.prober.test(&actor, body.domain.as_deref(), body.kind, &body.address).await?.into()))
}

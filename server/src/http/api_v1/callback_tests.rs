//! `/callback-tests`: a sample event to an address that need not be saved.

use axum::Json;
use axum::extract::State;
use callsheet::deliveries::ProbeReport;
use callsheet::model::CallbackKind;
use serde::Deserialize;

use super::extract::{ApiActor, Body};
use crate::http::AppState;
use crate::http::problem::ApiProblem;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunTest {
    kind: CallbackKind,
    address: String,
    /// Push domain whose secret, timeout and headers the request carries.
    domain: Option<String>,
}

/// A test that fails is an answer too: 200 with `"ok": false`.
pub(super) async fn run(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Body(body): Body<RunTest>,
) -> Result<Json<ProbeReport>, ApiProblem> {
    Ok(Json(app.console.prober.test(&actor, body.domain.as_deref(), body.kind, &body.address).await?))
}

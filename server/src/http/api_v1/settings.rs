//! `/settings`: what the configuration says.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::extract::ApiActor;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// Each under the name that it has in the configuration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SettingsJson {
    time_zone: String,
    retention_days: i64,
    attempt_body_days: i64,
    allowed_networks: Vec<String>,
    retry_schedule: Vec<u32>,
}

pub(super) async fn show(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
) -> Result<Json<SettingsJson>, ApiProblem> {
    let settings = app.console.settings(&actor)?.clone();
    Ok(Json(SettingsJson {
        time_zone: settings.time_zone,
        retention_days: settings.retention.days,
        attempt_body_days: settings.retention.attempt_body_days,
        allowed_networks: settings.allowed_networks,
        retry_schedule: settings.retry_schedule,
    }))
}

//! `/settings`: what the configuration says.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::ApiActor;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// Settings, named as in the configuration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Settings)]
pub(super) struct SettingsJson {
    /// IANA time zone, such as `Asia/Shanghai`.
    time_zone: String,
    /// Retention of sessions, events and deliveries, in days.
    retention_days: i64,
    /// Retention of request headers and responses of attempts, in days.
    attempt_body_days: i64,
    /// Private networks that callbacks may reach.
    allowed_networks: Vec<String>,
    /// Delay before each attempt, in seconds.
    retry_schedule: Vec<u32>,
}

/// Get settings
#[utoipa::path(
    get, path = "/settings", operation_id = "getSettings", tag = "Settings",
    responses((status = 200, description = "The settings", body = SettingsJson))
)]
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

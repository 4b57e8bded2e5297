//! `/settings`: what the configuration says.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::ApiActor;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// Each under the name that it has in the configuration.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Settings)]
pub(super) struct SettingsJson {
    /// Such as `Asia/Shanghai`.
    time_zone: String,
    /// Days that sessions, events and deliveries are kept.
    retention_days: i64,
    /// Days that headers and answers of attempts are kept.
    attempt_body_days: i64,
    /// Networks that callbacks may go to although they are not public.
    allowed_networks: Vec<String>,
    /// Seconds to wait before each try.
    retry_schedule: Vec<u32>,
}

/// Show what the configuration says
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

//! `/domains/{push}/recording`: whether and how a domain is recorded.

use axum::Json;
use axum::extract::State;
use callsheet::recordings::{RecordingChange, RecordingSettings};
use serde::Deserialize;

use super::extract::{ApiActor, Body, Params};
use crate::http::AppState;
use crate::http::problem::ApiProblem;

pub(super) async fn show(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(push): Params<String>,
) -> Result<Json<RecordingSettings>, ApiProblem> {
    Ok(Json(app.console.recordings.get(&actor, &push).await?))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReplaceRecording {
    enabled: bool,
    part_seconds: i64,
    /// Left out, it stays.
    bucket: Option<String>,
}

pub(super) async fn replace(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(push): Params<String>,
    Body(body): Body<ReplaceRecording>,
) -> Result<Json<RecordingSettings>, ApiProblem> {
    let recordings = &app.console.recordings;
    let bucket = match body.bucket {
        Some(bucket) => bucket,
        None => recordings.get(&actor, &push).await?.bucket,
    };
    let settings = RecordingSettings { enabled: body.enabled, part_seconds: body.part_seconds, bucket };
    Ok(Json(recordings.put(&actor, &push, &RecordingChange::parse(settings)?).await?))
}

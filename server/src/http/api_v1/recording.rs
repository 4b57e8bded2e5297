//! `/domains/{push}/recording`: whether and how a domain is recorded.

use axum::extract::State;
use callsheet::recordings::{RecordingChange, RecordingSettings};
use serde::Deserialize;

use super::etag::{IfMatch, Tagged};
use super::extract::{ApiActor, Body, Params};
use crate::http::AppState;
use crate::http::problem::ApiProblem;

pub(super) async fn show(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(push): Params<String>,
) -> Result<Tagged<RecordingSettings>, ApiProblem> {
    Ok(tagged(app.console.recordings.get(&actor, &push).await?))
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
    IfMatch(expected): IfMatch,
    Body(body): Body<ReplaceRecording>,
) -> Result<Tagged<RecordingSettings>, ApiProblem> {
    let recordings = &app.console.recordings;
    let bucket = match body.bucket {
        Some(bucket) => bucket,
        None => recordings.get(&actor, &push).await?.bucket,
    };
    let settings = RecordingSettings { enabled: body.enabled, part_seconds: body.part_seconds, bucket };
    Ok(tagged(recordings.put_if(&actor, &push, &RecordingChange::parse(settings)?, &expected).await?))
}

fn tagged(settings: RecordingSettings) -> Tagged<RecordingSettings> {
    Tagged(settings.version(), settings)
}

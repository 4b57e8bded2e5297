//! `/domains/{push}/recording`: whether and how a domain is recorded.

use axum::extract::State;
use callsheet::model::Version;
use callsheet::recordings::{RecordingChange, RecordingSettings};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::etag::{IfMatch, WithEtag};
use super::extract::{ApiActor, Body, Integer, Params};
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// Recording settings of a domain. File format: FLV.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Recording)]
pub(super) struct RecordingJson {
    enabled: bool,
    /// Part length, 2 to 21,600 (6 h).
    part_seconds: i64,
    /// An S3 bucket from the configuration, or a folder in the recordings directory, created on first use.
    bucket: String,
}

impl From<RecordingSettings> for RecordingJson {
    fn from(RecordingSettings { enabled, part_seconds, bucket }: RecordingSettings) -> Self {
        Self { enabled, part_seconds, bucket }
    }
}

/// Get recording settings
#[utoipa::path(
    get, path = "/domains/{push}/recording", operation_id = "getRecording", tag = "Domains",
    responses((status = 200, description = "The settings", body = RecordingJson), (status = 404, description = "`domain_unknown`."))
)]
pub(super) async fn show(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(push): Params<String>,
) -> Result<WithEtag<RecordingJson>, ApiProblem> {
    Ok(tagged(app.console.recordings.get(&actor, &push).await?))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "enabled": true, "partSeconds": 1800 })))]
pub(super) struct ReplaceRecording {
    enabled: bool,
    /// Part length.
    #[schema(value_type = i64, minimum = 2, maximum = 21_600)]
    part_seconds: Integer,
    /// Omit to keep the current value.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    bucket: Option<String>,
}

/// Change recording settings
///
/// Applies from the next push.
#[utoipa::path(
    put, path = "/domains/{push}/recording", operation_id = "replaceRecording", tag = "Domains",
    request_body = ReplaceRecording,
    responses(
    (status = 200, description = "The new settings", body = RecordingJson),
    (status = 404, description = "`domain_unknown`."),
    (status = 422, description = "`recording_bad_part_length`, `recording_bad_bucket`."),
    )
)]
pub(super) async fn replace(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(push): Params<String>,
    IfMatch(expected): IfMatch,
    Body(body): Body<ReplaceRecording>,
) -> Result<WithEtag<RecordingJson>, ApiProblem> {
    let recordings = &app.console.recordings;
    let bucket = match body.bucket {
        Some(bucket) => bucket,
        None => recordings.get(&actor, &push).await?.bucket,
    };
    let settings = RecordingSettings { enabled: body.enabled, part_seconds: body.part_seconds.0, bucket };
    Ok(tagged(recordings.put_if(&actor, &push, &RecordingChange::parse(settings)?, &expected).await?))
}

fn tagged(settings: RecordingSettings) -> WithEtag<RecordingJson> {
    WithEtag(Version::from(&settings), settings.into())
}

//! `/transcode-jobs`: results of transcoders, in whatever form they come.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use callsheet::stats::transcode::{BadOutput, ParsedResults, parse_results};
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{ApiActor, RawBody};
use super::schemas;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// Some ten thousand results, bytes.
pub(super) const LIMIT: usize = 4 * 1024 * 1024;

/// The counted results.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AddedJobs)]
pub(super) struct Added {
    /// New outputs.
    accepted: usize,
    /// Outputs counted before, by job and output.
    duplicates: usize,
    /// Results, and outputs of results, that cannot be counted.
    bad: usize,
    /// The first 20 of these.
    bad_lines: Vec<BadLine>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BadJobLine)]
struct BadLine {
    /// Line at which it begins, from 1.
    line: usize,
    /// Human-readable location in the result, cause and remedy.
    reason: String,
}

/// Import transcoding results
///
/// A JSON object, an array of objects or NDJSON, at most 4 MiB, in the format of this console, AWS MediaConvert, Tencent MPS, Aliyun VOD, JD VOD or ffprobe. Outputs counted before, by job and output, are skipped. Each output is checked separately: valid ones are counted even if others are not valid. Images such as thumbnails are not counted. A body without any valid output is refused.
#[utoipa::path(
    post, path = "/transcode-jobs", operation_id = "addTranscodeJobs", tag = "Statistics",
    request_body(
    content(
    (schemas::AnyJobs = "application/json", example = json!({
    "jobId": "j-17", "output": "720p.mp4", "domain": "vod.example.com", "status": "success", "codec": "h264",
    "width": 1280, "height": 720, "durationSeconds": 61.0, "finishedAt": "2026-11-22T08:30:00Z"
    })),
    (schemas::File = "application/x-ndjson"),
    ),
    description = "The results",
    ),
    responses(
    (status = 200, description = "The counted results", body = Added),
    (status = 400, description = "`malformed`: the body contains no JSON or was interrupted."),
    (status = 413, description = "`too_large`: the body is longer than 4 MiB."),
    (status = 422, description = "`invalid_value`: no result can be counted; `detail` has the reason for the first one."),
    )
)]
pub(super) async fn add(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    RawBody(bytes): RawBody<LIMIT>,
) -> Result<Json<Added>, ApiProblem> {
    let reading = parse_results(&bytes, app.console.clock.now());
    let reading = reading.map_err(|why| ApiProblem::new(StatusCode::BAD_REQUEST, "malformed", why.to_string()))?;
    let ParsedResults { outputs, bad, first_bad } = reading;
    if let (true, Some(first)) = (outputs.is_empty(), first_bad.first()) {
        return Err(ApiProblem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", first.to_string()));
    }
    let known = outputs.len();
    let accepted = app.console.stats.add_transcode_outputs(&actor, outputs).await?;
    let bad_lines = first_bad.into_iter().map(|BadOutput { line, reason }| BadLine { line, reason }).collect();
    Ok(Json(Added { accepted, duplicates: known - accepted, bad, bad_lines }))
}

//! `/transcode-jobs`: results of transcoders, in whatever form they come.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use callsheet::stats::transcode::{Bad, Reading, read};
use serde::Serialize;

use super::extract::{ApiActor, Content};
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// Some ten thousand results, bytes.
pub(super) const LIMIT: usize = 4 * 1024 * 1024;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Added {
    /// Outputs that are counted from now on.
    accepted: usize,
    /// Outputs that were known by job and output.
    duplicates: usize,
    /// Results that cannot be counted.
    bad: usize,
    /// The first 20 of these.
    bad_lines: Vec<BadLine>,
}

#[derive(Debug, Serialize)]
struct BadLine {
    line: usize,
    reason: String,
}

/// Counts what can be counted; a body of which nothing can be is refused.
pub(super) async fn add(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Content(bytes): Content<LIMIT>,
) -> Result<Json<Added>, ApiProblem> {
    let reading = read(&bytes, app.console.clock.now());
    let reading = reading.map_err(|why| ApiProblem::new(StatusCode::BAD_REQUEST, "malformed", why.to_string()))?;
    let Reading { outputs, bad, shown } = reading;
    if let (true, Some(first)) = (outputs.is_empty(), shown.first()) {
        return Err(ApiProblem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_value", first.to_string()));
    }
    let known = outputs.len();
    let accepted = app.console.stats.add_transcode_outputs(&actor, outputs).await?;
    let bad_lines = shown.into_iter().map(|Bad { line, reason }| BadLine { line, reason }).collect();
    Ok(Json(Added { accepted, duplicates: known - accepted, bad, bad_lines }))
}

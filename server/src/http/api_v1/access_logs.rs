//! `/access-logs`: access logs as they are, plain, gzip or zstd.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use callsheet::stats::AccessLog;
use callsheet::stats::access_log::{BadLine, Format, Tail, UnknownHost};
use serde::{Deserialize, Serialize};

use super::extract::{ApiActor, Filter};
use crate::http::AppState;
use crate::http::problem::ApiProblem;
use crate::uploads::{Upload, UploadError};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Recognised by content where it is not given.
    format: Option<Format>,
    /// The domain of lines that name no host.
    domain: Option<String>,
    /// What the import is called.
    name: Option<String>,
}

/// What was counted now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Taken {
    import_id: Option<i64>,
    format: Format,
    lines: u64,
    bad: u64,
    /// Sent to clients.
    bytes: i64,
    /// The whole file was taken in before.
    duplicate: bool,
    /// Bytes of the unpacked file that were taken in before.
    passed_over: u64,
    /// The first 20.
    bad_lines: Vec<Refused>,
    /// Requests counted under `(other)`, and the 20 hosts with the most of them.
    unknown: u64,
    unknown_hosts: Vec<UnknownHost>,
    /// Why the file could not be read to its end.
    broken: Option<String>,
}

#[derive(Debug, Serialize)]
struct Refused {
    line: u64,
    reason: &'static str,
}

pub(super) async fn add(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Filter(asked): Filter<Asked>,
    body: Body,
) -> Result<Json<Taken>, ApiProblem> {
    app.console.stats.may_add(&actor)?;
    let upload = Upload::receive(body.into_data_stream(), &app.data_dir).await.map_err(|error| match error {
        UploadError::Broken(_) => ApiProblem::new(StatusCode::BAD_REQUEST, "malformed", error.to_string()),
        UploadError::TooLarge => ApiProblem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", error.to_string()),
        UploadError::Disk(why) => {
            tracing::error!(error = &why as &dyn std::error::Error, "cannot keep an upload");
            let detail = "the console has no room for the upload now; nothing was counted";
            ApiProblem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
        }
    })?;
    let log = AccessLog {
        name: asked.name.unwrap_or_else(|| "upload".to_owned()),
        format: asked.format,
        domain: asked.domain,
        tail: Tail::Finished,
        open: move || upload.open(),
    };
    let imported = app.console.stats.import(&actor, log, |_| ()).await?;
    let duplicate = imported.is_duplicate();
    let report = imported.report;
    Ok(Json(Taken {
        import_id: imported.id,
        format: report.format,
        lines: report.lines,
        bad: report.bad,
        bytes: report.bytes,
        duplicate,
        passed_over: imported.passed_over,
        bad_lines: report
            .bad_lines
            .iter()
            .map(|&BadLine { line, reason }| Refused { line, reason: reason.sentence() })
            .collect(),
        unknown: report.unknown,
        unknown_hosts: report.unknown_hosts,
        broken: imported.broken,
    }))
}

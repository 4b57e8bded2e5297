//! `/access-logs`: access logs as they are, plain, gzip or zstd.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use callsheet::stats::AccessLog;
use callsheet::stats::access_log::{BadLine, Format, Note, NoteCount, Tail, UnknownHost};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{ApiActor, Filter};
use super::schemas;
use crate::http::AppState;
use crate::http::problem::ApiProblem;
use crate::uploads::{Upload, UploadError};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Detected from the content if omitted.
    #[param(inline, value_type = Option<schemas::LogFormat>)]
    format: Option<Format>,
    /// Domain for lines that contain no host.
    domain: Option<String>,
    /// Name of the import.
    name: Option<String>,
}

/// A line of a log, to show.
const LINE: &str = r#"{"msec":1795357880.000,"host":"play.example.com","uri":"/live/room_7.flv","status":200,"bytes_sent":1250000,"request_time":10.000}
"#;

/// The result of an import.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportedLog)]
pub(super) struct Taken {
    /// `null`: the file was empty.
    import_id: Option<i64>,
    #[schema(value_type = schemas::LogFormat)]
    format: Format,
    /// Requests and invalid lines.
    lines: u64,
    /// Lines that cannot be counted.
    bad: u64,
    /// Bytes sent to clients.
    bytes: i64,
    /// The whole file was imported before.
    duplicate: bool,
    /// Bytes of the uncompressed file that were imported before.
    passed_over: u64,
    /// The first 20.
    bad_lines: Vec<Refused>,
    /// Requests counted under `(other)`, and the 20 hosts with the most requests.
    unknown: u64,
    unknown_hosts: Vec<UnknownHostJson>,
    /// Assumptions that affect the totals.
    notes: Vec<NoteJson>,
    /// Why the file could not be read to its end.
    broken: Option<String>,
}

/// An assumption about counted lines that affects the totals.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LogNote)]
struct NoteJson {
    #[schema(value_type = schemas::LogNoteCode)]
    code: Note,
    /// Number of lines concerned.
    lines: u64,
    /// Human-readable explanation.
    text: &'static str,
}

impl From<NoteCount> for NoteJson {
    fn from(NoteCount { note, lines }: NoteCount) -> Self {
        Self { code: note, lines, text: note.sentence() }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BadLogLine)]
struct Refused {
    /// From 1.
    line: u64,
    reason: &'static str,
}

/// An unknown host.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnknownHost)]
struct UnknownHostJson {
    /// As in the lines, in lower case; empty if they contain none.
    host: String,
    requests: u64,
}

impl From<UnknownHost> for UnknownHostJson {
    fn from(UnknownHost { host, requests }: UnknownHost) -> Self {
        Self { host, requests }
    }
}

/// Import an access log
///
/// The file as plain text, gzip or zstd, of any length. Lines counted before are skipped, so the same file can be sent again. `notes` lists assumptions that affect the totals.
#[utoipa::path(
    post, path = "/access-logs", operation_id = "addAccessLog", tag = "Statistics",
    params(Asked),
    request_body(content = schemas::File, content_type = "application/octet-stream", description = "The file", example = json!(LINE)),
    responses(
    (status = 200, description = "The result of the import", body = Taken),
    (status = 400, description = "`malformed`: the body was interrupted."),
    (status = 404, description = "`stats_unknown_domain`."),
        (status = 409, description = "`import_moved`: another import processed the same file meanwhile; no line was counted twice."),
    (status = 413, description = "`too_large`."),
    (status = 422, description = "`access_log_unknown_format`, `access_log_no_domain`, `access_log_unreadable`, `access_log_utf16`, `access_log_parquet`."),
    )
)]
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
            let detail = "no disk space for the upload; nothing was counted";
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
        passed_over: imported.skipped_bytes,
        bad_lines: report
            .bad_lines
            .iter()
            .map(|&BadLine { line, reason }| Refused { line, reason: reason.sentence() })
            .collect(),
        unknown: report.unknown,
        unknown_hosts: report.unknown_hosts.into_iter().map(Into::into).collect(),
        notes: report.notes.into_iter().map(Into::into).collect(),
        broken: imported.broken,
    }))
}

//! Exports of pages: `/statistics/usage.csv?…` for the page `/statistics/usage?…`.

mod audit;
mod csv;
mod xlsx;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use callsheet::model::Actor;
use callsheet_app::reports::{self, Cell, Report};
use callsheet_app::{Locale, Texts, UiError};
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::AppState;

/// File format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    Csv,
    Xlsx,
}

impl Format {
    /// Returns the format for the extension of the path.
    fn of(uri: &Uri) -> Self {
        if uri.path().ends_with(".xlsx") { Self::Xlsx } else { Self::Csv }
    }

    /// Returns the media type and the extension.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Csv => ("text/csv; charset=utf-8", "csv"),
            Self::Xlsx => ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        }
    }
}

/// Returns the routes of all exports.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/statistics/usage.csv", get(usage))
        .route("/statistics/usage.xlsx", get(usage))
        .route("/statistics/transcoding.csv", get(transcoding))
        .route("/statistics/transcoding.xlsx", get(transcoding))
        .route("/audit.csv", get(audit::export))
        .route("/audit.xlsx", get(audit::export))
}

async fn usage(State(app): State<AppState>, request: Request) -> Response {
    let Some(actor) = signed_in(&request) else { return login_redirect(request.uri()) };
    let report = reports::usage(&app.console, &actor, texts(request.headers()), query(request.uri())).await;
    answer(report, request.uri()).await
}

async fn transcoding(State(app): State<AppState>, request: Request) -> Response {
    let Some(actor) = signed_in(&request) else { return login_redirect(request.uri()) };
    let report = reports::transcoding(&app.console, &actor, texts(request.headers()), query(request.uri())).await;
    answer(report, request.uri()).await
}

fn signed_in(request: &Request) -> Option<Actor> {
    request.extensions().get().cloned()
}

fn texts(headers: &HeaderMap) -> Texts {
    Texts(Locale::of_request(headers))
}

fn query(uri: &Uri) -> &str {
    uri.query().unwrap_or_default()
}

fn login_redirect(uri: &Uri) -> Response {
    let next = uri.path_and_query().map_or("/", |path| path.as_str());
    Redirect::to(&format!("/login?{}", Serializer::new(String::new()).append_pair("next", next).finish()))
        .into_response()
}

async fn answer(report: Result<Report, UiError>, uri: &Uri) -> Response {
    match report {
        Ok(report) => file(report, Format::of(uri)).await,
        Err(error) => error_response(&error),
    }
}

fn error_response(error: &UiError) -> Response {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, error.message.clone()).into_response()
}

/// Responds with a report as a file.
pub(super) async fn file(report: Report, format: Format) -> Response {
    let name = report.name.clone();
    let body = match format {
        Format::Csv => csv::body(report),
        // A workbook is a zip file whose index comes last, so it cannot be streamed. Writing it is CPU-bound.
        Format::Xlsx => match tokio::task::spawn_blocking(move || xlsx::workbook(&report)).await {
            Ok(Ok(bytes)) => Body::from(bytes),
            Ok(Err(error)) => return internal_error(&error),
            Err(error) => return internal_error(&error),
        },
    };
    attachment(format, &name, body)
}

/// Responds with an attachment. `name` has no extension.
fn attachment(format: Format, name: &str, body: Body) -> Response {
    let (media_type, ending) = format.names();
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}.{ending}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    response
}

fn internal_error(error: &(dyn std::error::Error + 'static)) -> Response {
    tracing::error!(error, "failed to write an export");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Escapes a text that a spreadsheet would interpret as a formula.
fn escape_formula(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// Formats a cell as plain text, without thousands separators.
fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) | Cell::Time { text, .. } => escape_formula(text),
        Cell::Whole(value) => value.to_string(),
        Cell::Share(_) => cell.text(),
        Cell::Decimal { hundredths, .. } => format!("{}.{:02}", hundredths / 100, hundredths % 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_escaped() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(escape_formula(text), format!("'{text}"));
        }
        for text in ["", "play.example.com", "(other)", "1=1", "12.84 TB (+6.1 %)"] {
            assert_eq!(escape_formula(text), text);
        }
    }

    #[test]
    fn figures_have_no_thousands_separators() {
        assert_eq!(plain(&Cell::Whole(1_234_567)), "1234567");
        assert_eq!(plain(&Cell::Decimal { hundredths: 123_405, exact: 0 }), "1234.05");
    }
}

//! `/audit.csv?…` and `/audit.xlsx?…`: all entries that match the filters of the page `/audit?…`.

use std::error::Error;
use std::io;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use callsheet_app::reports::Cell;
use callsheet_app::{AuditExport, UiError};
use futures::{StreamExt, stream};

use super::{
    Format, attachment, csv, error_response, escape_formula, internal_error, login_redirect, plain, query, signed_in,
    texts, xlsx,
};
use crate::http::AppState;

pub(super) async fn export(State(app): State<AppState>, request: Request) -> Response {
    let Some(actor) = signed_in(&request) else { return login_redirect(request.uri()) };
    let export = AuditExport::of_query(&app.console, &actor, texts(request.headers()), query(request.uri()));
    let export = match export {
        Ok(export) => export,
        Err(error) => return error_response(&error),
    };
    let name = export.name();
    let answer = match Format::of(request.uri()) {
        Format::Csv => as_csv(export).await.map(|body| attachment(Format::Csv, &name, body)),
        Format::Xlsx => as_xlsx(export).await.map(|made| match made {
            Ok(bytes) => attachment(Format::Xlsx, &name, Body::from(bytes)),
            Err(error) => internal_error(&*error),
        }),
    };
    answer.unwrap_or_else(|error| error_response(&error))
}

/// Streams the entries as CSV. An error aborts the response, so that a partial file is not mistaken for a complete one.
async fn as_csv(mut export: AuditExport) -> Result<Body, UiError> {
    let head = export.columns().iter().map(|column| escape_formula(column)).collect();
    let first = export.next().await?;
    let mut records = lines(&first);
    records.insert(0, head);
    let start = Ok(Bytes::from(csv::start(csv::chunk(&records))));
    let rest = stream::unfold((export, first.is_empty()), |(mut export, ended)| async move {
        if ended {
            return None;
        }
        match export.next().await {
            Ok(rows) if rows.is_empty() => None,
            Ok(rows) => Some((Ok(Bytes::from(csv::chunk(&lines(&rows)))), (export, false))),
            Err(error) => Some((Err(io::Error::other(error)), (export, true))),
        }
    });
    Ok(Body::from_stream(stream::iter([start]).chain(rest)))
}

/// Writes the entries as a workbook. The outer error comes from reading the entries, the inner one from writing the workbook.
async fn as_xlsx(mut export: AuditExport) -> Result<Result<Vec<u8>, Box<dyn Error + Send + Sync>>, UiError> {
    export.check_sheet().await?;
    let mut sheet = match xlsx::Sheet::new(&export.columns()) {
        Ok(sheet) => sheet,
        Err(error) => return Ok(Err(error.into())),
    };
    loop {
        let rows = export.next().await?;
        if rows.is_empty() {
            break;
        }
        if let Err(error) = sheet.add(&rows) {
            return Ok(Err(error.into()));
        }
    }
    // Compressing a large workbook is CPU-bound.
    let packed = tokio::task::spawn_blocking(move || sheet.finish()).await;
    Ok(packed.map_err(Into::into).and_then(|packed| packed.map_err(Into::into)))
}

fn lines(rows: &[[Cell; 7]]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.iter().map(plain).collect()).collect()
}

//! `/audit.csv?…` and `/audit.xlsx?…`: the entries that the page `/audit?…` lists, all of them.

use std::error::Error;
use std::io;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use callsheet_app::reports::Cell;
use callsheet_app::{AuditExport, UiError};
use futures::{StreamExt, stream};

use super::{Format, attachment, csv, fault, guarded, plain, query, refused, signed_in, texts, to_login, xlsx};
use crate::http::AppState;

pub(super) async fn export(State(app): State<AppState>, request: Request) -> Response {
    let Some(actor) = signed_in(&request) else { return to_login(request.uri()) };
    let export = AuditExport::of_query(&app.console, &actor, texts(request.headers()), query(request.uri()));
    let export = match export {
        Ok(export) => export,
        Err(error) => return refused(&error),
    };
    let name = export.name();
    let answer = match Format::of(request.uri()) {
        Format::Csv => as_csv(export).await.map(|body| attachment(Format::Csv, &name, body)),
        Format::Xlsx => as_xlsx(export).await.map(|made| match made {
            Ok(bytes) => attachment(Format::Xlsx, &name, Body::from(bytes)),
            Err(error) => fault(&*error),
        }),
    };
    answer.unwrap_or_else(|error| refused(&error))
}

/// Read and written while it is sent. What fails on the way breaks the answer off, so that nobody takes a part for the whole.
async fn as_csv(mut export: AuditExport) -> Result<Body, UiError> {
    let head = export.columns().iter().map(|column| guarded(column)).collect();
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

/// The outer error is the page's, the inner one of the workbook.
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
    // Packing a large one takes a while of computing.
    let packed = tokio::task::spawn_blocking(move || sheet.finish()).await;
    Ok(packed.map_err(Into::into).and_then(|packed| packed.map_err(Into::into)))
}

fn lines(rows: &[[Cell; 7]]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.iter().map(plain).collect()).collect()
}

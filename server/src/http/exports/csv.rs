//! Writes a report as CSV (RFC 4180): facts, then each table after an empty line and its title.

use std::convert::Infallible;
use std::iter::once;

use axum::body::{Body, Bytes};
use callsheet_app::reports::{Report, Table};
use futures::stream;

use super::{escape_formula, plain};

/// Byte order mark, by which spreadsheets recognize UTF-8.
const MARK: &str = "\u{feff}";
/// Number of records per chunk.
const RECORDS: usize = 500;

/// Returns a body that is written while it is sent.
pub(super) fn body(report: Report) -> Body {
    let mut records = records(report);
    let mut first = true;
    let chunks = std::iter::from_fn(move || {
        let taken: Vec<_> = records.by_ref().take(RECORDS).collect();
        let chunk = chunk(&taken);
        let chunk = if std::mem::take(&mut first) { start(chunk) } else { chunk };
        (!taken.is_empty()).then(|| Ok::<_, Infallible>(Bytes::from(chunk)))
    });
    Body::from_stream(stream::iter(chunks))
}

/// Prepends the byte order mark to the first chunk.
pub(super) fn start(chunk: Vec<u8>) -> Vec<u8> {
    [MARK.as_bytes(), &chunk].concat()
}

/// Writes records as lines.
pub(super) fn chunk(records: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().flexible(true).terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Writing to memory cannot fail.
    for record in records {
        let _ = writer.write_record(record);
    }
    writer.into_inner().unwrap_or_default()
}

fn records(report: Report) -> impl Iterator<Item = Vec<String>> + Send {
    let title = once(vec![escape_formula(&report.title)]);
    let facts = report.facts.into_iter().map(|fact| vec![escape_formula(&fact.label), escape_formula(&fact.text)]);
    title.chain(facts).chain(report.tables.into_iter().flat_map(of_table))
}

fn of_table(table: Table) -> impl Iterator<Item = Vec<String>> + Send {
    let head = table.columns.iter().map(|column| escape_formula(&column.title)).collect();
    let rows = table.rows.into_iter().map(|row| row.iter().map(plain).collect());
    [vec![String::new()], vec![escape_formula(&table.title)], head].into_iter().chain(rows)
}

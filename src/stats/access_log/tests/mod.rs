//! Tests of formats, of sums against an independent implementation, and of truncated, growing, damaged and repeated files.

mod field;
mod formats;
mod hostile;
mod oracle;
mod sums;
mod surroundings;
mod twice;

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::{Batch, Format, ImportReport, KnownHosts, LogReader, ReadEnd, Tail, Tally};
use crate::stats::Sums;

/// 2026-11-22T10:00:00Z.
const NOW_MS: i64 = 1_795_341_600_000;

const NGINX_JSON: &str = include_str!("samples/nginx_json.log");
const NGINX_COMBINED: &str = include_str!("samples/nginx_combined.log");

/// Sums by domain and bin.
type Totals = BTreeMap<(String, i64), Sums>;

fn known() -> Arc<KnownHosts> {
    Arc::new(KnownHosts::new(["play.test.com", "VOD.test.com", "www.test.com"]))
}

fn tally(format: Format) -> Tally {
    Tally::new(format, known(), None, NOW_MS)
}

fn add(totals: &mut Totals, batch: &Batch) {
    for row in &batch.rows {
        let sums = totals.entry((row.domain.to_string(), row.at)).or_default();
        sums.bytes += row.sums.bytes;
        sums.requests += row.sums.requests;
        sums.hits += row.sums.hits;
        sums.s2xx += row.sums.s2xx;
        sums.s3xx += row.sums.s3xx;
        sums.s4xx += row.sums.s4xx;
        sums.s5xx += row.sums.s5xx;
    }
}

/// Counts a complete file.
fn count(content: &[u8], format: Format) -> (Totals, ImportReport) {
    count_given(content, format, None)
}

/// Counts a complete file. Lines without host are counted for `domain`.
fn count_given(content: &[u8], format: Format, domain: Option<&str>) -> (Totals, ImportReport) {
    let (totals, report, end) = run(content, Tally::new(format, known(), domain, NOW_MS));
    assert!(matches!(end, ReadEnd::Complete), "{end:?}");
    (totals, report)
}

/// Counts a file as far as it can be read.
fn run(content: &[u8], mut tally: Tally) -> (Totals, ImportReport, ReadEnd) {
    let mut reader = LogReader::open(|| Ok(Cursor::new(content))).expect("open");
    let mut totals = Totals::new();
    let end = reader.run(&mut tally, Tail::Finished, |batch| {
        add(&mut totals, &batch);
        ControlFlow::Continue(())
    });
    (totals, tally.report(), end)
}

/// A reader that returns pieces of the given sizes cyclically.
struct Pieces<'a> {
    content: &'a [u8],
    sizes: std::iter::Cycle<std::slice::Iter<'a, usize>>,
}

impl<'a> Pieces<'a> {
    fn new(content: &'a [u8], sizes: &'a [usize]) -> Self {
        Self { content, sizes: sizes.iter().cycle() }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes.next().copied().unwrap_or(1).min(into.len());
        self.content.read(&mut into[..size])
    }
}

/// Returns a line of the console's nginx format.
fn json_line(host: &str, end_ms: i64, duration_ms: i64, bytes: i64, status: u16) -> String {
    let decimal = |ms: i64| format!("{}.{:03}", ms / 1000, ms % 1000);
    format!(
        "{{\"t\":\"-\",\"msec\":{},\"host\":\"{host}\",\"uri\":\"/v.mp4\",\"status\":{status},\"bytes_sent\":{bytes},\"body_bytes_sent\":1,\
         \"request_time\":{},\"ua\":\"a\\\"b\\\\\"}}\n",
        decimal(end_ms),
        decimal(duration_ms)
    )
}

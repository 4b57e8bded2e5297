//! Imports access logs.

use std::cmp::Reverse;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use callsheet::Console;
use callsheet::model::{Actor, TestClock};
use callsheet::stats::access_log::{Format, KnownHosts, LogReader, ReadEnd, Tail, Tally};
use callsheet::stats::{AccessLog, Metric, TimeRange, UsageQuery};
use serde_json::{Value, json};

use crate::logs::{DAY, Expected, HOSTS, START, host, is_known, write};
use crate::machine::{cpu_seconds, describe, fsyncs, peak_mib, reset_peak};
use crate::{Outcome, console, goaccess, number, sqlite};

/// Measures each format on a new console.
pub(crate) async fn run() -> Outcome<()> {
    let lines = number("CALLSHEET_BENCH_LINES", 4_000_000).unsigned_abs();
    for format in [Format::NginxJson, Format::Combined, Format::W3c, Format::Aliyun] {
        println!("{}", measure(format, lines).await?);
    }
    Ok(())
}

async fn measure(format: Format, lines: u64) -> Outcome<Value> {
    let dir = tempfile::tempdir()?;
    let syncs = fsyncs(dir.path())?;
    let path = dir.path().join("access.log");
    let expected = write(&path, format, lines)?;
    // Reads the file into the page cache.
    line_ends(&path)?;
    let per_cpu_second = |cpu: f64| (lines as f64 / cpu).round();
    let cpu = cpu_seconds("self");
    line_ends(&path)?;
    let floor = per_cpu_second(cpu_seconds("self") - cpu);
    let cpu = cpu_seconds("self");
    count(&path, format, lines)?;
    let counting = per_cpu_second(cpu_seconds("self") - cpu);

    let clock = Arc::new(TestClock::at((START + 2 * DAY) * 1000));
    let console = console(dir.path(), &sqlite(dir.path()), clock).await?;
    for number in (0..HOSTS).filter(|number| is_known(*number)) {
        console.stats.add_vod_domain(&Actor::cli(), &host(number), &format!("vod/{number}")).await?;
    }
    reset_peak();
    let (started, cpu) = (Instant::now(), cpu_seconds("self"));
    let commits = import(&console, &path, format).await?;
    let (took, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds("self") - cpu);
    let peak = peak_mib("self");
    check(&console, &expected, lines).await?;
    console.close().await;
    let goaccess = goaccess::lines_per_cpu_second(dir.path(), format, lines / 10)?;
    let imported = per_cpu_second(cpu);
    Ok(json!({
        "bench": "import", "format": format.as_str(), "lines": lines, "bytesPerLine": std::fs::metadata(&path)?.len() / lines,
        "linesPerCpuSecond": imported, "linesPerSecond": (lines as f64 / took).round(), "commits": commits, "peakMiB": peak,
        "countedOnlyPerCpuSecond": counting, "lineEndsPerCpuSecond": floor,
        "goaccessPerCpuSecond": goaccess, "timesGoaccess": goaccess.map(|other| (imported / other * 10.0).round() / 10.0),
        "machine": describe(syncs),
    }))
}

/// Imports the file. Returns the number of commits.
async fn import(console: &Console, path: &Path, format: Format) -> Outcome<u32> {
    let (file, mut commits) = (PathBuf::from(path), 0);
    let log = AccessLog {
        name: "access.log".to_owned(),
        format: None,
        domain: (!format.names_hosts()).then(|| host(1)),
        tail: Tail::Finished,
        open: move || File::open(&file),
    };
    let imported = console.stats.import(&Actor::cli(), log, |_| commits += 1).await?;
    match imported.report.bad {
        0 => Ok(commits),
        bad => Err(format!("{bad} bad lines").into()),
    }
}

/// Checks that the console shows what was written.
async fn check(console: &Console, expected: &Expected, lines: u64) -> Outcome<()> {
    let range = TimeRange { from: START - DAY, to: START + DAY };
    let query = UsageQuery { metric: Metric::Traffic, domains: Vec::new(), range, granularity: None, compare: false };
    let view = console.stats.usage(&Actor::cli(), query).await?;
    let shown: Vec<_> = view.top.iter().map(|top| (top.domain.as_str(), top.traffic, top.requests)).collect();
    let mut most: Vec<_> = expected
        .iter()
        .filter(|(_, sums)| sums.1 > 0)
        .map(|(domain, sums)| (domain.as_str(), sums.0, sums.1))
        .collect();
    most.sort_by_key(|(domain, bytes, _)| (Reverse(*bytes), *domain));
    most.truncate(shown.len());
    let [import] = &console.stats.list_imports(&Actor::cli(), 2).await?[..] else { return Err("one import".into()) };
    let bytes: i64 = expected.values().map(|sums| sums.0).sum();
    let is_whole = view.cards.traffic.now == bytes && import.progress.lines.unsigned_abs() == lines;
    if is_whole && shown == most { Ok(()) } else { Err("other totals than were written".into()) }
}

fn line_ends(path: &Path) -> Outcome<usize> {
    let (mut file, mut block, mut ends) = (File::open(path)?, vec![0; 1 << 20], 0);
    loop {
        match file.read(&mut block)? {
            0 => return Ok(ends),
            read => ends += memchr::memchr_iter(b'\n', &block[..read]).count(),
        }
    }
}

/// Counts the lines without storing the sums.
fn count(path: &Path, format: Format, lines: u64) -> Outcome<()> {
    let names: Vec<String> = (0..HOSTS).filter(|number| is_known(*number)).map(host).collect();
    let known = Arc::new(KnownHosts::new(names.iter().map(String::as_str)));
    let mut reader = LogReader::open(|| File::open(path))?;
    let mut tally = Tally::new(format, known, Some(&host(1)), (START + 2 * DAY) * 1000);
    let mut requests = 0;
    let end = reader.run(&mut tally, Tail::Finished, |batch| {
        requests += batch.rows.iter().map(|row| row.sums.requests).sum::<i64>();
        ControlFlow::Continue(())
    });
    if !matches!(end, ReadEnd::Complete) || requests.unsigned_abs() != lines {
        return Err(format!("{requests} of {lines} lines counted: {end:?}").into());
    }
    Ok(())
}

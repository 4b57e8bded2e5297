//! How many lines of access logs a second become sums, by format, against the bare work of finding line ends in the same file.
//!
//! `cargo bench -p callsheet-server --bench access_log -- FORMAT…` (four without a name); each prints one JSON line. Lines of a file:
//! `CALLSHEET_BENCH_LINES` (1,000,000), of 200 hosts over a day, one in ten of them unknown. One thread; nothing is stored.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Read, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use callsheet::stats::access_log::{End, Format, KnownHosts, Reading, Tail, Tally};
use serde_json::json;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const HOSTS: u64 = 200;
/// 2026-11-22T00:00:00Z.
const START: u64 = 1_795_305_600;

fn main() -> Outcome<()> {
    // Cargo adds `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let lines: u64 =
        std::env::var("CALLSHEET_BENCH_LINES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir()?;
    for format in [Format::NginxJson, Format::Combined, Format::W3c, Format::Aliyun] {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == format.as_str()) {
            continue;
        }
        let path = folder.path().join("access.log");
        write_log(&path, format, lines)?;
        // Read once before, so that both find it in memory.
        line_ends(&path)?;
        let started = Instant::now();
        line_ends(&path)?;
        let floor = started.elapsed().as_secs_f64();
        let started = Instant::now();
        count(&path, format, lines)?;
        let counted = started.elapsed().as_secs_f64();
        let bytes = std::fs::metadata(&path)?.len();
        println!(
            "{}",
            json!({
                "bench": "access_log",
                "format": format.as_str(),
                "lines": lines,
                "linesPerSecond": per_second(lines, counted),
                "floorLinesPerSecond": per_second(lines, floor),
                "mibPerSecond": per_second(bytes >> 20, counted),
                "peakMib": peak_mib(),
            })
        );
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a figure to read")]
fn per_second(count: u64, seconds: f64) -> f64 {
    (count as f64 / seconds).round()
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

fn count(path: &Path, format: Format, lines: u64) -> Outcome<()> {
    let names: Vec<String> = (0..HOSTS).filter(|number| number % 10 != 0).map(host).collect();
    let known = Arc::new(KnownHosts::new(names.iter().map(String::as_str)));
    let now_ms = i64::try_from((START + 86_400) * 1000)?;
    let mut reading = Reading::open(|| File::open(path))?;
    let mut tally = Tally::new(format, known, Some("h1.example.com"), now_ms);
    let mut requests = 0;
    let end = reading.run(&mut tally, Tail::Finished, |batch| {
        requests += batch.rows.iter().map(|row| row.sums.requests).sum::<i64>();
        ControlFlow::Continue(())
    });
    if !matches!(end, End::Complete) || requests.unsigned_abs() != lines {
        return Err(format!("{requests} of {lines} lines counted: {end:?}").into());
    }
    Ok(())
}

fn host(number: u64) -> String {
    format!("h{number}.example.com")
}

/// A log whose hosts, sizes and durations scatter, and whose lines end one after another over a day.
fn write_log(path: &Path, format: Format, lines: u64) -> Outcome<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    if format == Format::W3c {
        writeln!(file, "#Fields: date time sc-bytes c-ip cs-method x-host-header cs-uri-stem sc-status time-taken")?;
    }
    let mut line = String::new();
    for number in 0..lines {
        let scattered = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let (host, bytes, ms) = (host(scattered % HOSTS), scattered % 5_000_000, scattered % 20_000);
        let second = number * 86_400 / lines;
        let clock = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
        line.clear();
        match format {
            Format::NginxJson => write!(
                line,
                "{{\"t\":\"2026-11-22T{clock}+00:00\",\"msec\":{}.123,\"host\":\"{host}\",\"uri\":\"/vod/{scattered}.mp4\",\"args\":\"\",\
                 \"method\":\"GET\",\"status\":206,\"bytes_sent\":{bytes},\"body_bytes_sent\":{bytes},\"request_length\":93,\
                 \"request_time\":{}.{:03},\"range\":\"bytes=0-\",\"remote_addr\":\"127.0.0.1\",\"ref\":\"\",\"ua\":\"Mozilla/5.0 (X11)\"}}",
                START + second,
                ms / 1000,
                ms % 1000
            )?,
            Format::W3c => write!(
                line,
                "2026-11-22\t{clock}\t{bytes}\t127.0.0.1\tGET\t{host}\t/vod/{scattered}.mp4\t206\t{}.{:03}",
                ms / 1000,
                ms % 1000
            )?,
            Format::Aliyun => write!(
                line,
                "[22/Nov/2026:{clock} +0000] 127.0.0.1 - {ms} \"-\" \"GET http://{host}/vod/{scattered}.mp4\" 206 93 {bytes} HIT \
                 \"Mozilla/5.0 (X11)\" \"video/mp4\""
            )?,
            _ => write!(
                line,
                "127.0.0.1 - - [22/Nov/2026:{clock} +0000] \"GET /vod/{scattered}.mp4 HTTP/1.1\" 206 {bytes} \"-\" \"Mozilla/5.0 (X11)\""
            )?,
        }
        writeln!(file, "{line}")?;
    }
    file.flush()?;
    Ok(())
}

/// The most memory that this process has held, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

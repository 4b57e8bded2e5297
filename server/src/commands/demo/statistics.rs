//! A year of demo statistics: monthly access logs, files in buckets, and transcoder results.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use callsheet::Console;
use callsheet::model::{Actor, AppName, Clock, DomainName, Millis, StreamName, TestClock};
use callsheet::recordings::PartLocation;
use callsheet::stats::transcode::{Outcome, Output};
use callsheet::stats::{BIN_S, Codec, ImportStep, Progress, Sums, UsageRow};
use jiff::tz::TimeZone;
use rand::Rng;
use rand::rngs::StdRng;

use super::DAY_MS;
use super::streams::{BUCKET, PART_MS, SAMPLES, Sample};
use crate::commands::Failure;

/// Number of days.
pub(super) const DAYS: i64 = 365;
const FILM_BUCKET: &str = "sample-films";
const VOD: &str = "vod.sample-films.example";
const DAY_S: i64 = 86_400;
/// Interval of log rotation.
const MONTH_S: i64 = 30 * DAY_S;
/// Typical length of a log line.
const LINE_BYTES: i64 = 210;

struct Host {
    name: &'static str,
    /// Bytes per bin in the peak hour.
    peak: f64,
    /// Peak hour in UTC.
    peak_hour: f64,
    /// Typical bytes per response: a segment of this kind of media.
    response: f64,
}

const HOSTS: [Host; 4] = [
    Host { name: "play.sample-sports.example", peak: 96e9, peak_hour: 12.0, response: 2.1e6 },
    Host { name: "play.sample-academy.example", peak: 21e9, peak_hour: 7.0, response: 1.1e6 },
    Host { name: "play.sample-radio.example", peak: 1.4e9, peak_hour: 1.0, response: 64e3 },
    Host { name: VOD, peak: 48e9, peak_hour: 14.0, response: 3.4e6 },
];
/// Final number and size of files, for each recorded domain and for the VOD domain.
const RECORDED: [(&Sample, usize, u64); 2] = [(&SAMPLES[0], 420, 1_900_000_000), (&SAMPLES[1], 610, 640_000_000)];
const FILMS: (usize, u64) = (240, 3_400_000_000);
/// Codec, width, height, and outputs per day.
const OUTPUTS: [(Codec, u32, u32, u32); 6] = [
    (Codec::H264, 640, 360, 14),
    (Codec::H264, 1280, 720, 12),
    (Codec::H264, 1920, 1080, 9),
    (Codec::H265, 1920, 1080, 5),
    (Codec::H265, 3840, 2160, 2),
    (Codec::Av1, 1080, 1920, 3),
];

/// Adds inventories and transcoder results day by day until `now`, then the logs of the year.
pub(super) async fn fill(
    console: &Console,
    clock: &TestClock,
    now: Millis,
    zone: &TimeZone,
    random: &mut StdRng,
) -> Result<(), Failure> {
    console.stats.add_vod_domain(&Actor::cli(), VOD, &format!("{FILM_BUCKET}/public")).await?;
    for day in 1..=DAYS {
        clock.advance(DAY_MS);
        let mut tally = console.stats.start_inventory().await?;
        for File { bucket, key, bytes } in files(day as f64 / DAYS as f64, now, zone)? {
            tally.count(bucket, &key, bytes);
        }
        console.stats.save_inventory(tally).await?;
        console.stats.add_transcode_outputs(&Actor::cli(), outputs(clock.now(), random)).await?;
    }
    for month in 0..(DAYS * DAY_S).div_euclid(MONTH_S) + 1 {
        let rows = usage(month, now / 1000, random);
        let Some(last) = rows.last().map(|row| row.at) else { continue };
        let lines: i64 = rows.iter().map(|row| row.sums.requests).sum();
        let prefix = random.random();
        let progress = Progress { taken: lines * LINE_BYTES, prefix, head: prefix, lines, bad: 0 };
        let name = format!("sample-{:02}.log.gz", month + 1);
        let step = ImportStep { import: None, name, from: 0, progress, now: last + BIN_S };
        console.stats.add_usage(&Actor::cli(), &rows, &step).await?;
    }
    Ok(())
}

/// Creates the files of the last day as sparse files.
pub(super) fn make_files(data: &Path, now: Millis, zone: &TimeZone) -> Result<(), Failure> {
    for File { bucket, key, bytes } in files(1.0, now, zone)? {
        let path = data.join("buckets").join(bucket).join(key);
        std::fs::create_dir_all(path.parent().unwrap_or(data))?;
        fs::File::create(path)?.set_len(bytes)?;
    }
    Ok(())
}

struct File {
    bucket: &'static str,
    key: String,
    bytes: u64,
}

/// Returns the files that existed after the fraction `passed` of the year until `end`. A third of them existed before the year.
fn files(passed: f64, end: Millis, zone: &TimeZone) -> Result<Vec<File>, Failure> {
    let existing = |count: usize| (count as f64 * (1.0 + 2.0 * passed) / 3.0) as usize;
    let size = |n: usize, bytes: u64| bytes / 100 * (70 + n as u64 * 37 % 60);
    let mut files = Vec::new();
    for (sample, count, bytes) in RECORDED {
        let (domain, app) = (DomainName::parse(sample.push)?, AppName::parse(sample.app)?);
        for n in 0..existing(count) {
            let stream = StreamName::parse(sample.streams[n % sample.streams.len()])?;
            let start = end - (DAYS * DAY_MS) / 2 * (3 * (count - n) as i64) / count as i64;
            let place = PartLocation {
                bucket: BUCKET,
                domain: &domain,
                app: &app,
                stream: &stream,
                start,
                end: Some(start + PART_MS),
            };
            files.push(File { bucket: BUCKET, key: place.key(zone), bytes: size(n, bytes) });
        }
    }
    let (count, bytes) = FILMS;
    let film = |n| File { bucket: FILM_BUCKET, key: format!("public/sample_{n:04}.mp4"), bytes: size(n, bytes) };
    files.extend((0..existing(count)).map(film));
    Ok(files)
}

fn outputs(now: Millis, random: &mut StdRng) -> Vec<Output> {
    let mut outputs = Vec::new();
    for (codec, width, height, daily) in OUTPUTS {
        for n in 0..random.random_range(daily / 2..=daily) {
            let outcome = match random.random_ratio(1, 60) {
                true => Outcome::Failed { reason: "the source has no video".to_owned() },
                false => Outcome::Succeeded,
            };
            outputs.push(Output {
                job: format!("sample-{now}-{n}"),
                output: format!("{codec}_{width}x{height}.mp4"),
                domain: Some(VOD.to_owned()),
                outcome,
                codec,
                width: Some(width),
                height: Some(height),
                is_audio: false,
                duration_ms: random.random_range(40_000..3_600_000),
                finished_at: now - random.random_range(0..DAY_MS / 2),
            });
        }
    }
    outputs
}

/// Returns the usage of all hosts in a month, until `end_s`.
fn usage(month: i64, end_s: i64, random: &mut StdRng) -> Vec<UsageRow> {
    let first = (end_s - DAYS * DAY_S).div_euclid(BIN_S) * BIN_S;
    let (from, to) = (first + month * MONTH_S, (first + (month + 1) * MONTH_S).min(end_s - BIN_S + 1));
    let mut rows = Vec::new();
    for Host { name, peak, peak_hour, response } in &HOSTS {
        let domain: Arc<str> = (*name).into();
        for at in (from..to).step_by(BIN_S as usize) {
            let bytes = peak * load(at, end_s, *peak_hour) * random.random_range(0.9..1.1);
            let requests = bytes / response * random.random_range(0.95..1.05);
            let mut share = |least: f64, most: f64| (requests * random.random_range(least..most)) as i64;
            let (s3xx, s4xx, s5xx) = (share(0.01, 0.02), share(0.003, 0.008), share(0.0, 0.0006));
            let (hits, requests) = (share(0.93, 0.97), requests as i64);
            let sums =
                Sums { bytes: bytes as i64, requests, hits, s2xx: requests - s3xx - s4xx - s5xx, s3xx, s4xx, s5xx };
            rows.push(UsageRow { domain: Arc::clone(&domain), at, sums });
        }
    }
    rows
}

/// Returns the load as a fraction from 0 to 1, depending on the hour, the weekday, and the time of the year.
fn load(at_s: i64, end_s: i64, peak_hour: f64) -> f64 {
    let hour = (at_s % 86_400) as f64 / 3_600.0;
    let from_peak = ((hour - peak_hour + 36.0) % 24.0 - 12.0) / 12.0;
    let day = (1.0 - from_peak * from_peak).powi(3) * 0.85 + 0.15;
    // 1970-01-01 was a Thursday.
    let week = if matches!((at_s / 86_400 + 4) % 7, 0 | 6) { 1.0 } else { 0.74 };
    let year = 1.0 - 0.45 * (end_s - at_s) as f64 / (DAYS * DAY_S) as f64;
    day * week * year
}

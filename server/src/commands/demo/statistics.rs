//! A year of figures: an access log as nginx writes it, files in buckets, results of a transcoder.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use callsheet::Console;
use callsheet::model::{Actor, Clock, Millis, TestClock};
use callsheet::stats::access_log::{Format, Tail};
use callsheet::stats::transcode::{Outcome, Output};
use callsheet::stats::{AccessLog, Codec};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{DAY_MS, SEED};
use crate::commands::Failure;

/// How long ago it begins.
pub(super) const DAYS: i64 = 365;
const POINT_S: i64 = 300;
const VOD: &str = "vod.sample-films.example";
/// Host, bytes of a point at its best hour, and that hour (UTC).
const HOSTS: [(&str, f64, f64); 4] = [
    ("play.sample-sports.example", 96e9, 12.0),
    ("play.sample-academy.example", 21e9, 7.0),
    ("play.sample-radio.example", 1.4e9, 1.0),
    (VOD, 48e9, 14.0),
];
/// Bucket and folder of files, how many there are in the end, and how large they are.
const FILES: [(&str, &str, usize, u64); 3] = [
    ("sample", "record/push.sample-sports.example/live/arena_1", 420, 1_900_000_000),
    ("sample", "record/push.sample-academy.example/class/math_7b", 610, 640_000_000),
    ("sample-films", "public", 240, 3_400_000_000),
];
/// Coding method, sides, and outputs a day.
const OUTPUTS: [(Codec, u32, u32, u32); 6] = [
    (Codec::H264, 640, 360, 14),
    (Codec::H264, 1280, 720, 12),
    (Codec::H264, 1920, 1080, 9),
    (Codec::H265, 1920, 1080, 5),
    (Codec::H265, 3840, 2160, 2),
    (Codec::Av1, 1080, 1920, 3),
];

/// What buckets held and what was transcoded, day by day until `now`; then the log of the year.
pub(super) async fn fill(
    console: &Console,
    clock: &TestClock,
    now: Millis,
    random: &mut StdRng,
) -> Result<(), Failure> {
    console.stats.add_vod_domain(&Actor::cli(), VOD, "sample-films/public").await?;
    for day in 1..=DAYS {
        clock.advance(DAY_MS);
        let mut tally = console.stats.begin_inventory().await?;
        for (bucket, key, bytes) in files(day as f64 / DAYS as f64) {
            tally.count(bucket, &key, bytes);
        }
        console.stats.end_inventory(tally).await?;
        console.stats.add_transcode_outputs(&Actor::cli(), outputs(clock.now(), random)).await?;
    }
    let log = AccessLog {
        name: "sample.log".to_owned(),
        format: Some(Format::NginxJson),
        domain: None,
        tail: Tail::Finished,
        open: move || Ok(SampleLog::ending(now / 1000)),
    };
    console.stats.import(&Actor::cli(), log, |_| ()).await?;
    Ok(())
}

/// The files of the last day, of their full length and without content, so that they take no room.
pub(super) fn make_files(data: &Path) -> io::Result<()> {
    for (bucket, key, bytes) in files(1.0) {
        let path = data.join("buckets").join(bucket).join(key);
        std::fs::create_dir_all(path.parent().unwrap_or(data))?;
        File::create(path)?.set_len(bytes)?;
    }
    Ok(())
}

/// The files that were there when this much of the year had passed: each folder begins with a third.
fn files(passed: f64) -> impl Iterator<Item = (&'static str, String, u64)> {
    FILES.into_iter().flat_map(move |(bucket, folder, count, bytes)| {
        let there = (count as f64 * (1.0 + 2.0 * passed) / 3.0) as usize;
        (0..there)
            .map(move |n| (bucket, format!("{folder}/sample_{n:04}.flv"), bytes / 100 * (70 + n as u64 * 37 % 60)))
    })
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

/// Writes itself as it is read: for each host and five minutes, a few lines that stand for many.
struct SampleLog {
    at_s: i64,
    end_s: i64,
    random: StdRng,
    text: String,
    read: usize,
}

impl SampleLog {
    fn ending(end_s: i64) -> Self {
        let at_s = (end_s - DAYS * DAY_MS / 1000) / POINT_S * POINT_S;
        Self { at_s, end_s, random: StdRng::seed_from_u64(SEED), text: String::new(), read: 0 }
    }

    fn write_point(&mut self) {
        self.text.clear();
        self.read = 0;
        for (host, most, best_hour) in HOSTS {
            let bytes = most * level(self.at_s, self.end_s, best_hour) * self.random.random_range(0.9..1.1);
            for (status, share) in [(200, 0.62), (206, 0.37), (304, 0.0), (404, 0.01)] {
                let time = self.at_s + self.random.random_range(0..POINT_S);
                // Writing to a text has no way to fail.
                let _ = writeln!(
                    self.text,
                    r#"{{"msec":{time}.000,"host":"{host}","uri":"/v.m4s","status":{status},"bytes_sent":{},"request_time":0.000}}"#,
                    (bytes * share) as i64
                );
            }
        }
        self.at_s += POINT_S;
    }
}

/// From 0 to 1: by the hour of the day, the day of the week, and how far the year is.
fn level(at_s: i64, end_s: i64, best_hour: f64) -> f64 {
    let hour = (at_s % 86_400) as f64 / 3_600.0;
    let from_best = ((hour - best_hour + 36.0) % 24.0 - 12.0) / 12.0;
    let day = (1.0 - from_best * from_best).powi(3) * 0.85 + 0.15;
    // 1970-01-01 was a Thursday.
    let week = if matches!((at_s / 86_400 + 4) % 7, 0 | 6) { 1.0 } else { 0.74 };
    let year = 1.0 - 0.45 * (end_s - at_s) as f64 / (DAYS * DAY_MS / 1000) as f64;
    day * week * year
}

impl Read for SampleLog {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.text.len() && self.at_s + POINT_S <= self.end_s {
            self.write_point();
        }
        let count = buffer.len().min(self.text.len() - self.read);
        buffer[..count].copy_from_slice(&self.text.as_bytes()[self.read..self.read + count]);
        self.read += count;
        Ok(count)
    }
}

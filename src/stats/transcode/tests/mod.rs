//! Helpers for the tests of formats and parsing.

mod field;
mod forms;
mod reading;

use serde_json::{Value, json};

use super::*;

/// 2026-11-22T09:00:00Z.
const NOW: Millis = 1_795_338_000_000;

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!("../samples/", $name, ".json"))
    };
}
use sample;

fn parsed(text: &str) -> ParsedResults {
    let results = parse_results(text.as_bytes(), NOW).expect("readable");
    assert_eq!(results.bad, results.first_bad.len());
    results
}

fn good(text: &str) -> Vec<Output> {
    let results = parsed(text);
    assert_eq!(results.first_bad, []);
    results.outputs
}

/// Returns the messages of bad outputs next to `outputs` good outputs.
fn bad_beside(outputs: usize, text: &str) -> Vec<String> {
    let results = parsed(text);
    assert_eq!(results.outputs.len(), outputs);
    results.first_bad.iter().map(ToString::to_string).collect()
}

/// Returns the message of the only result.
fn bad(text: &str) -> String {
    let first_bad = bad_beside(0, text);
    let [bad] = first_bad.as_slice() else { panic!("{first_bad:?}") };
    bad.clone()
}

fn at(time: &str) -> Millis {
    time.parse::<jiff::Timestamp>().expect("time").as_millisecond()
}

fn failed(reason: &str) -> Outcome {
    Outcome::Failed { reason: reason.into() }
}

fn own() -> Value {
    json!({"jobId": "j-17", "output": "720p.mp4", "domain": "VOD.example.com", "status": "success", "codec": "libx264",
        "width": 1280, "height": 720, "durationSeconds": 61.0, "finishedAt": "2026-11-22T16:30:00+08:00"})
}

fn own_with(changes: &Value) -> String {
    let mut job = own();
    for (key, value) in changes.as_object().expect("object") {
        job[key] = value.clone();
    }
    job.to_string()
}

fn own_output() -> Output {
    Output {
        job: "j-17".into(),
        output: "720p.mp4".into(),
        domain: Some("vod.example.com".into()),
        outcome: Outcome::Succeeded,
        codec: Codec::H264,
        width: Some(1280),
        height: Some(720),
        is_audio: false,
        duration_ms: 61_000,
        finished_at: at("2026-11-22T08:30:00Z"),
    }
}

//! What the tests of forms and of reading share.

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

fn reading(text: &str) -> Reading {
    let reading = read(text.as_bytes(), NOW).expect("readable");
    assert_eq!(reading.bad, reading.shown.len());
    reading
}

fn good(text: &str) -> Vec<Output> {
    let reading = reading(text);
    assert_eq!(reading.shown, []);
    reading.outputs
}

/// All that is bad, as it is shown, beside so many outputs.
fn bad_beside(outputs: usize, text: &str) -> Vec<String> {
    let reading = reading(text);
    assert_eq!(reading.outputs.len(), outputs);
    reading.shown.iter().map(ToString::to_string).collect()
}

/// The only result.
fn bad(text: &str) -> String {
    let shown = bad_beside(0, text);
    let [bad] = shown.as_slice() else { panic!("{shown:?}") };
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

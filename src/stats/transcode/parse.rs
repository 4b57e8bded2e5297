//! From bytes to results: objects are found with their lines, and each is read by the form that it has.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::adapters::{aliyun, ffprobe, jd, mediaconvert, own, tencent};
use super::fields::{Known, Refusal, parse, said};
use super::{Bad, Output};
use crate::model::Millis;

/// Bytes in which nothing is JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}; send one JSON object, an array of them, or one in each line")]
pub struct Unreadable {
    /// From 1.
    pub line: usize,
    pub reason: String,
}

/// An output of a result, or why it cannot be counted.
pub(super) struct Item<'a> {
    /// Its part of the result.
    text: &'a str,
    output: Result<Output, Refusal>,
}

impl<'a> Item<'a> {
    pub(super) const fn new(text: &'a str, output: Result<Output, Refusal>) -> Self {
        Self { text, output }
    }
}

/// Bad results that are kept with their reason; more of them are of the same kind.
const SHOWN: usize = 20;

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    pub outputs: Vec<Output>,
    /// How many results and outputs cannot be counted.
    pub bad: usize,
    /// The first 20 of these.
    pub shown: Vec<Bad>,
}

/// Reads one JSON object, an array of them, or many after each other (NDJSON), each in any of the known forms.
///
/// An output that cannot be counted is bad for itself, and so is a line that is no JSON among lines that are. A byte order mark, as Windows
/// tools write it, is passed over. `received` stands for the end of
/// tasks that do not tell theirs.
///
/// # Errors
/// Nothing in it is JSON: cut off, empty, or of another kind.
pub fn read(bytes: &[u8], received: Millis) -> Result<Reading, Unreadable> {
    let mut reading = Reading::default();
    let bytes = unmarked(bytes);
    match values(bytes) {
        Ok(found) if found.is_empty() => return Err(Unreadable { line: 1, reason: "there is nothing".into() }),
        Ok(found) => reading.add(bytes, 1, &found, received),
        Err(error) => reading.add_lines(bytes, received, &error)?,
    }
    Ok(reading)
}

fn unmarked(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The values of the bytes, one after another.
fn values(bytes: &[u8]) -> Result<Vec<&RawValue>, serde_json::Error> {
    Deserializer::from_slice(bytes).into_iter().collect()
}

impl Reading {
    /// As a whole the bytes are not JSON: each line for itself, provided that any of them holds an object.
    fn add_lines(&mut self, bytes: &[u8], received: Millis, whole: &serde_json::Error) -> Result<(), Unreadable> {
        let mut any = false;
        for (line, text) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            let text = unmarked(text);
            match values(text) {
                Ok(found) => {
                    any |= found.iter().any(|value| value.get().starts_with(['{', '[']));
                    self.add(text, line, &found, received);
                }
                Err(error) => self.add_bad(line, || format!("not JSON: {}", said(&error))),
            }
        }
        if any {
            return Ok(());
        }
        Err(Unreadable { line: whole.line().max(1), reason: format!("not JSON: {}", said(whole)) })
    }

    /// Adds what `found` says; these lie in `bytes`, which begin in line `first`.
    fn add(&mut self, bytes: &[u8], first: usize, found: &[&RawValue], received: Millis) {
        let mut lines = Lines { bytes, line: first, counted: 0 };
        for &value in found {
            let is_array = value.get().starts_with('[');
            let results = if is_array { serde_json::from_str(value.get()).unwrap_or_default() } else { vec![value] };
            for result in results {
                let whole = result.get();
                let items = items(whole, received).unwrap_or_else(|refusal| vec![Item::new(whole, Err(refusal))]);
                for Item { text, output } in items {
                    match output {
                        Ok(output) => self.outputs.push(output),
                        Err(Refusal(reason)) => self.add_bad(lines.of(text), || reason),
                    }
                }
            }
        }
    }

    fn add_bad(&mut self, line: usize, reason: impl FnOnce() -> String) {
        self.bad += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(Bad { line, reason: reason() });
        }
    }
}

/// Counts lines up to parts of the bytes, which are asked for in their order.
struct Lines<'a> {
    bytes: &'a [u8],
    /// Of what lies at `counted`.
    line: usize,
    counted: usize,
}

impl Lines<'_> {
    fn of(&mut self, part: &str) -> usize {
        let at = part.as_ptr().addr() - self.bytes.as_ptr().addr();
        self.line += self.bytes[self.counted..at].iter().filter(|byte| **byte == b'\n').count();
        self.counted = at;
        self.line
    }
}

/// What tells the forms apart.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Marks<'a> {
    #[serde(borrow, rename = "eventType")]
    jd: Known<&'a RawValue>,
    #[serde(borrow, rename = "EventType")]
    event_type: Known<&'a RawValue>,
    #[serde(rename = "WorkflowTask")]
    workflow_task: Known<IgnoredAny>,
    #[serde(rename = "Response")]
    response: Known<IgnoredAny>,
    #[serde(borrow)]
    detail: Known<&'a RawValue>,
    #[serde(borrow)]
    streams: Known<&'a RawValue>,
    #[serde(borrow)]
    format: Known<&'a RawValue>,
    #[serde(rename = "jobId")]
    job_id: Known<IgnoredAny>,
}

/// The outputs of a result, in its order.
fn items(object: &str, received: Millis) -> Result<Vec<Item<'_>>, Refusal> {
    if !object.starts_with('{') {
        return Err("not a JSON object".into());
    }
    let marks: Marks = parse(object)?;
    let begins = |value: Known<&RawValue>, with| value.0.is_some_and(|value| value.get().starts_with(with));
    if marks.response.0.is_some() || marks.workflow_task.0.is_some() {
        return tencent::outputs(object, received);
    }
    match (marks.event_type.0.map(RawValue::get), marks.jd.0.map(RawValue::get)) {
        (Some(r#""WorkflowTask""#), _) => return tencent::outputs(object, received),
        (Some(r#""StreamTranscodeComplete""#), _) => return one(object, aliyun::stream(object, received)),
        (Some(r#""TranscodeComplete""#), _) => return aliyun::all(object, received),
        (_, Some(r#""StreamTranscodeComplete""#)) => return one(object, jd::output(object, received)),
        (Some(kind), _) | (_, Some(kind)) if kind.contains("Snapshot") || kind.contains("Image") => {
            return Err("the event tells of pictures; pictures do not count".into());
        }
        (Some(_), _) => {
            return Err("EventType is of no finished transcoding; send WorkflowTask (Tencent), StreamTranscodeComplete or TranscodeComplete (Aliyun)".into());
        }
        (_, Some(_)) => return Err("eventType is of no finished transcoding; send StreamTranscodeComplete (JD)".into()),
        (None, None) => {}
    }
    if begins(marks.detail, '{') {
        mediaconvert::outputs(object, received)
    } else if begins(marks.streams, '[') || begins(marks.format, '{') {
        one(object, ffprobe::output(object, received))
    } else if marks.job_id.0.is_some() {
        one(object, own::output(object, received))
    } else {
        Err("jobId is missing, and it is no event of MediaConvert, Tencent, Aliyun or JD and no ffprobe with streams and format; write jobId, output, status, codec, width, height, durationSeconds".into())
    }
}

fn one(object: &str, output: Result<Output, Refusal>) -> Result<Vec<Item<'_>>, Refusal> {
    Ok(vec![Item::new(object, output)])
}

//! Parses transcoder results: finds the JSON objects and their lines, and passes each object to the adapter for its format.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::adapters::{aliyun, ffprobe, jd, mediaconvert, own, tencent};
use super::fields::{Maybe, Rejection, message, parse};
use super::{BadOutput, Output};
use crate::model::Millis;

/// Input that contains no JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}; send one JSON object, an array of objects, or one object per line")]
pub struct NotJson {
    /// From 1.
    pub line: usize,
    pub reason: String,
}

/// An output of a result, or the reason why it cannot be counted.
pub(super) struct Item<'a> {
    /// The part of the result that describes the output.
    text: &'a str,
    output: Result<Output, Rejection>,
}

impl<'a> Item<'a> {
    pub(super) const fn new(text: &'a str, output: Result<Output, Rejection>) -> Self {
        Self { text, output }
    }
}

/// Maximum number of errors that are reported with their reason.
const MAX_REPORTED: usize = 20;

/// The outputs of all results in an input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParsedResults {
    pub outputs: Vec<Output>,
    /// Number of results and outputs that cannot be counted.
    pub bad: usize,
    /// The first 20 of them.
    pub first_bad: Vec<BadOutput>,
}

/// Parses one JSON object, an array of objects, or a sequence of objects (NDJSON), each in any of the known formats.
///
/// A bad output or a line that is not JSON does not affect the others. A byte order mark is ignored. `received` is used as the end of tasks
/// whose results have no time.
///
/// # Errors
/// The input contains no JSON: it is truncated, empty or in another format.
pub fn parse_results(bytes: &[u8], received: Millis) -> Result<ParsedResults, NotJson> {
    let mut results = ParsedResults::default();
    let bytes = unmarked(bytes);
    match values(bytes) {
        Ok(found) if found.is_empty() => return Err(NotJson { line: 1, reason: "the input is empty".into() }),
        Ok(found) => results.add(bytes, 1, &found, received),
        Err(error) => results.add_lines(bytes, received, &error)?,
    }
    Ok(results)
}

fn unmarked(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Parses a sequence of JSON values.
fn values(bytes: &[u8]) -> Result<Vec<&RawValue>, serde_json::Error> {
    Deserializer::from_slice(bytes).into_iter().collect()
}

impl ParsedResults {
    /// Adds input that is not JSON as a whole line by line, if any line is JSON.
    fn add_lines(&mut self, bytes: &[u8], received: Millis, whole: &serde_json::Error) -> Result<(), NotJson> {
        let mut any = false;
        for (line, text) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            let text = unmarked(text);
            match values(text) {
                Ok(found) => {
                    any |= found.iter().any(|value| value.get().starts_with(['{', '[']));
                    self.add(text, line, &found, received);
                }
                Err(error) => self.add_bad(line, || format!("not JSON: {}", message(&error))),
            }
        }
        if any {
            return Ok(());
        }
        Err(NotJson { line: whole.line().max(1), reason: format!("not JSON: {}", message(whole)) })
    }

    /// Adds the values `found` in `bytes`, which start in line `first`.
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
                        Err(Rejection(reason)) => self.add_bad(lines.of(text), || reason),
                    }
                }
            }
        }
    }

    fn add_bad(&mut self, line: usize, reason: impl FnOnce() -> String) {
        self.bad += 1;
        if self.first_bad.len() < MAX_REPORTED {
            self.first_bad.push(BadOutput { line, reason: reason() });
        }
    }
}

/// Finds the line numbers of parts of the input, in order.
struct Lines<'a> {
    bytes: &'a [u8],
    /// Line number at the position `counted`.
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

/// The fields that distinguish the formats.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Marks<'a> {
    #[serde(borrow, rename = "eventType")]
    jd: Maybe<&'a RawValue>,
    #[serde(borrow, rename = "EventType")]
    event_type: Maybe<&'a RawValue>,
    #[serde(rename = "WorkflowTask")]
    workflow_task: Maybe<IgnoredAny>,
    #[serde(rename = "Response")]
    response: Maybe<IgnoredAny>,
    #[serde(borrow)]
    detail: Maybe<&'a RawValue>,
    #[serde(borrow)]
    streams: Maybe<&'a RawValue>,
    #[serde(borrow)]
    format: Maybe<&'a RawValue>,
    #[serde(rename = "jobId")]
    job_id: Maybe<IgnoredAny>,
}

/// Returns the outputs of a result in their order.
fn items(object: &str, received: Millis) -> Result<Vec<Item<'_>>, Rejection> {
    if !object.starts_with('{') {
        return Err("not a JSON object".into());
    }
    let marks: Marks = parse(object)?;
    let begins = |value: Maybe<&RawValue>, with| value.0.is_some_and(|value| value.get().starts_with(with));
    if marks.response.0.is_some() || marks.workflow_task.0.is_some() {
        return tencent::outputs(object, received);
    }
    match (marks.event_type.0.map(RawValue::get), marks.jd.0.map(RawValue::get)) {
        (Some(r#""WorkflowTask""#), _) => return tencent::outputs(object, received),
        (Some(r#""StreamTranscodeComplete""#), _) => return one(object, aliyun::stream(object, received)),
        (Some(r#""TranscodeComplete""#), _) => return aliyun::all(object, received),
        (_, Some(r#""StreamTranscodeComplete""#)) => return one(object, jd::output(object, received)),
        (Some(kind), _) | (_, Some(kind)) if kind.contains("Snapshot") || kind.contains("Image") => {
            return Err("the event is about images; images are not counted".into());
        }
        (Some(_), _) => {
            return Err("EventType is not a finished transcoding; send WorkflowTask (Tencent), StreamTranscodeComplete or TranscodeComplete (Aliyun)".into());
        }
        (_, Some(_)) => return Err("eventType is not a finished transcoding; send StreamTranscodeComplete (JD)".into()),
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

fn one(object: &str, output: Result<Output, Rejection>) -> Result<Vec<Item<'_>>, Rejection> {
    Ok(vec![Item::new(object, output)])
}

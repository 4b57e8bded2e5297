//! From bytes to results: objects are found with their lines, and each is read by the form that it has.

use serde::Deserialize;
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::adapters::{aliyun, ffprobe, jd, mediaconvert, own, tencent};
use super::fields::{Present, Refusal, parse, said};
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

/// Reads one JSON object, an array of them, or many after each other (NDJSON), each in any of the known forms.
///
/// An object that cannot be counted is bad for itself, and so is a line that is no JSON among lines that are. `received` stands for the end of
/// tasks that do not tell theirs.
///
/// # Errors
/// Nothing in it is JSON: cut off, empty, or of another kind.
pub fn read(bytes: &[u8], received: Millis) -> Result<Vec<Result<Output, Bad>>, Unreadable> {
    let mut results = Vec::new();
    match values(bytes) {
        Ok(found) if found.is_empty() => {
            return Err(Unreadable { line: 1, reason: "there is nothing".into() });
        }
        Ok(found) => add(&mut results, bytes, 1, &found, received),
        Err(error) => by_lines(&mut results, bytes, received, &error)?,
    }
    Ok(results)
}

/// The values of the bytes, one after another.
fn values(bytes: &[u8]) -> Result<Vec<&RawValue>, serde_json::Error> {
    Deserializer::from_slice(bytes).into_iter().collect()
}

/// As a whole it is not JSON: each line for itself, provided that any of them holds an object.
fn by_lines(
    results: &mut Vec<Result<Output, Bad>>,
    bytes: &[u8],
    received: Millis,
    whole: &serde_json::Error,
) -> Result<(), Unreadable> {
    let mut any = false;
    for (line, text) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        match values(text) {
            Ok(found) => {
                any |= found.iter().any(|value| value.get().starts_with(['{', '[']));
                add(results, text, line, &found, received);
            }
            Err(error) => {
                let reason = format!("not JSON: {}", said(&error));
                results.push(Err(Bad { line, reason }));
            }
        }
    }
    if any {
        return Ok(());
    }
    Err(Unreadable { line: whole.line().max(1), reason: format!("not JSON: {}", said(whole)) })
}

/// Adds what `found` says; these lie in `bytes`, which begin in line `first`.
fn add(results: &mut Vec<Result<Output, Bad>>, bytes: &[u8], first: usize, found: &[&RawValue], received: Millis) {
    let mut line = first;
    let mut counted = 0;
    for &value in found {
        let is_array = value.get().starts_with('[');
        let items = if is_array { serde_json::from_str(value.get()).unwrap_or_default() } else { vec![value] };
        for item in items {
            let at = item.get().as_ptr().addr() - bytes.as_ptr().addr();
            line += bytes[counted..at].iter().filter(|byte| **byte == b'\n').count();
            counted = at;
            match outputs(item.get(), received) {
                Ok(outputs) => results.extend(outputs.into_iter().map(Ok)),
                Err(Refusal(reason)) => results.push(Err(Bad { line, reason })),
            }
        }
    }
}

/// What tells the forms apart.
#[derive(Deserialize)]
struct Marks<'a> {
    #[serde(borrow, rename = "eventType")]
    jd: Option<&'a RawValue>,
    #[serde(borrow, rename = "EventType")]
    event_type: Option<&'a RawValue>,
    #[serde(rename = "WorkflowTask")]
    workflow_task: Present,
    #[serde(rename = "Response")]
    response: Present,
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    #[serde(borrow)]
    streams: Option<&'a RawValue>,
    #[serde(borrow)]
    format: Option<&'a RawValue>,
    #[serde(rename = "jobId")]
    job_id: Present,
}

fn outputs(object: &str, received: Millis) -> Result<Vec<Output>, Refusal> {
    if !object.starts_with('{') {
        return Err("not a JSON object".into());
    }
    let marks: Marks = parse(object)?;
    let begins = |value: Option<&RawValue>, with| value.is_some_and(|value| value.get().starts_with(with));
    if marks.response.is_some() || marks.workflow_task.is_some() {
        return tencent::outputs(object, received);
    }
    match (marks.event_type.map(RawValue::get), marks.jd.map(RawValue::get)) {
        (Some(r#""WorkflowTask""#), _) => return tencent::outputs(object, received),
        (Some(r#""StreamTranscodeComplete""#), _) => return aliyun::stream(object, received),
        (Some(r#""TranscodeComplete""#), _) => return aliyun::all(object, received),
        (_, Some(r#""StreamTranscodeComplete""#)) => return jd::outputs(object, received),
        (Some(_), _) => {
            return Err("EventType is of no finished transcoding; send WorkflowTask (Tencent), StreamTranscodeComplete or TranscodeComplete (Aliyun)".into());
        }
        (_, Some(_)) => return Err("eventType is of no finished transcoding; send StreamTranscodeComplete (JD)".into()),
        (None, None) => {}
    }
    if begins(marks.detail, '{') {
        mediaconvert::outputs(object, received)
    } else if begins(marks.streams, '[') || begins(marks.format, '{') {
        ffprobe::outputs(object, received)
    } else if marks.job_id.is_some() {
        own::outputs(object, received)
    } else {
        Err("jobId is missing, and it is no event of MediaConvert, Tencent, Aliyun or JD and no ffprobe with streams and format; write jobId, output, status, codec, width, height, durationSeconds".into())
    }
}

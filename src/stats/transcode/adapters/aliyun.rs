//! Aliyun VOD: `StreamTranscodeComplete` for each output, and `TranscodeComplete` with all outputs in `StreamInfos`.
//!
//! If both events are enabled, each output arrives twice; both identify it by its `JobId` and the `VideoId`. A failed stream of `StreamInfos`
//! without `JobId` is identified by the video and its index. The domain is the host of `FileUrl`, the playback address. Outputs whose
//! `FileUrl` is an image are not counted.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::codec::parse_codec;
use super::super::fields::{
    Flag, Maybe, Name, Pixels, Rejection, Rfc3339, Seconds, Text, element, finished, parse, reason, required,
};
use super::super::images::{is_image, is_image_extension};
use super::super::parse::Item;
use super::super::{Outcome, Output};
use crate::model::{DomainName, Millis};
use crate::stats::Codec;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Event<'a> {
    event_time: Maybe<Rfc3339>,
    video_id: Maybe<Name>,
    status: Maybe<Text>,
    #[serde(borrow)]
    stream_infos: Maybe<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Stream {
    job_id: Maybe<Name>,
    status: Maybe<Text>,
    error_code: Maybe<Text>,
    error_message: Maybe<Text>,
    codec: Maybe<Text>,
    format: Maybe<Text>,
    width: Maybe<Pixels>,
    height: Maybe<Pixels>,
    duration: Maybe<Seconds>,
    file_url: Maybe<Text>,
    is_audio: Maybe<Flag>,
    finish_time: Maybe<Rfc3339>,
}

impl Stream {
    fn is_image(&self) -> bool {
        self.file_url.0.as_ref().is_some_and(|url| is_image(&url.0))
            || self.format.0.as_ref().is_some_and(|format| is_image_extension(&format.0))
    }
}

/// Fields of the event that apply to each stream.
struct Context {
    video: Name,
    ended: Maybe<Rfc3339>,
    received: Millis,
}

/// Parses `StreamTranscodeComplete`.
pub(crate) fn stream(object: &str, received: Millis) -> Result<Output, Rejection> {
    let event: Event = parse(object)?;
    let video = required(event.video_id.0, "VideoId", "send the callback unchanged")?;
    let stream: Stream = parse(object)?;
    if stream.is_image() {
        return Err("FileUrl is an image; images are not counted".into());
    }
    output(stream, &Context { video, ended: event.event_time, received }, None)
}

/// Parses `TranscodeComplete`.
pub(crate) fn all(object: &str, received: Millis) -> Result<Vec<Item<'_>>, Rejection> {
    let event: Event = parse(object)?;
    let video = required(event.video_id.0, "VideoId", "send the callback unchanged")?;
    let context = Context { video, ended: event.event_time, received };
    let streams = event.stream_infos.0.unwrap_or_default();
    if !streams.is_empty() {
        let read = |(at, raw): (usize, &'_ RawValue)| match element::<Stream>(raw, &format!("StreamInfos[{at}]")) {
            Ok(stream) if stream.is_image() => None,
            Ok(stream) => Some(output(stream, &context, Some(at))),
            Err(refusal) => Some(Err(refusal)),
        };
        let items = streams.into_iter().enumerate();
        let items: Vec<_> = items.filter_map(|(at, raw)| Some(Item::new(raw.get(), read((at, raw))?))).collect();
        if items.is_empty() {
            return Err("StreamInfos has only images; images are not counted".into());
        }
        return Ok(items);
    }
    if event.status.0.is_none_or(|status| status.0 != "fail") {
        return Err("StreamInfos has no outputs; send the callback unchanged".into());
    }
    let failed = Output {
        job: context.video.0,
        output: String::new(),
        domain: None,
        outcome: Outcome::Failed { reason: reason(None, None) },
        codec: Codec::Other,
        width: None,
        height: None,
        is_audio: false,
        duration_ms: 0,
        finished_at: finished(context.ended.0, "EventTime", received)?,
    };
    Ok(vec![Item::new(object, Ok(failed))])
}

/// Converts a stream. `at` is its index in `StreamInfos`.
fn output(stream: Stream, context: &Context, at: Option<usize>) -> Result<Output, Rejection> {
    let field = |name: &str| at.map_or_else(|| name.to_owned(), |at| format!("StreamInfos[{at}].{name}"));
    let status = required(stream.status.0, &field("Status"), "send the callback unchanged")?;
    let (outcome, duration_ms) = match status.0.as_str() {
        "success" => {
            let duration = required(stream.duration.0, &field("Duration"), "send the callback unchanged")?;
            (Outcome::Succeeded, duration.0)
        }
        "fail" => (Outcome::Failed { reason: reason(stream.error_code.0, stream.error_message.0) }, 0),
        _ => {
            return Err(format!("{} is neither success nor fail; send the callback unchanged", field("Status")).into());
        }
    };
    let video = context.video.0.clone();
    let (job, output) = match (stream.job_id.0, at) {
        (Some(job), _) => (job.0, video),
        (None, Some(at)) if outcome != Outcome::Succeeded => (video, at.to_string()),
        (None, _) => return Err(format!("{} is missing; send the callback unchanged", field("JobId")).into()),
    };
    let is_audio = stream.is_audio.0.is_some_and(|flag| flag.0);
    let (width, height) = if is_audio { (None, None) } else { (stream.width.0, stream.height.0) };
    Ok(Output {
        job,
        output,
        domain: stream.file_url.0.and_then(|url| host(&url.0)),
        outcome,
        codec: match stream.codec.0 {
            Some(word) if !is_audio => parse_codec(&word.0),
            _ => Codec::Other,
        },
        width: width.map(|pixels| pixels.0),
        height: height.map(|pixels| pixels.0),
        is_audio,
        duration_ms,
        finished_at: match stream.finish_time.0 {
            Some(ended) => finished(Some(ended), &field("FinishTime"), context.received)?,
            None => finished(context.ended.0, "EventTime", context.received)?,
        },
    })
}

fn host(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    Some(DomainName::parse(url.host_str()?).ok()?.ascii().into())
}

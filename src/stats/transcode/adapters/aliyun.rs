//! Aliyun VOD: `StreamTranscodeComplete`, one for each output, and `TranscodeComplete`, with all of them in `StreamInfos`.
//!
//! Whoever has both switched on gets each output twice, so both know it by its `JobId` and the video's `VideoId`. The domain is the host of
//! `FileUrl`, the address for playing.

use serde::Deserialize;

use super::super::fields::{Moment, Name, Refusal, Seconds, Side, Words, finished, parse, reason, required};
use super::super::{Outcome, Output};
use crate::model::{DomainName, Millis};
use crate::stats::Codec;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    event_time: Option<Moment>,
    video_id: Option<Name>,
    status: Option<Words>,
    stream_infos: Option<Vec<Stream>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stream {
    job_id: Option<Name>,
    status: Option<Words>,
    error_code: Option<Words>,
    error_message: Option<Words>,
    codec: Option<Words>,
    width: Option<Side>,
    height: Option<Side>,
    duration: Option<Seconds>,
    file_url: Option<Words>,
    is_audio: Option<bool>,
    finish_time: Option<Moment>,
}

/// `StreamTranscodeComplete`.
pub(crate) fn stream(object: &str, received: Millis) -> Result<Vec<Output>, Refusal> {
    let event: Event = parse(object)?;
    let video = required(event.video_id, "VideoId", "send the callback unchanged")?;
    Ok(vec![output(parse(object)?, &video, event.event_time, received)?])
}

/// `TranscodeComplete`.
pub(crate) fn all(object: &str, received: Millis) -> Result<Vec<Output>, Refusal> {
    let event: Event = parse(object)?;
    let video = required(event.video_id, "VideoId", "send the callback unchanged")?;
    let streams = event.stream_infos.unwrap_or_default();
    if !streams.is_empty() {
        return streams.into_iter().map(|stream| output(stream, &video, event.event_time, received)).collect();
    }
    if event.status.is_none_or(|status| status.0 != "fail") {
        return Err("StreamInfos has no outputs; send the callback unchanged".into());
    }
    Ok(vec![Output {
        job: video.0,
        output: String::new(),
        domain: None,
        outcome: Outcome::Failed { reason: reason(None, None) },
        codec: Codec::Other,
        width: None,
        height: None,
        is_audio: false,
        duration_ms: 0,
        finished_at: finished(event.event_time, "EventTime", received)?,
    }])
}

fn output(stream: Stream, video: &Name, event_time: Option<Moment>, received: Millis) -> Result<Output, Refusal> {
    let status = required(stream.status, "Status", "send the callback unchanged")?;
    let (outcome, duration_ms) = match status.0.as_str() {
        "success" => {
            let duration = required(stream.duration, "Duration", "send the callback unchanged")?;
            (Outcome::Succeeded, duration.0)
        }
        "fail" => (Outcome::Failed { reason: reason(stream.error_code, stream.error_message) }, 0),
        _ => return Err("Status is neither success nor fail; send the callback unchanged".into()),
    };
    let is_audio = stream.is_audio.unwrap_or_default();
    let (width, height) = if is_audio { (None, None) } else { (stream.width, stream.height) };
    Ok(Output {
        job: required(stream.job_id, "JobId", "send the callback unchanged")?.0,
        output: video.0.clone(),
        domain: stream.file_url.and_then(|url| host(&url.0)),
        outcome,
        codec: match stream.codec {
            Some(word) if !is_audio => Codec::parse(&word.0),
            _ => Codec::Other,
        },
        width: width.map(|side| side.0),
        height: height.map(|side| side.0),
        is_audio,
        duration_ms,
        finished_at: match stream.finish_time {
            Some(_) => finished(stream.finish_time, "FinishTime", received)?,
            None => finished(event_time, "EventTime", received)?,
        },
    })
}

fn host(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    Some(DomainName::parse(url.host_str()?).ok()?.ascii().into())
}

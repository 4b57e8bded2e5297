//! JD VOD: `StreamTranscodeComplete` for each output; in camel case, unlike Aliyun's event of the same name.
//!
//! `taskId` is a small number, so the name of the output is the `videoId`. The callback contains no codec; a script that forwards it may add
//! `codec`. `fileUrl` is the storage address, not the playback address, so the domain is unknown.

use serde::Deserialize;

use super::super::codec::{is_audio_codec, parse_codec};
use super::super::fields::{Maybe, Name, Pixels, Rejection, Rfc3339, Seconds, Text, finished, parse, reason, required};
use super::super::images::is_image;
use super::super::{Outcome, Output};
use crate::model::Millis;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event {
    event_time: Maybe<Rfc3339>,
    task_id: Maybe<Name>,
    video_id: Maybe<Name>,
    status: Maybe<Text>,
    error_code: Maybe<Text>,
    error_message: Maybe<Text>,
    codec: Maybe<Text>,
    width: Maybe<Pixels>,
    height: Maybe<Pixels>,
    duration: Maybe<Seconds>,
    file_url: Maybe<Text>,
}

pub(crate) fn output(object: &str, received: Millis) -> Result<Output, Rejection> {
    let event: Event = parse(object)?;
    if event.file_url.0.is_some_and(|url| is_image(&url.0)) {
        return Err("fileUrl is an image; images are not counted".into());
    }
    let status = required(event.status.0, "status", "send the callback unchanged")?;
    let (outcome, duration_ms) = match status.0.as_str() {
        "success" => {
            let duration = required(event.duration.0, "duration", "send the callback unchanged")?;
            (Outcome::Succeeded, duration.0)
        }
        "fail" => (Outcome::Failed { reason: reason(event.error_code.0, event.error_message.0) }, 0),
        _ => return Err("status is neither success nor fail; send the callback unchanged".into()),
    };
    let codec = event.codec.0.unwrap_or_default().0;
    Ok(Output {
        job: required(event.task_id.0, "taskId", "send the callback unchanged")?.0,
        output: required(event.video_id.0, "videoId", "send the callback unchanged")?.0,
        domain: None,
        outcome,
        codec: parse_codec(&codec),
        width: event.width.0.map(|pixels| pixels.0),
        height: event.height.0.map(|pixels| pixels.0),
        is_audio: event.width.0.is_none() && event.height.0.is_none() && is_audio_codec(&codec),
        duration_ms,
        finished_at: finished(event.event_time.0, "eventTime", received)?,
    })
}

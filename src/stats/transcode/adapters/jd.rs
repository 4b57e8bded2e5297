//! JD VOD: `StreamTranscodeComplete`, one for each output; in camel case, unlike Aliyun's event of that name.
//!
//! `taskId` is a small number, so the output's name is the `videoId`. The callback tells no codec; whoever passes it on may add `codec`.
//! `fileUrl` is where the file is stored, not where it is played: the domain is not known.

use serde::Deserialize;

use super::super::codec::{is_sound, parse_codec};
use super::super::fields::{Known, Moment, Name, Refusal, Seconds, Side, Words, finished, parse, reason, required};
use super::super::pictures::is_picture;
use super::super::{Outcome, Output};
use crate::model::Millis;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Event {
    event_time: Known<Moment>,
    task_id: Known<Name>,
    video_id: Known<Name>,
    status: Known<Words>,
    error_code: Known<Words>,
    error_message: Known<Words>,
    codec: Known<Words>,
    width: Known<Side>,
    height: Known<Side>,
    duration: Known<Seconds>,
    file_url: Known<Words>,
}

pub(crate) fn output(object: &str, received: Millis) -> Result<Output, Refusal> {
    let event: Event = parse(object)?;
    if event.file_url.0.is_some_and(|url| is_picture(&url.0)) {
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
        width: event.width.0.map(|side| side.0),
        height: event.height.0.map(|side| side.0),
        is_audio: event.width.0.is_none() && event.height.0.is_none() && is_sound(&codec),
        duration_ms,
        finished_at: finished(event.event_time.0, "eventTime", received)?,
    })
}

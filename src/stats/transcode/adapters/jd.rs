//! JD VOD: `StreamTranscodeComplete`, one for each output; in camel case, unlike Aliyun's event of that name.
//!
//! `taskId` is a small number, so the output's name is the `videoId`. The callback tells no codec; whoever passes it on may add `codec`.
//! `fileUrl` is where the file is stored, not where it is played: the domain is not known.

use serde::Deserialize;

use super::super::codec::is_sound;
use super::super::fields::{Moment, Name, Refusal, Seconds, Side, Words, finished, parse, reason, required};
use super::super::{Outcome, Output};
use crate::model::Millis;
use crate::stats::Codec;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event_time: Option<Moment>,
    task_id: Option<Name>,
    video_id: Option<Name>,
    status: Option<Words>,
    error_code: Option<Words>,
    error_message: Option<Words>,
    codec: Option<Words>,
    width: Option<Side>,
    height: Option<Side>,
    duration: Option<Seconds>,
}

pub(crate) fn outputs(object: &str, received: Millis) -> Result<Vec<Output>, Refusal> {
    let event: Event = parse(object)?;
    let status = required(event.status, "status", "send the callback unchanged")?;
    let (outcome, duration_ms) = match status.0.as_str() {
        "success" => {
            let duration = required(event.duration, "duration", "send the callback unchanged")?;
            (Outcome::Succeeded, duration.0)
        }
        "fail" => (Outcome::Failed { reason: reason(event.error_code, event.error_message) }, 0),
        _ => return Err("status is neither success nor fail; send the callback unchanged".into()),
    };
    let codec = event.codec.unwrap_or_default().0;
    Ok(vec![Output {
        job: required(event.task_id, "taskId", "send the callback unchanged")?.0,
        output: required(event.video_id, "videoId", "send the callback unchanged")?.0,
        domain: None,
        outcome,
        codec: Codec::parse(&codec),
        width: event.width.map(|side| side.0),
        height: event.height.map(|side| side.0),
        is_audio: event.width.is_none() && event.height.is_none() && is_sound(&codec),
        duration_ms,
        finished_at: finished(event.event_time, "eventTime", received)?,
    }])
}

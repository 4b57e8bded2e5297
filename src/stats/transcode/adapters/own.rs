//! The console's own format: one object per output.
//!
//! ```json
//! {"jobId": "j-17", "output": "720p.mp4", "domain": "vod.example.com", "status": "success", "codec": "h264",
//!  "width": 1280, "height": 720, "durationSeconds": 61.0, "finishedAt": "2026-11-22T08:30:00Z"}
//! ```
//! With `"status": "fail"`, `error` is the reason, and the other fields are optional. An output with an audio codec (such as `aac`, `mp3` or
//! `opus`) and without a size is audio without video.

use serde::Deserialize;

use super::super::codec::{is_audio_codec, parse_codec};
use super::super::fields::{
    Host, Maybe, Name, Pixels, Rejection, Rfc3339, Seconds, Text, finished, parse, reason, required,
};
use super::super::{Outcome, Output};
use crate::model::Millis;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Job {
    job_id: Maybe<Name>,
    output: Maybe<Name>,
    domain: Maybe<Host>,
    status: Maybe<Text>,
    codec: Maybe<Text>,
    width: Maybe<Pixels>,
    height: Maybe<Pixels>,
    duration_seconds: Maybe<Seconds>,
    finished_at: Maybe<Rfc3339>,
    error: Maybe<Text>,
}

pub(crate) fn output(object: &str, received: Millis) -> Result<Output, Rejection> {
    let job: Job = parse(object)?;
    let status = required(job.status.0, "status", "write success or fail")?;
    let (outcome, output, duration) = match status.0.as_str() {
        "success" => {
            let output = required(job.output.0, "output", "name the file within its job")?;
            let duration =
                required(job.duration_seconds.0, "durationSeconds", "write the length of the output, such as 12.5")?;
            (Outcome::Succeeded, output.0, duration.0)
        }
        "fail" => {
            let reason = reason(None, job.error.0);
            (Outcome::Failed { reason }, job.output.0.map(|name| name.0).unwrap_or_default(), 0)
        }
        _ => return Err("status is neither success nor fail; write one of them".into()),
    };
    let codec = job.codec.0.unwrap_or_default().0;
    Ok(Output {
        job: required(job.job_id.0, "jobId", "name the job")?.0,
        output,
        domain: job.domain.0.map(|host| host.0),
        outcome,
        codec: parse_codec(&codec),
        width: job.width.0.map(|pixels| pixels.0),
        height: job.height.0.map(|pixels| pixels.0),
        is_audio: job.width.0.is_none() && job.height.0.is_none() && is_audio_codec(&codec),
        duration_ms: duration,
        finished_at: finished(job.finished_at.0, "finishedAt", received)?,
    })
}

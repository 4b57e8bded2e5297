//! The console's own form: one object for each output.
//!
//! ```json
//! {"jobId": "j-17", "output": "720p.mp4", "domain": "vod.example.com", "status": "success", "codec": "h264",
//!  "width": 1280, "height": 720, "durationSeconds": 61.0, "finishedAt": "2026-11-22T08:30:00Z"}
//! ```
//! With `"status": "fail"` come `error` and whatever else is known. An output whose codec is one of sound (`aac`, `mp3`, `opus`) and that has
//! no size is sound alone.

use serde::Deserialize;

use super::super::codec::is_sound;
use super::super::fields::{Host, Moment, Name, Refusal, Seconds, Side, Words, finished, parse, reason, required};
use super::super::{Outcome, Output};
use crate::model::Millis;
use crate::stats::Codec;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    job_id: Option<Name>,
    output: Option<Name>,
    domain: Option<Host>,
    status: Option<Words>,
    codec: Option<Words>,
    width: Option<Side>,
    height: Option<Side>,
    duration_seconds: Option<Seconds>,
    finished_at: Option<Moment>,
    error: Option<Words>,
}

pub(crate) fn outputs(object: &str, received: Millis) -> Result<Vec<Output>, Refusal> {
    let job: Job = parse(object)?;
    let status = required(job.status, "status", "write success or fail")?;
    let (outcome, output, duration) = match status.0.as_str() {
        "success" => {
            let output = required(job.output, "output", "name the file within its job")?;
            let duration =
                required(job.duration_seconds, "durationSeconds", "write the length of the output, such as 12.5")?;
            (Outcome::Succeeded, output.0, duration.0)
        }
        "fail" => {
            let reason = reason(None, job.error);
            (Outcome::Failed { reason }, job.output.map(|name| name.0).unwrap_or_default(), 0)
        }
        _ => return Err("status is neither success nor fail; write one of them".into()),
    };
    let codec = job.codec.unwrap_or_default().0;
    Ok(vec![Output {
        job: required(job.job_id, "jobId", "name the job")?.0,
        output,
        domain: job.domain.map(|host| host.0),
        outcome,
        codec: Codec::parse(&codec),
        width: job.width.map(|side| side.0),
        height: job.height.map(|side| side.0),
        is_audio: job.width.is_none() && job.height.is_none() && is_sound(&codec),
        duration_ms: duration,
        finished_at: finished(job.finished_at, "finishedAt", received)?,
    }])
}

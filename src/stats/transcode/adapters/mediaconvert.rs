//! AWS MediaConvert: job state changes as EventBridge sends them.
//!
//! `COMPLETE` has an output in each of `outputGroupDetails[].outputDetails[]`, known by its place (`0.1`: the second of the first group), since
//! not every kind of group names files. `ERROR` makes one failed output. Events tell no codec: the job's `userMetadata` may, as `codec`, and
//! its `domain` too.

use serde::Deserialize;

use super::super::fields::{Host, Milliseconds, Moment, Name, Refusal, Side, Words, finished, parse, reason, required};
use super::super::{Outcome, Output};
use crate::model::Millis;
use crate::stats::Codec;

#[derive(Deserialize)]
struct Event {
    time: Option<Moment>,
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    job_id: Option<Name>,
    status: Option<Words>,
    error_code: Option<Words>,
    error_message: Option<Words>,
    user_metadata: Option<Metadata>,
    output_group_details: Option<Vec<Group>>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    codec: Option<Words>,
    domain: Option<Host>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    output_details: Option<Vec<OutputDetail>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OutputDetail {
    duration_in_ms: Option<Milliseconds>,
    video_details: Option<Video>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Video {
    width_in_px: Option<Side>,
    height_in_px: Option<Side>,
}

pub(crate) fn outputs(object: &str, received: Millis) -> Result<Vec<Output>, Refusal> {
    let Event { time, detail } = parse(object)?;
    let status = required(detail.status, "detail.status", "send events of COMPLETE and ERROR")?;
    let metadata = detail.user_metadata.unwrap_or_default();
    let codec = metadata.codec.map_or(Codec::Other, |word| Codec::parse(&word.0));
    let job = Output {
        job: required(detail.job_id, "detail.jobId", "send the event unchanged")?.0,
        output: String::new(),
        domain: metadata.domain.map(|host| host.0),
        outcome: Outcome::Succeeded,
        codec,
        width: None,
        height: None,
        is_audio: false,
        duration_ms: 0,
        finished_at: finished(time, "time", received)?,
    };
    match status.0.as_str() {
        "COMPLETE" => succeeded(&job, detail.output_group_details.unwrap_or_default()),
        "ERROR" => {
            let reason = reason(detail.error_code, detail.error_message);
            Ok(vec![Output { outcome: Outcome::Failed { reason }, ..job }])
        }
        _ => Err("detail.status is of no finished job; let the rule send COMPLETE and ERROR alone".into()),
    }
}

fn succeeded(job: &Output, groups: Vec<Group>) -> Result<Vec<Output>, Refusal> {
    let mut outputs = Vec::new();
    for (group, details) in groups.into_iter().enumerate() {
        for (index, detail) in details.output_details.unwrap_or_default().into_iter().enumerate() {
            let field = || format!("detail.outputGroupDetails[{group}].outputDetails[{index}].durationInMs");
            let duration =
                detail.duration_in_ms.ok_or_else(|| format!("{} is missing; send the event unchanged", field()))?;
            let is_audio = detail.video_details.is_none();
            let video = detail.video_details.as_ref();
            outputs.push(Output {
                output: format!("{group}.{index}"),
                // The word of the job is about its pictures.
                codec: if is_audio { Codec::Other } else { job.codec },
                width: video.and_then(|video| video.width_in_px).map(|side| side.0),
                height: video.and_then(|video| video.height_in_px).map(|side| side.0),
                is_audio,
                duration_ms: duration.0,
                ..job.clone()
            });
        }
    }
    if outputs.is_empty() {
        return Err("detail.outputGroupDetails has no outputs; send the event unchanged".into());
    }
    Ok(outputs)
}

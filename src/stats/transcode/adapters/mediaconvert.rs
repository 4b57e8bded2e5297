//! AWS MediaConvert: job state change events of EventBridge.
//!
//! `COMPLETE` has the outputs in `outputGroupDetails[].outputDetails[]`. An output is identified by its indexes (`0.1` is the second of the
//! first group), because not every kind of group has file names. `ERROR` results in one failed output. Events contain no codec, but the
//! job's `userMetadata` may have the keys `codec` and `domain`.
//!
//! Frame captures are outputs too, with the duration and the size of their video; their path is that of an image. With accelerated
//! transcoding some outputs have neither path nor duration. Neither kind is counted.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::codec::parse_codec;
use super::super::fields::{
    Host, Maybe, Milliseconds, Name, Pixels, Rejection, Rfc3339, Text, element, finished, parse, reason, required,
};
use super::super::images::is_image;
use super::super::parse::Item;
use super::super::{Outcome, Output};
use crate::model::Millis;
use crate::stats::Codec;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event<'a> {
    time: Maybe<Rfc3339>,
    #[serde(borrow)]
    detail: Maybe<Detail<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Detail<'a> {
    job_id: Maybe<Name>,
    status: Maybe<Text>,
    error_code: Maybe<Text>,
    error_message: Maybe<Text>,
    user_metadata: Maybe<Metadata>,
    #[serde(borrow)]
    output_group_details: Maybe<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    codec: Maybe<Text>,
    domain: Maybe<Host>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Group<'a> {
    #[serde(borrow)]
    output_details: Maybe<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OutputDetail {
    output_file_paths: Maybe<Vec<Maybe<Text>>>,
    duration_in_ms: Maybe<Milliseconds>,
    video_details: Maybe<Video>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Video {
    width_in_px: Maybe<Pixels>,
    height_in_px: Maybe<Pixels>,
}

pub(crate) fn outputs(object: &str, received: Millis) -> Result<Vec<Item<'_>>, Rejection> {
    let Event { time, detail } = parse(object)?;
    let detail = detail.0.unwrap_or_default();
    let status = required(detail.status.0, "detail.status", "send events of COMPLETE and ERROR")?;
    let metadata = detail.user_metadata.0.unwrap_or_default();
    let codec = metadata.codec.0.map_or(Codec::Other, |word| parse_codec(&word.0));
    let job = Output {
        job: required(detail.job_id.0, "detail.jobId", "send the event unchanged")?.0,
        output: String::new(),
        domain: metadata.domain.0.map(|host| host.0),
        outcome: Outcome::Succeeded,
        codec,
        width: None,
        height: None,
        is_audio: false,
        duration_ms: 0,
        finished_at: finished(time.0, "time", received)?,
    };
    match status.0.as_str() {
        "COMPLETE" => succeeded(&job, detail.output_group_details.0.unwrap_or_default()),
        "ERROR" => {
            let reason = reason(detail.error_code.0, detail.error_message.0);
            Ok(vec![Item::new(object, Ok(Output { outcome: Outcome::Failed { reason }, ..job }))])
        }
        _ => Err("detail.status is not COMPLETE or ERROR; limit the rule to these two".into()),
    }
}

fn succeeded<'a>(job: &Output, groups: Vec<&'a RawValue>) -> Result<Vec<Item<'a>>, Rejection> {
    let (mut items, mut passed_over) = (Vec::new(), false);
    for (at, group) in groups.into_iter().enumerate() {
        let place = format!("detail.outputGroupDetails[{at}]");
        let details = match element::<Group>(group, &place) {
            Ok(Group { output_details }) => output_details.0.unwrap_or_default(),
            Err(refusal) => {
                items.push(Item::new(group.get(), Err(refusal)));
                continue;
            }
        };
        for (index, detail) in details.into_iter().enumerate() {
            let place = format!("{place}.outputDetails[{index}]");
            match output(job, format!("{at}.{index}"), detail, &place).transpose() {
                Some(output) => items.push(Item::new(detail.get(), output)),
                None => passed_over = true,
            }
        }
    }
    match (items.is_empty(), passed_over) {
        (false, _) => Ok(items),
        (true, true) => {
            Err("detail.outputGroupDetails has only images and outputs without a duration, which are not counted"
                .into())
        }
        (true, false) => Err("detail.outputGroupDetails has no outputs; send the event unchanged".into()),
    }
}

/// Converts an output. Returns `None` if it is not counted.
fn output(job: &Output, name: String, detail: &RawValue, place: &str) -> Result<Option<Output>, Rejection> {
    let OutputDetail { output_file_paths, duration_in_ms, video_details } = element(detail, place)?;
    let paths: Vec<Text> = output_file_paths.0.unwrap_or_default().into_iter().filter_map(|path| path.0).collect();
    let is_nothing = paths.is_empty() && duration_in_ms.0 == Some(Milliseconds(0));
    if is_nothing || !paths.is_empty() && paths.iter().all(|path| is_image(&path.0)) {
        return Ok(None);
    }
    let duration = required(duration_in_ms.0, &format!("{place}.durationInMs"), "send the event unchanged")?;
    let is_audio = video_details.0.is_none();
    let Video { width_in_px, height_in_px } = video_details.0.unwrap_or_default();
    Ok(Some(Output {
        output: name,
        // The codec of the job is that of its video.
        codec: if is_audio { Codec::Other } else { job.codec },
        width: width_in_px.0.map(|pixels| pixels.0),
        height: height_in_px.0.map(|pixels| pixels.0),
        is_audio,
        duration_ms: duration.0,
        ..job.clone()
    }))
}

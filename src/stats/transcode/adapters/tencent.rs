//! Tencent MPS: a finished `WorkflowTask`, either as notification (`WorkflowTaskEvent`) or as response of `DescribeTaskDetail`
//! (`Response.WorkflowTask`, which has `FinishTime`).
//!
//! Each `Transcode` of the `MediaProcessResultSet` is an output, identified by its index in the set. Snapshots, sprites and animated images
//! are ignored. A task that failed before transcoding results in one failed output.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::codec::parse_codec;
use super::super::fields::{
    Maybe, Name, Pixels, Rejection, Rfc3339, Seconds, Text, element, finished, parse, reason, required,
};
use super::super::images::is_image;
use super::super::parse::Item;
use super::super::{Outcome, Output};
use crate::model::Millis;
use crate::stats::Codec;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Notice<'a> {
    #[serde(borrow)]
    workflow_task_event: Maybe<Task<'a>>,
    #[serde(borrow)]
    workflow_task: Maybe<Task<'a>>,
    finish_time: Maybe<Rfc3339>,
    /// Wraps the response of a query.
    #[serde(borrow)]
    response: Maybe<Box<Notice<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Task<'a> {
    task_id: Maybe<Name>,
    status: Maybe<Text>,
    err_code: Maybe<Text>,
    message: Maybe<Text>,
    #[serde(borrow)]
    media_process_result_set: Maybe<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ResultItem<'a> {
    #[serde(borrow)]
    transcode_task: Maybe<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Transcode {
    status: Maybe<Text>,
    err_code_ext: Maybe<Text>,
    message: Maybe<Text>,
    output: Maybe<File>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct File {
    path: Maybe<Text>,
    duration: Maybe<Seconds>,
    width: Maybe<Pixels>,
    height: Maybe<Pixels>,
    video_stream_set: Maybe<Vec<Maybe<Stream>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Stream {
    codec: Maybe<Text>,
    width: Maybe<Pixels>,
    height: Maybe<Pixels>,
}

pub(crate) fn outputs(object: &str, received: Millis) -> Result<Vec<Item<'_>>, Rejection> {
    let mut notice: Notice = parse(object)?;
    if let Some(response) = notice.response.0 {
        notice = *response;
    }
    let task = notice.workflow_task_event.0.or(notice.workflow_task.0);
    let task = required(task, "WorkflowTaskEvent", "send the notification unchanged")?;
    let status = required(task.status.0, "WorkflowTaskEvent.Status", "send the notification unchanged")?;
    if status.0 != "FINISH" {
        return Err("WorkflowTaskEvent.Status is not FINISH; send the task when it has ended".into());
    }
    let job = Output {
        job: required(task.task_id.0, "WorkflowTaskEvent.TaskId", "send the notification unchanged")?.0,
        output: String::new(),
        domain: None,
        outcome: Outcome::Succeeded,
        codec: Codec::Other,
        width: None,
        height: None,
        is_audio: false,
        duration_ms: 0,
        finished_at: finished(notice.finish_time.0, "FinishTime", received)?,
    };
    let set = task.media_process_result_set.0.unwrap_or_default();
    let has_others = !set.is_empty();
    let items: Vec<Item> = set.into_iter().enumerate().filter_map(|(at, result)| item(&job, at, result)).collect();
    if !items.is_empty() {
        return Ok(items);
    }
    match task.err_code.0.filter(|code| !matches!(code.0.as_str(), "" | "0")) {
        None if has_others => {
            Err("MediaProcessResultSet has only images or other tasks, which are not counted, and no TranscodeTask"
                .into())
        }
        None => Err("MediaProcessResultSet has no TranscodeTask; send tasks that transcode".into()),
        Some(code) => {
            let outcome = Outcome::Failed { reason: reason(Some(code), task.message.0) };
            Ok(vec![Item::new(object, Ok(Output { outcome, ..job }))])
        }
    }
}

/// Converts a result. Returns `None` if it is not counted.
fn item<'a>(job: &Output, at: usize, result: &'a RawValue) -> Option<Item<'a>> {
    let place = format!("MediaProcessResultSet[{at}]");
    let output = match element::<ResultItem>(result, &place) {
        Ok(ResultItem { transcode_task }) => output(job, at, transcode_task.0?, &format!("{place}.TranscodeTask")),
        Err(refusal) => Err(refusal),
    };
    output.transpose().map(|output| Item::new(result.get(), output))
}

fn output(job: &Output, at: usize, task: &RawValue, place: &str) -> Result<Option<Output>, Rejection> {
    let field = |name: &str| format!("{place}.{name}");
    let transcode: Transcode = element(task, place)?;
    let status = required(transcode.status.0, &field("Status"), "send the notification unchanged")?;
    let named = Output { output: at.to_string(), ..job.clone() };
    match status.0.as_str() {
        "SUCCESS" => {}
        "FAIL" => {
            let reason = reason(transcode.err_code_ext.0, transcode.message.0);
            return Ok(Some(Output { outcome: Outcome::Failed { reason }, ..named }));
        }
        _ => {
            return Err(
                format!("{} is neither SUCCESS nor FAIL; send the task when it has ended", field("Status")).into()
            );
        }
    }
    let file = required(transcode.output.0, &field("Output"), "send the notification unchanged")?;
    if file.path.0.is_some_and(|path| is_image(&path.0)) {
        return Ok(None);
    }
    let duration = required(file.duration.0, &field("Output.Duration"), "send the notification unchanged")?;
    let stream = file.video_stream_set.0.unwrap_or_default().into_iter().find_map(|stream| stream.0);
    let is_audio = stream.is_none() && [file.width.0, file.height.0].into_iter().flatten().all(|pixels| pixels.0 == 0);
    let Stream { codec, width, height } = stream.unwrap_or_default();
    Ok(Some(Output {
        codec: codec.0.map_or(Codec::Other, |word| parse_codec(&word.0)),
        width: if is_audio { None } else { width.0.or(file.width.0).map(|pixels| pixels.0) },
        height: if is_audio { None } else { height.0.or(file.height.0).map(|pixels| pixels.0) },
        is_audio,
        duration_ms: duration.0,
        ..named
    }))
}

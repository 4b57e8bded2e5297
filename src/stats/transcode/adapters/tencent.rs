//! Tencent MPS: a finished `WorkflowTask`, as its notification (`WorkflowTaskEvent`) or as the answer of `DescribeTaskDetail`
//! (`Response.WorkflowTask`, the one with `FinishTime`).
//!
//! Each `Transcode` of the `MediaProcessResultSet` is an output, known by its place in the set. A task that failed before it transcoded makes one
//! failed output.

use serde::Deserialize;

use super::super::fields::{Moment, Name, Refusal, Seconds, Side, Words, finished, parse, reason, required};
use super::super::{Outcome, Output};
use crate::model::Millis;
use crate::stats::Codec;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Notice {
    workflow_task_event: Option<Task>,
    workflow_task: Option<Task>,
    /// `0000-00-00T00:00:00Z` while the task runs, hence not read before its status is known.
    finish_time: Option<Words>,
    /// Around the answer of a query.
    response: Option<Box<Notice>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Task {
    task_id: Option<Name>,
    status: Option<Words>,
    err_code: Option<i64>,
    message: Option<Words>,
    media_process_result_set: Option<Vec<Item>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    transcode_task: Option<Transcode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Transcode {
    status: Option<Words>,
    err_code_ext: Option<Words>,
    message: Option<Words>,
    output: Option<File>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    duration: Option<Seconds>,
    width: Option<Side>,
    height: Option<Side>,
    video_stream_set: Option<Vec<Stream>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stream {
    codec: Option<Words>,
    width: Option<Side>,
    height: Option<Side>,
}

pub(crate) fn outputs(object: &str, received: Millis) -> Result<Vec<Output>, Refusal> {
    let mut notice: Notice = parse(object)?;
    if let Some(response) = notice.response {
        notice = *response;
    }
    let task = notice.workflow_task_event.or(notice.workflow_task);
    let task = required(task, "WorkflowTaskEvent", "send the notification unchanged")?;
    let status = required(task.status, "WorkflowTaskEvent.Status", "send the notification unchanged")?;
    if status.0 != "FINISH" {
        return Err("WorkflowTaskEvent.Status is not FINISH; send the task when it has ended".into());
    }
    let told = match notice.finish_time {
        Some(time) => Some(Moment::read(&time.0).ok_or("FinishTime is not a time such as 2026-11-22T08:30:00Z")?),
        None => None,
    };
    let job = Output {
        job: required(task.task_id, "WorkflowTaskEvent.TaskId", "send the notification unchanged")?.0,
        output: String::new(),
        domain: None,
        outcome: Outcome::Succeeded,
        codec: Codec::Other,
        width: None,
        height: None,
        is_audio: false,
        duration_ms: 0,
        finished_at: finished(told, "FinishTime", received)?,
    };
    let items = task.media_process_result_set.unwrap_or_default().into_iter().enumerate();
    let transcodes = items.filter_map(|(index, item)| Some((index, item.transcode_task?)));
    let outputs: Vec<_> =
        transcodes.map(|(index, transcode)| output(&job, index, transcode)).collect::<Result<_, _>>()?;
    if !outputs.is_empty() {
        return Ok(outputs);
    }
    match task.err_code.unwrap_or_default() {
        0 => Err("MediaProcessResultSet has no TranscodeTask; send tasks that transcode".into()),
        code => {
            let code = Words(code.to_string());
            Ok(vec![Output { outcome: Outcome::Failed { reason: reason(Some(code), task.message) }, ..job }])
        }
    }
}

fn output(job: &Output, index: usize, transcode: Transcode) -> Result<Output, Refusal> {
    let field = |name: &str| format!("MediaProcessResultSet[{index}].TranscodeTask.{name}");
    let status = required(transcode.status, &field("Status"), "send the notification unchanged")?;
    let named = Output { output: index.to_string(), ..job.clone() };
    match status.0.as_str() {
        "SUCCESS" => {}
        "FAIL" => {
            let reason = reason(transcode.err_code_ext, transcode.message);
            return Ok(Output { outcome: Outcome::Failed { reason }, ..named });
        }
        _ => {
            return Err(
                format!("{} is neither SUCCESS nor FAIL; send the task when it has ended", field("Status")).into()
            );
        }
    }
    let file = required(transcode.output, &field("Output"), "send the notification unchanged")?;
    let duration = required(file.duration, &field("Output.Duration"), "send the notification unchanged")?;
    let stream = file.video_stream_set.unwrap_or_default().into_iter().next();
    let is_audio = stream.is_none() && [file.width, file.height].into_iter().flatten().all(|side| side.0 == 0);
    let (width, height) = stream.as_ref().map_or((None, None), |stream| (stream.width, stream.height));
    Ok(Output {
        codec: stream.and_then(|stream| stream.codec).map_or(Codec::Other, |word| Codec::parse(&word.0)),
        width: if is_audio { None } else { width.or(file.width).map(|side| side.0) },
        height: if is_audio { None } else { height.or(file.height).map(|side| side.0) },
        is_audio,
        duration_ms: duration.0,
        ..named
    })
}

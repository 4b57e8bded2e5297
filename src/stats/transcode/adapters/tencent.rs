//! Tencent MPS: a finished `WorkflowTask`, as its notification (`WorkflowTaskEvent`) or as the answer of `DescribeTaskDetail`
//! (`Response.WorkflowTask`, the one with `FinishTime`).
//!
//! Each `Transcode` of the `MediaProcessResultSet` is an output, known by its place in the set. Snapshots, sprites and animated pictures are
//! passed over. A task that failed before it transcoded makes one failed output.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::codec::parse_codec;
use super::super::fields::{
    Known, Moment, Name, Refusal, Seconds, Side, Words, element, finished, parse, reason, required,
};
use super::super::parse::Item;
use super::super::pictures::is_picture;
use super::super::{Outcome, Output};
use crate::model::Millis;
use crate::stats::Codec;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Notice<'a> {
    #[serde(borrow)]
    workflow_task_event: Known<Task<'a>>,
    #[serde(borrow)]
    workflow_task: Known<Task<'a>>,
    finish_time: Known<Moment>,
    /// Around the answer of a query.
    #[serde(borrow)]
    response: Known<Box<Notice<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Task<'a> {
    task_id: Known<Name>,
    status: Known<Words>,
    err_code: Known<Words>,
    message: Known<Words>,
    #[serde(borrow)]
    media_process_result_set: Known<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ResultItem<'a> {
    #[serde(borrow)]
    transcode_task: Known<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Transcode {
    status: Known<Words>,
    err_code_ext: Known<Words>,
    message: Known<Words>,
    output: Known<File>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct File {
    path: Known<Words>,
    duration: Known<Seconds>,
    width: Known<Side>,
    height: Known<Side>,
    video_stream_set: Known<Vec<Known<Stream>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Stream {
    codec: Known<Words>,
    width: Known<Side>,
    height: Known<Side>,
}

pub(crate) fn outputs(object: &str, received: Millis) -> Result<Vec<Item<'_>>, Refusal> {
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
            Err("MediaProcessResultSet has only pictures or other tasks, which do not count, and no TranscodeTask"
                .into())
        }
        None => Err("MediaProcessResultSet has no TranscodeTask; send tasks that transcode".into()),
        Some(code) => {
            let outcome = Outcome::Failed { reason: reason(Some(code), task.message.0) };
            Ok(vec![Item::new(object, Ok(Output { outcome, ..job }))])
        }
    }
}

/// `None` for what does not count.
fn item<'a>(job: &Output, at: usize, result: &'a RawValue) -> Option<Item<'a>> {
    let place = format!("MediaProcessResultSet[{at}]");
    let output = match element::<ResultItem>(result, &place) {
        Ok(ResultItem { transcode_task }) => output(job, at, transcode_task.0?, &format!("{place}.TranscodeTask")),
        Err(refusal) => Err(refusal),
    };
    output.transpose().map(|output| Item::new(result.get(), output))
}

fn output(job: &Output, at: usize, task: &RawValue, place: &str) -> Result<Option<Output>, Refusal> {
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
    if file.path.0.is_some_and(|path| is_picture(&path.0)) {
        return Ok(None);
    }
    let duration = required(file.duration.0, &field("Output.Duration"), "send the notification unchanged")?;
    let stream = file.video_stream_set.0.unwrap_or_default().into_iter().find_map(|stream| stream.0);
    let is_audio = stream.is_none() && [file.width.0, file.height.0].into_iter().flatten().all(|side| side.0 == 0);
    let Stream { codec, width, height } = stream.unwrap_or_default();
    Ok(Some(Output {
        codec: codec.0.map_or(Codec::Other, |word| parse_codec(&word.0)),
        width: if is_audio { None } else { width.0.or(file.width.0).map(|side| side.0) },
        height: if is_audio { None } else { height.0.or(file.height.0).map(|side| side.0) },
        is_audio,
        duration_ms: duration.0,
        ..named
    }))
}

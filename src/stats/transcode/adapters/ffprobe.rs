//! `ffprobe -print_format json -show_format -show_streams` of an output.
//!
//! It is known by its file name and size, and ended when its result came in. Keys of the console's own form may stand beside `streams` and
//! `format` and win: `jobId` (the output is then known by job and file name, or by `output`), `domain`, `codec` (`copy`, for a remux cannot be seen
//! from outside) and `finishedAt`. Streams of some containers, FLV among them, have no length, so that of the file counts.

use serde::Deserialize;

use super::super::fields::{Host, Moment, Name, Refusal, Seconds, Side, Words, finished, parse, required};
use super::super::{Outcome, Output};
use crate::model::Millis;
use crate::stats::Codec;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    streams: Option<Vec<Stream>>,
    format: Option<Format>,
    job_id: Option<Name>,
    output: Option<Name>,
    domain: Option<Host>,
    codec: Option<Words>,
    finished_at: Option<Moment>,
}

#[derive(Deserialize)]
struct Format {
    filename: Option<Name>,
    size: Option<Name>,
    duration: Option<Seconds>,
}

#[derive(Deserialize)]
struct Stream {
    codec_type: Option<Words>,
    codec_name: Option<Words>,
    width: Option<Side>,
    height: Option<Side>,
    duration: Option<Seconds>,
    disposition: Option<Disposition>,
}

#[derive(Deserialize)]
struct Disposition {
    attached_pic: Option<i64>,
}

impl Stream {
    fn is(&self, kind: &str) -> bool {
        self.codec_type.as_ref().is_some_and(|word| word.0 == kind)
    }

    /// A picture that moves, not a cover.
    fn is_video(&self) -> bool {
        let cover = self.disposition.as_ref().and_then(|disposition| disposition.attached_pic) == Some(1);
        self.is("video") && !cover
    }
}

pub(crate) fn outputs(object: &str, received: Millis) -> Result<Vec<Output>, Refusal> {
    let probe: Probe = parse(object)?;
    let streams = required(probe.streams, "streams", "call ffprobe with -show_streams")?;
    let format = required(probe.format, "format", "call ffprobe with -show_format")?;
    let longest = || streams.iter().filter_map(|stream| stream.duration).max();
    let duration = required(format.duration.or_else(longest), "format.duration", "probe the file when it is complete")?;
    let video = streams.iter().find(|stream| stream.is_video());
    if video.is_none() && !streams.iter().any(|stream| stream.is("audio")) {
        return Err("streams has neither video nor audio; probe an output of the transcoder".into());
    }
    let file = required(format.filename, "format.filename", "call ffprobe with -show_format")?;
    let (job, output) = match probe.job_id {
        Some(job) => (job, probe.output.unwrap_or(file)),
        None => (file, required(format.size, "format.size", "probe a file, or give jobId")?),
    };
    let coded = video.and_then(|stream| stream.codec_name.as_ref());
    Ok(vec![Output {
        job: job.0,
        output: output.0,
        domain: probe.domain.map(|host| host.0),
        outcome: Outcome::Succeeded,
        codec: probe.codec.as_ref().or(coded).map_or(Codec::Other, |word| Codec::parse(&word.0)),
        width: video.and_then(|stream| stream.width).map(|side| side.0),
        height: video.and_then(|stream| stream.height).map(|side| side.0),
        is_audio: video.is_none(),
        duration_ms: duration.0,
        finished_at: finished(probe.finished_at, "finishedAt", received)?,
    }])
}

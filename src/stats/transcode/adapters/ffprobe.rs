//! `ffprobe -print_format json -show_format -show_streams` of an output.
//!
//! It is known by its file name and size, and ended when its result came in. Keys of the console's own form may stand beside `streams` and
//! `format` and win: `jobId` (the output is then known by job and file name, or by `output`), `domain`, `codec` (`copy`, for a remux cannot be seen
//! from outside) and `finishedAt`. Streams of some containers, FLV among them, have no length, so that of the file counts; with
//! `-show_optional_fields always` ffprobe writes `N/A` for it. A pipe has neither a name of its own nor a size.
//!
//! A cover is a video stream too: ffprobe marks it in `disposition`, old versions do not.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::codec::parse_codec;
use super::super::fields::{
    Flag, Host, Known, Moment, Name, Refusal, Seconds, Side, Words, element, finished, parse, required,
};
use super::super::pictures::is_picture;
use super::super::{Outcome, Output};
use crate::model::Millis;
use crate::stats::Codec;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Probe<'a> {
    #[serde(borrow)]
    streams: Known<Vec<&'a RawValue>>,
    format: Known<Format>,
    job_id: Known<Name>,
    output: Known<Name>,
    domain: Known<Host>,
    codec: Known<Words>,
    finished_at: Known<Moment>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Format {
    filename: Known<Name>,
    format_name: Known<Words>,
    size: Known<Name>,
    duration: Known<Seconds>,
}

impl Format {
    /// Demuxers of pictures are `image2` and `gif`, and `png_pipe` and the like.
    fn is_picture(&self) -> bool {
        let is_demuxer =
            |word: &str| matches!(word, "image2" | "image2pipe" | "gif" | "apng") || word.ends_with("_pipe");
        self.format_name.0.as_ref().is_some_and(|name| name.0.split(',').any(is_demuxer))
            || self.filename.0.as_ref().is_some_and(|name| is_picture(&name.0))
    }

    /// The name of a file, not that of a pipe.
    fn file(&self) -> Option<Name> {
        let is_pipe = |name: &str| {
            let protocols = ["pipe:", "fd:"];
            name == "/dev/stdin" || protocols.iter().any(|protocol| name.starts_with(protocol))
        };
        self.filename.0.clone().filter(|name| !is_pipe(&name.0))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Kind {
    codec_type: Known<Words>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stream {
    codec_name: Known<Words>,
    width: Known<Side>,
    height: Known<Side>,
    duration: Known<Seconds>,
    disposition: Known<Disposition>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Disposition {
    attached_pic: Known<Flag>,
    still_image: Known<Flag>,
    timed_thumbnails: Known<Flag>,
}

impl Stream {
    /// `is_only`: nothing else is in the file.
    fn is_cover(&self, is_only: bool) -> bool {
        match &self.disposition.0 {
            Some(Disposition { attached_pic, still_image, timed_thumbnails }) => {
                [attached_pic, still_image, timed_thumbnails].iter().any(|flag| flag.0 == Some(Flag(true)))
            }
            None => !is_only && self.has_picture_codec(),
        }
    }

    fn has_picture_codec(&self) -> bool {
        let codec = self.codec_name.0.as_ref().map_or("", |word| word.0.as_str());
        matches!(codec, "mjpeg" | "png" | "apng" | "bmp" | "gif" | "webp" | "tiff")
    }
}

/// The streams of sound and pictures; others, such as subtitles, say nothing that counts.
#[derive(Default)]
struct Streams {
    video: Vec<Stream>,
    audio: Vec<Stream>,
}

impl Streams {
    fn read(streams: &[&RawValue]) -> Result<Self, Refusal> {
        let mut read = Self::default();
        for (at, raw) in streams.iter().enumerate() {
            let place = format!("streams[{at}]");
            let kind: Kind = element(raw, &place)?;
            match kind.codec_type.0.as_ref().map(|word| word.0.as_str()) {
                Some("video") => read.video.push(element(raw, &place)?),
                Some("audio") => read.audio.push(element(raw, &place)?),
                _ => {}
            }
        }
        Ok(read)
    }

    fn longest(&self) -> Option<Seconds> {
        self.video.iter().chain(&self.audio).filter_map(|stream| stream.duration.0).max()
    }

    /// The stream whose pictures move.
    fn film(&self) -> Option<&Stream> {
        let is_only = self.video.len() + self.audio.len() == 1;
        let films = || self.video.iter().filter(|stream| !stream.is_cover(is_only));
        films().find(|stream| !stream.has_picture_codec()).or_else(|| films().next())
    }
}

pub(crate) fn output(object: &str, received: Millis) -> Result<Output, Refusal> {
    let probe: Probe = parse(object)?;
    let streams = required(probe.streams.0, "streams", "call ffprobe with -show_streams")?;
    let format = required(probe.format.0, "format", "call ffprobe with -show_format")?;
    let streams = Streams::read(&streams)?;
    let film = streams.film();
    if film.is_none() && streams.audio.is_empty() {
        let is_empty = streams.video.is_empty();
        return Err(if is_empty {
            "streams has neither video nor audio; probe an output of the transcoder".into()
        } else {
            "streams has only images; images are not counted".into()
        });
    }
    if film.is_some() && format.is_picture() {
        return Err("format is an image format; images are not counted".into());
    }
    let duration = format.duration.0.or_else(|| streams.longest());
    let duration = required(duration, "format.duration", "probe the file when it is complete")?;
    let file = format.file();
    let (job, output) = match probe.job_id.0 {
        Some(job) => {
            (job, required(probe.output.0.or(file), "format.filename", "probe a file, or give output beside jobId")?)
        }
        None => {
            let file = required(file, "format.filename", "probe a file, or give jobId and output")?;
            (file, required(format.size.0, "format.size", "probe a file, or give jobId")?)
        }
    };
    let coded = film.and_then(|stream| stream.codec_name.0.as_ref());
    Ok(Output {
        job: job.0,
        output: output.0,
        domain: probe.domain.0.map(|host| host.0),
        outcome: Outcome::Succeeded,
        codec: probe.codec.0.as_ref().or(coded).map_or(Codec::Other, |word| parse_codec(&word.0)),
        width: film.and_then(|stream| stream.width.0).map(|side| side.0),
        height: film.and_then(|stream| stream.height.0).map(|side| side.0),
        is_audio: film.is_none(),
        duration_ms: duration.0,
        finished_at: finished(probe.finished_at.0, "finishedAt", received)?,
    })
}

//! `ffprobe -print_format json -show_format -show_streams` of an output.
//!
//! An output is identified by its file name and size, and its time is when the result was received. The following keys of the console's own
//! format may be added to the object and take precedence: `jobId` (the output is then identified by the job and `output`, else the file name),
//! `domain`, `codec` (for example `copy`, because a remux is not recognizable) and `finishedAt`. The duration is that of the file, because
//! streams of some containers, such as FLV, have none; `-show_optional_fields always` reports it as `N/A`. A pipe has neither a file name nor a
//! size.
//!
//! A cover is a video stream too. Current versions of ffprobe mark it in `disposition`, old versions do not.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::codec::parse_codec;
use super::super::fields::{
    Flag, Host, Maybe, Name, Pixels, Rejection, Rfc3339, Seconds, Text, element, finished, parse, required,
};
use super::super::images::is_image;
use super::super::{Outcome, Output};
use crate::model::Millis;
use crate::stats::Codec;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Probe<'a> {
    #[serde(borrow)]
    streams: Maybe<Vec<&'a RawValue>>,
    format: Maybe<Format>,
    job_id: Maybe<Name>,
    output: Maybe<Name>,
    domain: Maybe<Host>,
    codec: Maybe<Text>,
    finished_at: Maybe<Rfc3339>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Format {
    filename: Maybe<Name>,
    format_name: Maybe<Text>,
    size: Maybe<Name>,
    duration: Maybe<Seconds>,
}

impl Format {
    /// Returns whether the file is an image, by its demuxer (such as `image2`, `gif` or `png_pipe`) or its name.
    fn is_image(&self) -> bool {
        let is_demuxer =
            |word: &str| matches!(word, "image2" | "image2pipe" | "gif" | "apng") || word.ends_with("_pipe");
        self.format_name.0.as_ref().is_some_and(|name| name.0.split(',').any(is_demuxer))
            || self.filename.0.as_ref().is_some_and(|name| is_image(&name.0))
    }

    /// Returns the name of the file, unless it is a pipe.
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
    codec_type: Maybe<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stream {
    codec_name: Maybe<Text>,
    width: Maybe<Pixels>,
    height: Maybe<Pixels>,
    duration: Maybe<Seconds>,
    disposition: Maybe<Disposition>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Disposition {
    attached_pic: Maybe<Flag>,
    still_image: Maybe<Flag>,
    timed_thumbnails: Maybe<Flag>,
}

impl Stream {
    /// Returns whether the stream is a cover. `is_only`: the file has no other stream.
    fn is_cover(&self, is_only: bool) -> bool {
        match &self.disposition.0 {
            Some(Disposition { attached_pic, still_image, timed_thumbnails }) => {
                [attached_pic, still_image, timed_thumbnails].iter().any(|flag| flag.0 == Some(Flag(true)))
            }
            None => !is_only && self.has_image_codec(),
        }
    }

    fn has_image_codec(&self) -> bool {
        let codec = self.codec_name.0.as_ref().map_or("", |word| word.0.as_str());
        matches!(codec, "mjpeg" | "png" | "apng" | "bmp" | "gif" | "webp" | "tiff")
    }
}

/// Video and audio streams. Others, such as subtitles, are ignored.
#[derive(Default)]
struct Streams {
    video: Vec<Stream>,
    audio: Vec<Stream>,
}

impl Streams {
    fn parse(streams: &[&RawValue]) -> Result<Self, Rejection> {
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

    /// Returns the video stream that is not a cover.
    fn film(&self) -> Option<&Stream> {
        let is_only = self.video.len() + self.audio.len() == 1;
        let films = || self.video.iter().filter(|stream| !stream.is_cover(is_only));
        films().find(|stream| !stream.has_image_codec()).or_else(|| films().next())
    }
}

pub(crate) fn output(object: &str, received: Millis) -> Result<Output, Rejection> {
    let probe: Probe = parse(object)?;
    let streams = required(probe.streams.0, "streams", "call ffprobe with -show_streams")?;
    let format = required(probe.format.0, "format", "call ffprobe with -show_format")?;
    let streams = Streams::parse(&streams)?;
    let film = streams.film();
    if film.is_none() && streams.audio.is_empty() {
        let is_empty = streams.video.is_empty();
        return Err(if is_empty {
            "streams has neither video nor audio; probe an output of the transcoder".into()
        } else {
            "streams has only images; images are not counted".into()
        });
    }
    if film.is_some() && format.is_image() {
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
        width: film.and_then(|stream| stream.width.0).map(|pixels| pixels.0),
        height: film.and_then(|stream| stream.height.0).map(|pixels| pixels.0),
        is_audio: film.is_none(),
        duration_ms: duration.0,
        finished_at: finished(probe.finished_at.0, "finishedAt", received)?,
    })
}

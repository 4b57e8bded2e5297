//! Records one publish into parts.
//!
//! **States.** idle (no frame yet) → writing ⇄ broken (a part could not be written further: what is on the disk of it counts, and each key
//! frame tries to begin the next) → off. At once *off* when
//! the very first file cannot be opened: then there is no recording, and the publish goes on without.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use callsheet::model::Millis;
use callsheet::streams::{ClosedPart, Hint, SessionKey};
use tokio::sync::mpsc;

use super::error_text::plain_reason;
use super::media_message::{Message, Metadata};
use super::part_file::{PartEnd, PartFile, PartRecord};
use super::part_upload::{Destination, FinishedPart};
use super::reporter::Report;
use super::wire::{Role, Track};

/// Video that was silent for this long, in ms, no longer decides where parts are cut.
const VIDEO_GONE: Millis = 10_000;
/// Tracks whose headers are kept, and bytes of each.
const MOST_TRACKS: usize = 32;
const LONGEST_HEADER: usize = 64 * 1024;
/// Longest time that a last frame is taken to last, in ms.
const LONGEST_FRAME: Millis = 1_000;

/// The recorder of one publish.
#[derive(Debug)]
pub(super) struct Recorder {
    destination: Arc<Destination>,
    key: SessionKey,
    /// After how much media time, in ms, a part may be cut.
    part_length: Millis,
    /// Path of the parts' files, without the number of the part.
    stem: PathBuf,
    count: u32,
    reports: mpsc::UnboundedSender<Report>,
    metadata: Metadata,
    headers: Headers,
    last_video: Option<Millis>,
    state: State,
}

/// The newest decoder headers, by medium and track.
#[derive(Debug, Default)]
struct Headers(Vec<((Track, u8), Bytes)>);

#[derive(Debug)]
enum State {
    Idle,
    Writing(Box<Part>),
    /// The last part could not be written; each frame that a part can begin with tries again.
    Broken,
    Off,
}

#[derive(Debug)]
struct Part {
    file: PartFile,
    /// Unix ms of the newest message.
    last_at: Millis,
    /// Media time of the first frame.
    base: Millis,
    /// Media time of the newest frame of each track, and how long the one before lasted.
    audio: Option<(Millis, Millis)>,
    video: Option<(Millis, Millis)>,
}

impl Recorder {
    pub(super) fn new(
        destination: Destination,
        key: SessionKey,
        part_length: Millis,
        stem: PathBuf,
        reports: mpsc::UnboundedSender<Report>,
    ) -> Self {
        Self {
            destination: Arc::new(destination),
            key,
            part_length,
            stem,
            count: 0,
            reports,
            metadata: Metadata::new(),
            headers: Headers::default(),
            last_video: None,
            state: State::Idle,
        }
    }

    /// Keeps the publisher's metadata for the parts to come.
    pub(super) fn metadata(&mut self, metadata: Metadata) {
        self.metadata = metadata;
    }

    /// Takes one message at its media `time`.
    pub(super) async fn take(&mut self, message: &Message, time: Millis) {
        let role = message.role();
        self.headers.keep(message);
        match role {
            Role::Header | Role::Note => {}
            Role::Key | Role::Frame => {
                if message.track == Track::Video {
                    self.last_video = Some(time);
                }
                self.turn(message, role, time).await;
            }
        }
        self.write(message, role, time).await;
    }

    /// Closes the part that is open.
    pub(super) async fn finish(mut self) {
        if let State::Writing(part) = std::mem::replace(&mut self.state, State::Off) {
            let (stopped_at, end) = (part.last_at, part.end());
            self.close(*part, stopped_at, end).await;
        }
    }

    /// Opens a part before this frame if one is due, and closes the one before.
    async fn turn(&mut self, frame: &Message, role: Role, time: Millis) {
        let base = match &self.state {
            State::Off => return,
            State::Idle => return self.begin(frame.at, time).await,
            State::Broken if self.may_begin(role, time) => return self.try_again(frame.at, time).await,
            State::Broken => return,
            State::Writing(part) => part.base,
        };
        if time - base >= self.part_length && self.may_begin(role, time) {
            if let State::Writing(part) = std::mem::replace(&mut self.state, State::Broken) {
                self.close(*part, frame.at, time).await;
            }
            self.next(frame.at, time).await;
        }
    }

    /// Returns whether a part can begin with this frame.
    fn may_begin(&self, role: Role, time: Millis) -> bool {
        let waits_for_key = self.last_video.is_some_and(|last| time - last < VIDEO_GONE);
        role == Role::Key || !waits_for_key
    }

    /// Opens the first part. If that fails, there is no recording.
    async fn begin(&mut self, at: Millis, time: Millis) {
        if let Err(reason) = self.open(at, time).await {
            tracing::warn!(publish = %self.destination, reason, "cannot record");
            self.state = State::Off;
            self.report(Hint::RecordingFailed { at, reason });
        }
    }

    /// Opens a part that is not the first. If that fails, the part is reported as begun and failed.
    async fn next(&mut self, at: Millis, time: Millis) {
        if let Err(reason) = self.open(at, time).await {
            tracing::warn!(publish = %self.destination, reason, "cannot record a part");
            self.report(Hint::PartOpened { at, location: Some(self.destination.open_path(at)) });
            self.fail(at, at, reason);
        }
    }

    /// Opens a part after one that failed. If that fails too, there is nothing new to report.
    async fn try_again(&mut self, at: Millis, time: Millis) {
        if let Err(reason) = self.open(at, time).await {
            tracing::debug!(publish = %self.destination, reason, "cannot record a part");
        }
    }

    async fn open(&mut self, at: Millis, time: Millis) -> Result<(), String> {
        self.destination.open().await.map_err(|error| plain_reason(&error))?;
        self.count += 1;
        let mut path = self.stem.clone().into_os_string();
        path.push(format!("-{}.flv", self.count));
        let record = PartRecord::opened(&self.key, self.destination.place.clone(), at);
        let file = PartFile::create(path.into(), record, &self.metadata).await;
        let file = file.map_err(|error| plain_reason(&error))?;
        let part = Part { file, last_at: at, base: time, audio: None, video: None };
        self.state = State::Writing(Box::new(part));
        self.report(Hint::PartOpened { at, location: Some(self.destination.open_path(at)) });
        for ((track, _), data) in self.headers.0.clone() {
            let header = Message::new(at, track, 0, data);
            self.write(&header, Role::Header, time).await;
        }
        Ok(())
    }

    async fn write(&mut self, message: &Message, role: Role, time: Millis) {
        let State::Writing(part) = &mut self.state else {
            return;
        };
        let Err(error) = part.write(message, role, time).await else {
            return;
        };
        if let State::Writing(part) = std::mem::replace(&mut self.state, State::Broken) {
            tracing::error!(publish = %self.destination, path = %part.file.path().display(), %error, "cannot write a part; it ends here");
            let end = part.end();
            self.close(*part, message.at, end).await;
        }
    }

    /// Reports that nothing came of the part that began at `started_at`.
    fn fail(&self, started_at: Millis, stopped_at: Millis, reason: String) {
        let part = ClosedPart {
            recorder: String::new(),
            location: None,
            started_at: Some(started_at),
            stopped_at,
            duration_ms: Some(0),
            bytes: None,
            failure: Some(reason),
        };
        self.report(Hint::PartClosed(part));
    }

    /// Hands a part in whose media ends at media time `end`.
    async fn close(&self, part: Part, stopped_at: Millis, end: Millis) {
        let end = PartEnd { stopped_at, duration: (end - part.base).max(0) };
        let part = part.file.finish(end).await;
        let destination = Arc::clone(&self.destination);
        self.send(Report::Part(Box::new(FinishedPart { destination, part })));
    }

    fn report(&self, hint: Hint) {
        self.send(Report::Hint(hint));
    }

    fn send(&self, report: Report) {
        if self.reports.send(report).is_err() {
            tracing::error!(publish = %self.destination, "the reporter is gone");
        }
    }
}

impl Part {
    async fn write(&mut self, message: &Message, role: Role, time: Millis) -> std::io::Result<()> {
        if matches!(role, Role::Key | Role::Frame) {
            self.last_at = message.at;
            let newest = match message.track {
                Track::Audio => &mut self.audio,
                Track::Video => &mut self.video,
            };
            let lasts = newest.map_or(0, |(before, _)| (time - before).clamp(0, LONGEST_FRAME));
            *newest = Some((time, lasts));
        }
        // What comes a little late from the other track belongs to the beginning.
        let timestamp = u32::try_from((time - self.base).max(0)).unwrap_or(u32::MAX);
        self.file.write(message.track, timestamp, &message.data).await
    }

    /// Media time of the end: the last frame is taken to last as long as the one before it.
    fn end(&self) -> Millis {
        let ends = [self.audio, self.video].into_iter().flatten().map(|(time, lasts)| time + lasts);
        ends.max().unwrap_or(self.base)
    }
}

impl Headers {
    fn keep(&mut self, message: &Message) {
        for packet in message.packets() {
            let Some(header) = packet.header.clone().filter(|header| header.len() <= LONGEST_HEADER) else { continue };
            let place = (message.track, packet.track);
            if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| *known == place) {
                *known = header;
            } else if self.0.len() < MOST_TRACKS {
                self.0.push((place, header));
            }
        }
    }
}

//! Records one publish into parts.
//!
//! **States.** idle (no frame yet) → writing ⇄ broken (a write failed: the part ends with the media on the disk, and each frame that a part
//! can start with tries to open the next) → off. If the very first file cannot be opened, the recorder is off immediately, and the publish
//! continues without a recording.

use std::path::PathBuf;
use std::sync::Arc;

use callsheet::model::Millis;
use callsheet::streams::{ClosedPart, SessionKey, SourceEvent};
use tokio::sync::mpsc;

use super::decoder_headers::DecoderHeaders;
use super::destination::Destination;
use super::error_text::error_text;
use super::media_message::MediaMessage;
use super::metadata::Metadata;
use super::open_part::OpenPart;
use super::part_file::PartFile;
use super::part_record::{PartEnd, PartRecord};
use super::part_upload::PartUpload;
use super::reporter::QueuedReport;
use super::wire::{MediaKind, PacketRole};

/// Without video for this long, in ms, parts no longer wait for a key frame.
const VIDEO_TIMEOUT: Millis = 10_000;

/// The recorder of one publish.
#[derive(Debug)]
pub(super) struct Recorder {
    destination: Arc<Destination>,
    key: SessionKey,
    /// Minimum length of a part, in ms of media time.
    part_length: Millis,
    /// Path of the parts' files without the number of the part.
    stem: PathBuf,
    count: u32,
    reports: mpsc::UnboundedSender<QueuedReport>,
    metadata: Metadata,
    headers: DecoderHeaders,
    last_video: Option<Millis>,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle,
    Writing(Box<OpenPart>),
    Broken,
    Off,
}

impl Recorder {
    pub(super) fn new(
        destination: Destination,
        key: SessionKey,
        part_length: Millis,
        stem: PathBuf,
        reports: mpsc::UnboundedSender<QueuedReport>,
    ) -> Self {
        Self {
            destination: Arc::new(destination),
            key,
            part_length,
            stem,
            count: 0,
            reports,
            metadata: Metadata::new(),
            headers: DecoderHeaders::default(),
            last_video: None,
            state: State::Idle,
        }
    }

    /// Sets the metadata of the following parts.
    pub(super) fn set_metadata(&mut self, metadata: Metadata) {
        self.metadata = metadata;
    }

    /// Records one message at media time `time`.
    pub(super) async fn record(&mut self, message: &MediaMessage, time: Millis) {
        let role = message.role();
        self.headers.update(message);
        if matches!(role, PacketRole::KeyFrame | PacketRole::Frame) {
            if message.kind == MediaKind::Video {
                self.last_video = Some(time);
            }
            self.open_part_if_due(message, role, time).await;
        }
        self.write(message, role, time).await;
    }

    /// Closes the open part.
    pub(super) async fn finish(mut self) {
        if let State::Writing(part) = std::mem::replace(&mut self.state, State::Off) {
            let (stopped_at, end) = (part.last_at, part.end());
            self.close(*part, stopped_at, end).await;
        }
    }

    /// Opens a part before this frame if one is due, and closes the previous one.
    async fn open_part_if_due(&mut self, frame: &MediaMessage, role: PacketRole, time: Millis) {
        let base = match &self.state {
            State::Off => return,
            State::Idle => return self.open_first(frame.at, time).await,
            State::Broken if self.can_start_with(role, time) => return self.reopen(frame.at, time).await,
            State::Broken => return,
            State::Writing(part) => part.base,
        };
        if time - base >= self.part_length && self.can_start_with(role, time) {
            if let State::Writing(part) = std::mem::replace(&mut self.state, State::Broken) {
                self.close(*part, frame.at, time).await;
            }
            self.open_next(frame.at, time).await;
        }
    }

    /// Returns whether a part can start with this frame.
    fn can_start_with(&self, role: PacketRole, time: Millis) -> bool {
        let needs_key_frame = self.last_video.is_some_and(|last| time - last < VIDEO_TIMEOUT);
        role == PacketRole::KeyFrame || !needs_key_frame
    }

    /// Opens the first part. If that fails, there is no recording.
    async fn open_first(&mut self, at: Millis, time: Millis) {
        if let Err(reason) = self.open(at, time).await {
            tracing::warn!(publish = %self.destination, reason, "failed to start a recording");
            self.state = State::Off;
            self.report(SourceEvent::RecordingFailed { at, reason });
        }
    }

    /// Opens a later part. If that fails, the part is reported as started and failed.
    async fn open_next(&mut self, at: Millis, time: Millis) {
        if let Err(reason) = self.open(at, time).await {
            tracing::warn!(publish = %self.destination, reason, "failed to start a part");
            self.report(SourceEvent::PartOpened { at, location: Some(self.destination.open_path(at)) });
            self.report(SourceEvent::PartClosed(ClosedPart {
                recorder: String::new(),
                location: None,
                started_at: Some(at),
                stopped_at: at,
                duration_ms: Some(0),
                bytes: None,
                failure: Some(reason),
            }));
        }
    }

    /// Opens a part after a failed one. Another failure is not reported again.
    async fn reopen(&mut self, at: Millis, time: Millis) {
        if let Err(reason) = self.open(at, time).await {
            tracing::debug!(publish = %self.destination, reason, "failed to start a part");
        }
    }

    async fn open(&mut self, at: Millis, time: Millis) -> Result<(), String> {
        self.destination.open_bucket().await.map_err(|error| error_text(&error))?;
        self.count += 1;
        let mut path = self.stem.clone().into_os_string();
        path.push(format!("-{}.flv", self.count));
        let record = PartRecord::new(&self.key, self.destination.stream.clone(), at);
        let file = PartFile::create(path.into(), record, &self.metadata).await.map_err(|error| error_text(&error))?;
        self.state = State::Writing(Box::new(OpenPart::new(file, at, time)));
        self.report(SourceEvent::PartOpened { at, location: Some(self.destination.open_path(at)) });
        for (kind, data) in self.headers.messages() {
            self.write(&MediaMessage::new(at, kind, 0, data), PacketRole::DecoderConfig, time).await;
        }
        Ok(())
    }

    async fn write(&mut self, message: &MediaMessage, role: PacketRole, time: Millis) {
        let State::Writing(part) = &mut self.state else { return };
        let Err(error) = part.write(message, role, time).await else { return };
        if let State::Writing(part) = std::mem::replace(&mut self.state, State::Broken) {
            let path = part.file.path().display();
            tracing::error!(publish = %self.destination, %path, %error, "failed to write a part; it ends here");
            let end = part.end();
            self.close(*part, message.at, end).await;
        }
    }

    /// Completes a part whose media ends at media time `end`, and queues its upload.
    async fn close(&self, part: OpenPart, stopped_at: Millis, end: Millis) {
        let end = PartEnd { stopped_at, duration: (end - part.base).max(0) };
        let part = part.file.finish(end).await;
        let destination = Arc::clone(&self.destination);
        self.send(QueuedReport::Part(Box::new(PartUpload { destination, part })));
    }

    fn report(&self, event: SourceEvent) {
        self.send(QueuedReport::Event(event));
    }

    fn send(&self, report: QueuedReport) {
        if self.reports.send(report).is_err() {
            tracing::error!(publish = %self.destination, "the reporter has stopped; a report is lost");
        }
    }
}

//! The part that a recorder is writing.

use std::io;

use callsheet::model::Millis;

use super::media_message::MediaMessage;
use super::part_file::PartFile;
use super::wire::{MediaKind, PacketRole};

/// Longest duration in ms that is assumed for a last frame.
const MAX_FRAME_DURATION: Millis = 1_000;

/// An open part and its media times.
#[derive(Debug)]
pub(super) struct OpenPart {
    pub file: PartFile,
    /// Time of arrival of the latest frame, Unix ms.
    pub last_at: Millis,
    /// Media time of the first frame.
    pub base: Millis,
    /// Media time of the latest frame, and the duration of the one before.
    audio: Option<(Millis, Millis)>,
    video: Option<(Millis, Millis)>,
}

impl OpenPart {
    pub(super) fn new(file: PartFile, at: Millis, base: Millis) -> Self {
        Self { file, last_at: at, base, audio: None, video: None }
    }

    pub(super) async fn write(&mut self, message: &MediaMessage, role: PacketRole, time: Millis) -> io::Result<()> {
        if matches!(role, PacketRole::KeyFrame | PacketRole::Frame) {
            self.last_at = message.at;
            let latest = match message.kind {
                MediaKind::Audio => &mut self.audio,
                MediaKind::Video => &mut self.video,
            };
            let duration = latest.map_or(0, |(before, _)| (time - before).clamp(0, MAX_FRAME_DURATION));
            *latest = Some((time, duration));
        }
        // A message of the other track can be slightly older than the first frame.
        let timestamp = u32::try_from((time - self.base).max(0)).unwrap_or(u32::MAX);
        self.file.write(message.kind, timestamp, &message.data).await
    }

    /// Returns the media time of the end. The last frame is assumed to last as long as the one before.
    pub(super) fn end(&self) -> Millis {
        let ends = [self.audio, self.video].into_iter().flatten().map(|(time, duration)| time + duration);
        ends.max().unwrap_or(self.base)
    }
}

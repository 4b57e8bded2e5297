//! Media facts for the heartbeat. The session updates them, and the reporter reads them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use callsheet::streams::Media;

use super::media_message::MediaMessage;
use super::metadata::{Metadata, MetadataValue};
use super::wire::MediaKind;

/// Codecs, frame size and bit rate of one publish.
#[derive(Debug, Default)]
pub(super) struct MediaStats {
    media: Mutex<Media>,
    /// Bytes of media since the last heartbeat.
    bytes: AtomicU64,
}

impl MediaStats {
    /// Counts the bytes of a message and takes over its codec.
    pub(super) fn record_message(&self, message: &MediaMessage) {
        self.bytes.fetch_add(message.data.len() as u64, Ordering::Relaxed);
        let mut media = self.media.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match message.kind {
            MediaKind::Audio => &mut media.audio_codec,
            MediaKind::Video => &mut media.video_codec,
        };
        let first = message.packets().iter().find(|packet| packet.track == 0);
        if let Some(codec) = first.and_then(|packet| packet.codec)
            && known.as_deref() != Some(codec)
        {
            *known = Some(codec.to_owned());
        }
    }

    /// Takes over the frame size.
    pub(super) fn record_metadata(&self, metadata: &Metadata) {
        let pixels = |name: &str| match metadata.get(name) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
            Some(MetadataValue::Number(number)) if (1.0..=65_535.0).contains(number) => Some(*number as u32),
            _ => None,
        };
        let mut media = self.media.lock().unwrap_or_else(PoisonError::into_inner);
        media.width = pixels("width").or(media.width);
        media.height = pixels("height").or(media.height);
    }

    /// Returns the facts with the bit rate since the last call, or `None` if no media arrived meanwhile.
    pub(super) fn since_last_heartbeat(&self, elapsed: Duration) -> Option<Media> {
        let bytes = self.bytes.swap(0, Ordering::Relaxed);
        if bytes == 0 {
            return None;
        }
        let media = self.media.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let bitrate = u64::try_from(u128::from(bytes) * 8000 / elapsed.as_millis().max(1)).ok();
        Some(Media { bitrate, ..media })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn size_comes_from_metadata_and_the_codec_from_media() {
        let stats = MediaStats::default();
        stats.record_metadata(&Metadata::from([
            ("width".to_owned(), MetadataValue::Number(320.0)),
            ("height".to_owned(), MetadataValue::Number(-1.0)),
        ]));
        stats.record_message(&MediaMessage::new(0, MediaKind::Audio, 0, Bytes::from_static(b"\xaf\x01")));
        let media = stats.since_last_heartbeat(Duration::from_secs(1)).expect("media");
        assert_eq!((media.width, media.height, media.audio_codec.as_deref()), (Some(320), None, Some("aac")));
    }
}

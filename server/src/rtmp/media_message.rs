//! Audio, video and metadata on their way to the recorder, and the media's time.

use std::collections::BTreeMap;

use bytes::Bytes;
use callsheet::model::Millis;
use callsheet::streams::Media;

use super::wire::{Packet, Role, Track, read_packets, role_of};

/// One audio or video message as it came.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// When it came, Unix ms.
    pub at: Millis,
    pub track: Track,
    /// The publisher's clock, ms, wraps around.
    pub timestamp: u32,
    pub data: Bytes,
    /// What `data` carries, track by track; empty when it cannot be read.
    packets: Vec<Packet>,
}

/// A value of the publisher's metadata that a file can carry on.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Bool(bool),
    Text(String),
}

/// The publisher's metadata.
pub(super) type Metadata = BTreeMap<String, Value>;

impl Message {
    pub(super) fn new(at: Millis, track: Track, timestamp: u32, data: Bytes) -> Self {
        let packets = read_packets(track, &data);
        Self { at, track, timestamp, data, packets }
    }

    pub(super) fn packets(&self) -> &[Packet] {
        &self.packets
    }

    pub(super) fn role(&self) -> Role {
        role_of(&self.packets)
    }
}

/// Adds what one message tells to what is known of the media.
pub(super) fn learn(media: &mut Media, message: &Message) {
    let known = match message.track {
        Track::Audio => &mut media.audio_codec,
        Track::Video => &mut media.video_codec,
    };
    let first = message.packets.iter().find(|packet| packet.track == 0);
    if let Some(codec) = first.and_then(|packet| packet.codec)
        && known.as_deref() != Some(codec)
    {
        *known = Some(codec.to_owned());
    }
}

/// Adds what the metadata tells to what is known of the media.
pub(super) fn learn_size(media: &mut Media, metadata: &Metadata) {
    let pixels = |name: &str| match metadata.get(name) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        Some(Value::Number(number)) if (1.0..=65_535.0).contains(number) => Some(*number as u32),
        _ => None,
    };
    media.width = pixels("width").or(media.width);
    media.height = pixels("height").or(media.height);
}

/// Longest pause between two messages, in ms, that is taken for one; a longer leap of the publisher's clock, or one
/// back, is a fault of that clock and is left out of the media's time.
const LONGEST_PAUSE: i32 = 60_000;

/// Makes one steady time, ms from the first message, of the publisher's clock.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    last: Option<(u32, Millis)>,
}

impl Timeline {
    /// The time of a message with this `timestamp`. Small steps back are kept: the two tracks come interleaved.
    pub(super) fn at(&mut self, timestamp: u32) -> Millis {
        let time = match self.last {
            None => 0,
            Some((before, time)) => {
                let step = timestamp.wrapping_sub(before).cast_signed();
                time + if step.abs() <= LONGEST_PAUSE { Millis::from(step) } else { 0 }
            }
        };
        self.last = Some((timestamp, time));
        time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(track: Track, data: &'static [u8]) -> Message {
        Message::new(0, track, 0, Bytes::from_static(data))
    }

    #[test]
    fn time_is_steady_over_wraps_and_leaps() {
        let mut timeline = Timeline::default();
        let stamps = [u32::MAX - 9, u32::MAX - 19, 10, 30, 2_000_000, 2_000_040, 0, 23];
        let times: Vec<Millis> = stamps.into_iter().map(|stamp| timeline.at(stamp)).collect();
        assert_eq!(times, [0, -10, 20, 40, 40, 80, 80, 103]);
    }

    #[test]
    fn metadata_tells_the_size() {
        let mut media = Media::default();
        let metadata =
            Metadata::from([("width".to_owned(), Value::Number(320.0)), ("height".to_owned(), Value::Number(-1.0))]);
        learn_size(&mut media, &metadata);
        learn(&mut media, &message(Track::Audio, b"\xaf\x01"));
        assert_eq!((media.width, media.height, media.audio_codec.as_deref()), (Some(320), None, Some("aac")));
    }
}

//! Reads the first bytes of audio and video messages, of classic RTMP and of enhanced RTMP (codecs by four letters).

use std::collections::BTreeMap;

use bytes::Bytes;
use callsheet::model::Millis;
use callsheet::streams::Media;

/// Which of the two tracks a message belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Track {
    Audio,
    Video,
}

/// What a message is to a player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// What a decoder needs before any frame; each part begins with it.
    Header,
    /// A frame from which playing can begin.
    Key,
    /// A frame that needs those before it; for audio, any frame.
    Frame,
    /// Neither: end marks, colour notes, commands.
    Note,
}

/// One audio or video message as it came.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// When it came, Unix ms.
    pub at: Millis,
    pub track: Track,
    /// The publisher's clock, ms, wraps around.
    pub timestamp: u32,
    pub data: Bytes,
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
    /// What the message is to a player.
    pub(super) fn role(&self) -> Role {
        let (&[first, ..], second) = (&self.data[..], self.data.get(1)) else {
            return Role::Note;
        };
        match self.track {
            Track::Video if first & 0x80 != 0 => match (first & 0x0f, first >> 4 & 7) {
                (0 | 5, _) => Role::Header,
                (2 | 4, _) | (_, 5) => Role::Note,
                (_, 1 | 4) => Role::Key,
                _ => Role::Frame,
            },
            Track::Video => match (first >> 4, first & 0x0f, second) {
                (5, ..) => Role::Note,
                (_, 7 | 12 | 13, Some(0)) => Role::Header,
                (_, 7 | 12 | 13, Some(2)) => Role::Note,
                (1 | 4, ..) => Role::Key,
                _ => Role::Frame,
            },
            Track::Audio => match (first >> 4, first & 0x0f, second) {
                (9, 0, _) | (10, _, Some(0)) => Role::Header,
                (9, 2 | 4, _) => Role::Note,
                _ => Role::Frame,
            },
        }
    }

    /// The codec's common name, where the message tells it.
    pub(super) fn codec(&self) -> Option<&'static str> {
        let first = *self.data.first()?;
        let letters = || self.data.get(1..5);
        match self.track {
            Track::Video if first & 0x80 != 0 => match letters()? {
                b"avc1" => Some("h264"),
                b"hvc1" => Some("hevc"),
                b"av01" => Some("av1"),
                b"vp08" => Some("vp8"),
                b"vp09" => Some("vp9"),
                _ => None,
            },
            Track::Video => match first & 0x0f {
                2 => Some("h263"),
                4 | 5 => Some("vp6"),
                7 => Some("h264"),
                12 => Some("hevc"),
                13 => Some("av1"),
                _ => None,
            },
            Track::Audio => match first >> 4 {
                9 => match letters()? {
                    b"mp4a" => Some("aac"),
                    b"Opus" => Some("opus"),
                    b"fLaC" => Some("flac"),
                    b"ac-3" => Some("ac3"),
                    b"ec-3" => Some("eac3"),
                    b".mp3" => Some("mp3"),
                    _ => None,
                },
                2 | 14 => Some("mp3"),
                7 => Some("pcm_alaw"),
                8 => Some("pcm_mulaw"),
                10 => Some("aac"),
                11 => Some("speex"),
                _ => None,
            },
        }
    }
}

/// Adds what one message tells to what is known of the media.
pub(super) fn learn(media: &mut Media, message: &Message) {
    let known = match message.track {
        Track::Audio => &mut media.audio_codec,
        Track::Video => &mut media.video_codec,
    };
    if let Some(codec) = message.codec()
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
        Message { at: 0, track, timestamp: 0, data: Bytes::from_static(data) }
    }

    #[test]
    fn roles_and_codecs() {
        use Role::{Frame, Header, Key, Note};
        use Track::{Audio, Video};
        for (track, data, role, codec) in [
            (Video, &b"\x17\x00\x00\x00\x00"[..], Header, Some("h264")),
            (Video, b"\x17\x01\x00\x00\x00", Key, Some("h264")),
            (Video, b"\x27\x01\x00\x00\x00", Frame, Some("h264")),
            (Video, b"\x17\x02\x00\x00\x00", Note, Some("h264")),
            (Video, b"\x1c\x00\x00\x00\x00", Header, Some("hevc")),
            (Video, b"\x90hvc1\x01", Header, Some("hevc")),
            (Video, b"\x91hvc1\x00\x00\x00", Key, Some("hevc")),
            (Video, b"\xa3hvc1\x00", Frame, Some("hevc")),
            (Video, b"\x93av01\x00", Key, Some("av1")),
            (Video, b"\x94hvc1\x00", Note, Some("hevc")),
            (Video, b"\x22", Frame, Some("h263")),
            (Audio, b"\xaf\x00\x12\x10", Header, Some("aac")),
            (Audio, b"\xaf\x01\x21", Frame, Some("aac")),
            (Audio, b"\x90Opus", Header, Some("opus")),
            (Audio, b"\x91Opus\x00", Frame, Some("opus")),
            (Audio, b"\x2f\xff", Frame, Some("mp3")),
            (Video, b"", Note, None),
        ] {
            let message = message(track, data);
            assert_eq!((message.role(), message.codec()), (role, codec), "{data:02x?}");
        }
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

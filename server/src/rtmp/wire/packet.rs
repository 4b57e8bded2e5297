//! Content of audio and video messages: FLV and Enhanced RTMP (Veovera, version 2).

use bytes::{Buf, Bytes};

/// The medium of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaKind {
    Audio,
    Video,
}

/// The role of a packet for a player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PacketRole {
    /// Decoder configuration, required at the start of each part.
    DecoderConfig,
    /// A frame that playback can start with.
    KeyFrame,
    /// A frame that depends on earlier ones; for audio, any frame.
    Frame,
    /// Anything else: end of sequence, colour information, commands.
    Other,
}

/// The data of one track in a message. Most messages have one packet, of track 0; with Enhanced RTMP there can be several tracks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packet {
    pub(crate) track: u8,
    pub(crate) role: PacketRole,
    /// The common name of the codec, if the message contains it.
    pub(crate) codec: Option<&'static str>,
    /// For a decoder configuration: the data of a message with only this packet.
    pub(crate) header: Option<Bytes>,
}

/// Returns the role of a message with these packets. It is a key frame only if track 0 has one.
pub(crate) fn role_of(packets: &[Packet]) -> PacketRole {
    let is = |role| packets.iter().any(|packet| packet.role == role);
    if packets.iter().any(|packet| packet.track == 0 && packet.role == PacketRole::KeyFrame) {
        PacketRole::KeyFrame
    } else if is(PacketRole::Frame) || is(PacketRole::KeyFrame) {
        PacketRole::Frame
    } else if is(PacketRole::DecoderConfig) {
        PacketRole::DecoderConfig
    } else {
        PacketRole::Other
    }
}

/// Reads the packets of an audio or video message. Returns none if it is malformed.
pub(crate) fn read_packets(media: MediaKind, data: &Bytes) -> Vec<Packet> {
    let Some(&first) = data.first() else { return Vec::new() };
    let kind = match media {
        MediaKind::Video if first & 0x80 != 0 => first & 0x0f,
        MediaKind::Audio if first >> 4 == 9 => first & 0x0f,
        _ => return vec![legacy_packet(media, first, data)],
    };
    EnhancedMessage { media, first, data }.packets(kind).unwrap_or_default()
}

/// Reads a message without Enhanced RTMP.
fn legacy_packet(media: MediaKind, first: u8, data: &Bytes) -> Packet {
    let (high, low, second) = (first >> 4, first & 0x0f, data.get(1));
    let (role, codec) = match media {
        MediaKind::Video => {
            let role = match (high, low, second) {
                (5, ..) => PacketRole::Other,
                (_, 7 | 12 | 13, Some(0)) => PacketRole::DecoderConfig,
                (_, 7 | 12 | 13, Some(2)) => PacketRole::Other,
                (1 | 4, ..) => PacketRole::KeyFrame,
                _ => PacketRole::Frame,
            };
            let codec = match low {
                2 => Some("h263"),
                4 | 5 => Some("vp6"),
                7 => Some("h264"),
                12 => Some("hevc"),
                13 => Some("av1"),
                _ => None,
            };
            (role, codec)
        }
        MediaKind::Audio => {
            let role = if (high, second) == (10, Some(&0)) { PacketRole::DecoderConfig } else { PacketRole::Frame };
            let codec = match high {
                2 | 14 => Some("mp3"),
                7 => Some("pcm_alaw"),
                8 => Some("pcm_mulaw"),
                10 => Some("aac"),
                11 => Some("speex"),
                _ => None,
            };
            (role, codec)
        }
    };
    let header = (role == PacketRole::DecoderConfig).then(|| Bytes::copy_from_slice(data));
    Packet { track: 0, role, codec, header }
}

/// Maximum number of tracks in one message. Messages with more count as malformed.
const MAX_PACKETS: usize = 32;
/// Packet types of Enhanced RTMP that contain other packets.
const MULTITRACK_AUDIO: u8 = 5;
const MULTITRACK_VIDEO: u8 = 6;
const MOD_EX: u8 = 7;

/// An Enhanced RTMP message.
struct EnhancedMessage<'d> {
    media: MediaKind,
    first: u8,
    data: &'d Bytes,
}

impl EnhancedMessage<'_> {
    fn packets(&self, mut kind: u8) -> Option<Vec<Packet>> {
        let mut rest = self.data.clone();
        rest.advance(1);
        while kind == MOD_EX {
            let mut length = usize::from(rest.try_get_u8().ok()?) + 1;
            if length == 256 {
                length = usize::from(rest.try_get_u16().ok()?) + 1;
            }
            rest.try_advance(length)?;
            kind = rest.try_get_u8().ok()? & 0x0f;
        }
        let multitrack = match self.media {
            MediaKind::Audio => MULTITRACK_AUDIO,
            MediaKind::Video => MULTITRACK_VIDEO,
        };
        if kind != multitrack {
            let header = || Bytes::copy_from_slice(self.data);
            return Some(vec![self.packet(0, kind, &rest, header)]);
        }
        let form = rest.try_get_u8().ok()?;
        let (form, kind) = (form >> 4, form & 0x0f);
        let mut codec = if form < 2 { Some(rest.try_take(4)?) } else { None };
        let mut packets = Vec::new();
        while !rest.is_empty() {
            if packets.len() >= MAX_PACKETS {
                return None;
            }
            if form == 2 {
                codec = Some(rest.try_take(4)?);
            }
            let codec = codec.clone()?;
            let id = rest.try_get_u8().ok()?;
            let data = if form == 0 {
                std::mem::take(&mut rest)
            } else {
                let length = rest.try_take(3)?;
                rest.try_take(usize::from(length[0]) << 16 | usize::from(length[1]) << 8 | usize::from(length[2]))?
            };
            let header = || [&[self.first & 0xf0 | multitrack, kind][..], &codec, &[id], &data].concat().into();
            packets.push(self.packet(id, kind, &codec, header));
        }
        Some(packets)
    }

    fn packet(&self, track: u8, kind: u8, codec: &[u8], header: impl FnOnce() -> Bytes) -> Packet {
        let role = match (self.media, kind, self.first >> 4 & 7) {
            (_, 0, _) => PacketRole::DecoderConfig,
            (MediaKind::Audio, 2 | 4, _) | (MediaKind::Video, 2 | 4, _) | (MediaKind::Video, _, 5) => PacketRole::Other,
            (MediaKind::Video, 5, _) => PacketRole::DecoderConfig,
            (MediaKind::Video, _, 1 | 4) => PacketRole::KeyFrame,
            _ => PacketRole::Frame,
        };
        let codec = match (self.media, codec.get(..4)) {
            (MediaKind::Video, Some(b"avc1")) => Some("h264"),
            (MediaKind::Video, Some(b"hvc1")) => Some("hevc"),
            (MediaKind::Video, Some(b"vvc1")) => Some("vvc"),
            (MediaKind::Video, Some(b"av01")) => Some("av1"),
            (MediaKind::Video, Some(b"vp08")) => Some("vp8"),
            (MediaKind::Video, Some(b"vp09")) => Some("vp9"),
            (MediaKind::Audio, Some(b"mp4a")) => Some("aac"),
            (MediaKind::Audio, Some(b"Opus")) => Some("opus"),
            (MediaKind::Audio, Some(b"fLaC")) => Some("flac"),
            (MediaKind::Audio, Some(b"ac-3")) => Some("ac3"),
            (MediaKind::Audio, Some(b"ec-3")) => Some("eac3"),
            (MediaKind::Audio, Some(b".mp3")) => Some("mp3"),
            _ => None,
        };
        Packet { track, role, codec, header: (role == PacketRole::DecoderConfig).then(header) }
    }
}

/// Splits off bytes if there are enough.
trait TryTake {
    fn try_take(&mut self, length: usize) -> Option<Bytes>;
    fn try_advance(&mut self, length: usize) -> Option<()>;
}

impl TryTake for Bytes {
    fn try_take(&mut self, length: usize) -> Option<Bytes> {
        (self.len() >= length).then(|| self.split_to(length))
    }

    fn try_advance(&mut self, length: usize) -> Option<()> {
        self.try_take(length).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn roles_and_codecs_are_detected() {
        use MediaKind::{Audio, Video};
        use PacketRole::{DecoderConfig, Frame, KeyFrame, Other};
        for (track, data, role, codec) in [
            (Video, &b"\x17\x00\x00\x00\x00"[..], DecoderConfig, Some("h264")),
            (Video, b"\x17\x01\x00\x00\x00", KeyFrame, Some("h264")),
            (Video, b"\x27\x01\x00\x00\x00", Frame, Some("h264")),
            (Video, b"\x17\x02\x00\x00\x00", Other, Some("h264")),
            (Video, b"\x1c\x00\x00\x00\x00", DecoderConfig, Some("hevc")),
            (Video, b"\x90hvc1\x01", DecoderConfig, Some("hevc")),
            (Video, b"\x91hvc1\x00\x00\x00", KeyFrame, Some("hevc")),
            (Video, b"\xa3hvc1\x00", Frame, Some("hevc")),
            (Video, b"\x93av01\x00", KeyFrame, Some("av1")),
            (Video, b"\x94hvc1\x00", Other, Some("hevc")),
            (Video, b"\x22", Frame, Some("h263")),
            (Audio, b"\xaf\x00\x12\x10", DecoderConfig, Some("aac")),
            (Audio, b"\xaf\x01\x21", Frame, Some("aac")),
            (Audio, b"\x90Opus", DecoderConfig, Some("opus")),
            (Audio, b"\x91Opus\x00", Frame, Some("opus")),
            (Audio, b"\x2f\xff", Frame, Some("mp3")),
            (Video, b"\xd1hvc1", Other, Some("hevc")),
            (Audio, b"\x97\x00\x01\x01Opus\x00", Frame, Some("opus")),
            (Video, b"", Other, None),
        ] {
            let packets = read_packets(track, &Bytes::from_static(data));
            let found = packets.first().and_then(|packet| packet.codec);
            assert_eq!((role_of(&packets), found), (role, codec), "{data:02x?}");
        }
    }

    #[test]
    fn several_tracks_of_one_message_are_read() {
        use PacketRole::{DecoderConfig, Frame, KeyFrame, Other};
        let read = |track, data| {
            let packets = read_packets(track, &Bytes::from_static(data));
            let role = role_of(&packets);
            let packet = |packet: Packet| (packet.track, packet.role, packet.header);
            (role, packets.into_iter().map(packet).collect::<Vec<_>>())
        };
        let header = |data: &'static [u8]| Some(Bytes::from_static(data));
        for (track, data, role, packets) in [
            // One track.
            (
                MediaKind::Audio,
                &b"\x95\x00mp4a\x01\x12\x10"[..],
                DecoderConfig,
                vec![(1, DecoderConfig, header(b"\x95\x00mp4a\x01\x12\x10"))],
            ),
            (MediaKind::Audio, b"\x95\x01mp4a\x01\x21", Frame, vec![(1, Frame, None)]),
            (MediaKind::Video, b"\x96\x01avc1\x01\x00", Frame, vec![(1, KeyFrame, None)]),
            // Several tracks of one codec.
            (
                MediaKind::Audio,
                b"\x95\x10mp4a\x00\x00\x00\x01a\x02\x00\x00\x02bc",
                DecoderConfig,
                vec![
                    (0, DecoderConfig, header(b"\x95\x00mp4a\x00a")),
                    (2, DecoderConfig, header(b"\x95\x00mp4a\x02bc")),
                ],
            ),
            // Several tracks, each with its codec.
            (
                MediaKind::Video,
                b"\x96\x21avc1\x00\x00\x00\x00hvc1\x01\x00\x00\x01x",
                KeyFrame,
                vec![(0, KeyFrame, None), (1, KeyFrame, None)],
            ),
            // Truncated.
            (MediaKind::Video, b"\x96\x11avc1\x00\x00\x00\x09x", Other, vec![]),
            (MediaKind::Audio, b"\x95", Other, vec![]),
        ] {
            assert_eq!(read(track, data), (role, packets), "{data:02x?}");
        }
    }

    proptest! {
        #[test]
        fn any_message_can_be_read(data in prop::collection::vec(any::<u8>(), 0..200), is_video in any::<bool>()) {
            let media = if is_video { MediaKind::Video } else { MediaKind::Audio };
            let headers = read_packets(media, &data.clone().into()).into_iter().filter_map(|packet| packet.header);
            // Each header contains its packet's data and up to six bytes that all packets share.
            prop_assert!(headers.map(|header| header.len().saturating_sub(6)).sum::<usize>() <= data.len());
        }
    }
}

//! Contents of audio and video messages: FLV and Enhanced RTMP (Veovera, version 2).

use bytes::{Buf, Bytes};

/// Which of the two tracks a message belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Track {
    Audio,
    Video,
}

/// Role of a message for a player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Decoder configuration; each part begins with it.
    Header,
    /// A frame from which playing can begin.
    Key,
    /// A frame that needs those before it; for audio, any frame.
    Frame,
    /// Neither: end marks, colour notes, commands.
    Note,
}

/// Data of one track within a message. Most messages have one packet, of track 0; with Enhanced RTMP they can have several tracks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packet {
    pub(crate) track: u8,
    pub(crate) role: Role,
    /// The codec's common name, where the message tells it.
    pub(crate) codec: Option<&'static str>,
    /// For a header: a message that carries it alone.
    pub(crate) header: Option<Bytes>,
}

/// Role of a message with these packets. It is a key frame only if track 0 has one.
pub(crate) fn role_of(packets: &[Packet]) -> Role {
    let is = |role| packets.iter().any(|packet| packet.role == role);
    if packets.iter().any(|packet| packet.track == 0 && packet.role == Role::Key) {
        Role::Key
    } else if is(Role::Frame) || is(Role::Key) {
        Role::Frame
    } else if is(Role::Header) {
        Role::Header
    } else {
        Role::Note
    }
}

/// Reads the packets of an audio or video message. Returns none if it is malformed.
pub(crate) fn read_packets(track: Track, data: &Bytes) -> Vec<Packet> {
    let Some(&first) = data.first() else { return Vec::new() };
    let kind = match track {
        Track::Video if first & 0x80 != 0 => first & 0x0f,
        Track::Audio if first >> 4 == 9 => first & 0x0f,
        _ => return vec![plain(track, first, data)],
    };
    Enhanced { track, first, data }.packets(kind).unwrap_or_default()
}

/// A message in the form of before Enhanced RTMP.
fn plain(track: Track, first: u8, data: &Bytes) -> Packet {
    let (high, low, second) = (first >> 4, first & 0x0f, data.get(1));
    let (role, codec) = match track {
        Track::Video => {
            let role = match (high, low, second) {
                (5, ..) => Role::Note,
                (_, 7 | 12 | 13, Some(0)) => Role::Header,
                (_, 7 | 12 | 13, Some(2)) => Role::Note,
                (1 | 4, ..) => Role::Key,
                _ => Role::Frame,
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
        Track::Audio => {
            let role = if (high, second) == (10, Some(&0)) { Role::Header } else { Role::Frame };
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
    let header = (role == Role::Header).then(|| Bytes::copy_from_slice(data));
    Packet { track: 0, role, codec, header }
}

/// Tracks of one message. What has more cannot be read.
const MOST_PACKETS: usize = 32;
/// Packet types of Enhanced RTMP that wrap others.
const MULTITRACK_AUDIO: u8 = 5;
const MULTITRACK_VIDEO: u8 = 6;
const MOD_EX: u8 = 7;

/// Reads a message of Enhanced RTMP (Veovera, version 2).
struct Enhanced<'d> {
    track: Track,
    first: u8,
    data: &'d Bytes,
}

impl Enhanced<'_> {
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
        let multitrack = match self.track {
            Track::Audio => MULTITRACK_AUDIO,
            Track::Video => MULTITRACK_VIDEO,
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
            if packets.len() >= MOST_PACKETS {
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
        let role = match (self.track, kind, self.first >> 4 & 7) {
            (_, 0, _) => Role::Header,
            (Track::Audio, 2 | 4, _) | (Track::Video, 2 | 4, _) | (Track::Video, _, 5) => Role::Note,
            (Track::Video, 5, _) => Role::Header,
            (Track::Video, _, 1 | 4) => Role::Key,
            _ => Role::Frame,
        };
        let codec = match (self.track, codec.get(..4)) {
            (Track::Video, Some(b"avc1")) => Some("h264"),
            (Track::Video, Some(b"hvc1")) => Some("hevc"),
            (Track::Video, Some(b"vvc1")) => Some("vvc"),
            (Track::Video, Some(b"av01")) => Some("av1"),
            (Track::Video, Some(b"vp08")) => Some("vp8"),
            (Track::Video, Some(b"vp09")) => Some("vp9"),
            (Track::Audio, Some(b"mp4a")) => Some("aac"),
            (Track::Audio, Some(b"Opus")) => Some("opus"),
            (Track::Audio, Some(b"fLaC")) => Some("flac"),
            (Track::Audio, Some(b"ac-3")) => Some("ac3"),
            (Track::Audio, Some(b"ec-3")) => Some("eac3"),
            (Track::Audio, Some(b".mp3")) => Some("mp3"),
            _ => None,
        };
        Packet { track, role, codec, header: (role == Role::Header).then(header) }
    }
}

/// Takes bytes only where they are there.
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
            (Video, b"\xd1hvc1", Note, Some("hevc")),
            (Audio, b"\x97\x00\x01\x01Opus\x00", Frame, Some("opus")),
            (Video, b"", Note, None),
        ] {
            let packets = read_packets(track, &Bytes::from_static(data));
            let codec_told = packets.first().and_then(|packet| packet.codec);
            assert_eq!((role_of(&packets), codec_told), (role, codec), "{data:02x?}");
        }
    }

    #[test]
    fn tracks_of_one_message() {
        use Role::{Frame, Header, Key, Note};
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
                Track::Audio,
                &b"\x95\x00mp4a\x01\x12\x10"[..],
                Header,
                vec![(1, Header, header(b"\x95\x00mp4a\x01\x12\x10"))],
            ),
            (Track::Audio, b"\x95\x01mp4a\x01\x21", Frame, vec![(1, Frame, None)]),
            (Track::Video, b"\x96\x01avc1\x01\x00", Frame, vec![(1, Key, None)]),
            // Several tracks of one codec.
            (
                Track::Audio,
                b"\x95\x10mp4a\x00\x00\x00\x01a\x02\x00\x00\x02bc",
                Header,
                vec![(0, Header, header(b"\x95\x00mp4a\x00a")), (2, Header, header(b"\x95\x00mp4a\x02bc"))],
            ),
            // Several tracks, each with its codec.
            (
                Track::Video,
                b"\x96\x21avc1\x00\x00\x00\x00hvc1\x01\x00\x00\x01x",
                Key,
                vec![(0, Key, None), (1, Key, None)],
            ),
            // Cut short.
            (Track::Video, b"\x96\x11avc1\x00\x00\x00\x09x", Note, vec![]),
            (Track::Audio, b"\x95", Note, vec![]),
        ] {
            assert_eq!(read(track, data), (role, packets), "{data:02x?}");
        }
    }

    proptest! {
        #[test]
        fn any_message_can_be_read(data in prop::collection::vec(any::<u8>(), 0..200), is_video in any::<bool>()) {
            let track = if is_video { Track::Video } else { Track::Audio };
            let headers = read_packets(track, &data.clone().into()).into_iter().filter_map(|packet| packet.header);
            // Each header carries its own data, and six bytes at most of what all share.
            prop_assert!(headers.map(|header| header.len().saturating_sub(6)).sum::<usize>() <= data.len());
        }
    }
}

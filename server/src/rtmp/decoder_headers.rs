//! Decoder configurations, which each part starts with.

use bytes::Bytes;

use super::media_message::MediaMessage;
use super::wire::MediaKind;

const MAX_TRACKS: usize = 32;
const MAX_HEADER_SIZE: usize = 64 * 1024;

/// The latest decoder configuration of each track.
#[derive(Debug, Default)]
pub(super) struct DecoderHeaders(Vec<((MediaKind, u8), Bytes)>);

impl DecoderHeaders {
    /// Keeps the configurations in a message.
    pub(super) fn update(&mut self, message: &MediaMessage) {
        for packet in message.packets() {
            let Some(header) = packet.header.clone().filter(|header| header.len() <= MAX_HEADER_SIZE) else { continue };
            let track = (message.kind, packet.track);
            if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| *known == track) {
                *known = header;
            } else if self.0.len() < MAX_TRACKS {
                self.0.push((track, header));
            }
        }
    }

    /// Returns each configuration as the data of a message.
    pub(super) fn messages(&self) -> Vec<(MediaKind, Bytes)> {
        self.0.iter().map(|((kind, _), header)| (*kind, header.clone())).collect()
    }
}

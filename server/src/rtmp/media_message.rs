//! Audio and video messages on their way to the recorder.

use bytes::Bytes;
use callsheet::model::Millis;

use super::wire::{MediaKind, Packet, PacketRole, read_packets, role_of};

/// One audio or video message.
#[derive(Debug, Clone)]
pub(super) struct MediaMessage {
    /// Time of arrival, Unix ms.
    pub at: Millis,
    pub kind: MediaKind,
    /// The publisher's clock in ms, which wraps around.
    pub timestamp: u32,
    pub data: Bytes,
    /// The packets in `data`, one per track; empty if it is malformed.
    packets: Vec<Packet>,
}

impl MediaMessage {
    pub(super) fn new(at: Millis, kind: MediaKind, timestamp: u32, data: Bytes) -> Self {
        let packets = read_packets(kind, &data);
        Self { at, kind, timestamp, data, packets }
    }

    pub(super) fn packets(&self) -> &[Packet] {
        &self.packets
    }

    pub(super) fn role(&self) -> PacketRole {
        role_of(&self.packets)
    }
}

//! The handshake of a publisher, received in pieces.
#![no_main]

use bytes::BytesMut;
use callsheet_fuzz::bounded;
use libfuzzer_sys::fuzz_target;
use wire::Handshake;

#[allow(dead_code, unused_imports, reason = "each target uses only a part of it")]
#[path = "../../src/rtmp/wire/mod.rs"]
mod wire;

/// Size of C1, C2, S1 and S2.
const PACKET_SIZE: usize = 1536;

fuzz_target!(|data: &[u8]| {
    let Some((&[low, high], bytes)) = data.split_first_chunk::<2>() else { return };
    let piece = usize::from(u16::from_le_bytes([low, high])) + 1;
    bounded(bytes.len(), 4, 16 * 1024, || {
        let (mut handshake, mut input, mut replies) = (Handshake::default(), BytesMut::new(), Vec::new());
        let (mut received, mut is_done) = (0, false);
        for piece in bytes.chunks(piece) {
            input.extend_from_slice(piece);
            received += piece.len();
            match handshake.next(&mut input, &mut replies, |random| random.fill(7)) {
                Ok(done) => is_done = done,
                Err(_) => return assert!(replies.is_empty()),
            }
            assert_eq!(is_done, received >= 1 + 2 * PACKET_SIZE);
            assert_eq!(replies.len(), if received > PACKET_SIZE { 1 + 2 * PACKET_SIZE } else { 0 });
        }
        if is_done {
            assert_eq!(input, bytes[1 + 2 * PACKET_SIZE..]);
            assert_eq!(replies[1 + PACKET_SIZE..], bytes[1..=PACKET_SIZE]);
        }
    });
});

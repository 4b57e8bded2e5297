//! The handshake of a publisher, in pieces.
#![no_main]

use bytes::BytesMut;
use callsheet_fuzz::bounded;
use libfuzzer_sys::fuzz_target;
use wire::Handshake;

#[allow(dead_code, unused_imports, reason = "a target uses a part of it")]
#[path = "../../src/rtmp/wire/mod.rs"]
mod wire;

/// Bytes of C1, C2, S1 and S2.
const PIECE: usize = 1536;

fuzz_target!(|data: &[u8]| {
    let Some((&[low, high], bytes)) = data.split_first_chunk::<2>() else { return };
    let piece = usize::from(u16::from_le_bytes([low, high])) + 1;
    bounded(bytes.len(), 4, 16 * 1024, || {
        let (mut handshake, mut input, mut answers) = (Handshake::default(), BytesMut::new(), Vec::new());
        let (mut received, mut is_over) = (0, false);
        for piece in bytes.chunks(piece) {
            input.extend_from_slice(piece);
            received += piece.len();
            match handshake.next(&mut input, &mut answers, |random| random.fill(7)) {
                Ok(over) => is_over = over,
                Err(_) => return assert!(answers.is_empty()),
            }
            assert_eq!(is_over, received >= 1 + 2 * PIECE);
            assert_eq!(answers.len(), if received > PIECE { 1 + 2 * PIECE } else { 0 });
        }
        if is_over {
            assert_eq!(input, bytes[1 + 2 * PIECE..]);
            assert_eq!(answers[1 + PIECE..], bytes[1..=PIECE]);
        }
    });
});

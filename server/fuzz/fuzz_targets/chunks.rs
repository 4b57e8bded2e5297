//! All processing of a publisher's bytes after the handshake, received in pieces, before and during a publish.
#![no_main]

use bytes::BytesMut;
use callsheet_fuzz::bounded;
use libfuzzer_sys::fuzz_target;
use wire::{ChunkReader, MessageKind, read_command, read_metadata, split_aggregate};

#[allow(dead_code, unused_imports, reason = "each target uses only a part of it")]
#[path = "../../src/rtmp/wire/mod.rs"]
mod wire;

fuzz_target!(|data: &[u8]| {
    let Some((&[piece, accepts_media], bytes)) = data.split_first_chunk::<2>() else { return };
    bounded(bytes.len(), 8, 64 * 1024, || {
        let mut reader = ChunkReader::new(1 << 20);
        reader.accept_media(accepts_media & 1 == 1);
        let mut input = BytesMut::new();
        for piece in bytes.chunks(usize::from(piece) + 1) {
            input.extend_from_slice(piece);
            loop {
                let message = match reader.next(&mut input) {
                    Ok(Some(message)) => message,
                    Ok(None) => break,
                    Err(_) => return,
                };
                match message.kind {
                    MessageKind::Command => drop(read_command(&message.payload)),
                    MessageKind::Data => drop(read_metadata(&message.payload)),
                    MessageKind::Aggregate => drop(split_aggregate(&message)),
                    _ => {}
                }
            }
            assert!(reader.held() <= bytes.len());
        }
    });
});

//! The content of audio and video messages.
#![no_main]

use bytes::Bytes;
use callsheet_fuzz::bounded;
use libfuzzer_sys::fuzz_target;
use wire::{MediaKind, read_packets, role_of};

#[allow(dead_code, unused_imports, reason = "each target uses only a part of it")]
#[path = "../../src/rtmp/wire/mod.rs"]
mod wire;

fuzz_target!(|data: &[u8]| {
    bounded(data.len(), 8, 16 * 1024, || {
        for media in [MediaKind::Audio, MediaKind::Video] {
            let packets = read_packets(media, &Bytes::copy_from_slice(data));
            role_of(&packets);
        }
    });
});

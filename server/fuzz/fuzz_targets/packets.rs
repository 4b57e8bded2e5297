//! The contents of audio and video messages.
#![no_main]

use bytes::Bytes;
use callsheet_fuzz::bounded;
use libfuzzer_sys::fuzz_target;
use wire::{Track, read_packets, role_of};

#[allow(dead_code, unused_imports, reason = "a target uses a part of it")]
#[path = "../../src/rtmp/wire/mod.rs"]
mod wire;

fuzz_target!(|data: &[u8]| {
    bounded(data.len(), 8, 16 * 1024, || {
        for track in [Track::Audio, Track::Video] {
            let packets = read_packets(track, &Bytes::copy_from_slice(data));
            role_of(&packets);
        }
    });
});

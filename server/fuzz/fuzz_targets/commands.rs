//! Commands and metadata in AMF0.
#![no_main]

use callsheet_fuzz::bounded;
use libfuzzer_sys::fuzz_target;
use wire::{read_command, read_metadata};

#[allow(dead_code, unused_imports, reason = "each target uses only a part of it")]
#[path = "../../src/rtmp/wire/mod.rs"]
mod wire;

fuzz_target!(|data: &[u8]| {
    bounded(data.len(), 8, 64 * 1024, || {
        read_command(data);
        read_metadata(data);
    });
});

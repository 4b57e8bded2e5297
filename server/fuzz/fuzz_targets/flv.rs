//! Truncated recordings.
#![no_main]

use std::io::Cursor;

use callsheet_fuzz::bounded;
use libfuzzer_sys::fuzz_target;
use scan::{DURATION_OFFSET, scan};

#[allow(dead_code, reason = "the target uses only a part of it")]
#[path = "../../src/rtmp/flv/scan.rs"]
mod scan;

fuzz_target!(|data: &[u8]| {
    bounded(data.len(), 0, 16 * 1024, || {
        let found = scan(Cursor::new(data)).expect("memory can be read");
        assert!(found.duration.is_some() == (found.tracks > 0));
        if found.duration.is_some() {
            assert!(found.end > DURATION_OFFSET + 8);
            let end = usize::try_from(found.end).expect("small");
            // A repaired file is complete.
            assert_eq!(scan(Cursor::new(&data[..end])).expect("memory can be read"), found);
        }
    });
});

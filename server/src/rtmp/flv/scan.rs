//! Finds the last whole tag of an FLV file that its writer did not complete.

use std::io::{self, Read, Seek, SeekFrom};

/// Offset of the byte that says which tracks there are.
pub(super) const TRACKS_AT: u64 = 4;
/// Offset of the duration: eight bytes, seconds as a big-endian double.
pub(super) const DURATION_AT: u64 = 53;
/// Type bytes of tags.
pub(super) const AUDIO: u8 = 8;
pub(super) const VIDEO: u8 = 9;
pub(super) const SCRIPT: u8 = 18;
/// Bytes before the first tag, before the data of a tag, and behind it.
const FILE_HEAD: u64 = 13;
const TAG_HEAD: u64 = 11;
const TAG_END: u64 = 4;
/// Longest time that a last frame is taken to last, in ms.
const LONGEST_FRAME: u32 = 1_000;

/// Result of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scan {
    /// End of the last whole tag.
    pub(super) end: u64,
    pub(super) tracks: u8,
    /// Duration of the media in ms; `None`: there is no media.
    pub(super) duration: Option<u32>,
}

/// The bit of a type of tags in the byte at [`TRACKS_AT`].
pub(super) const fn track_bit(kind: u8) -> u8 {
    match kind {
        AUDIO => 4,
        VIDEO => 1,
        _ => 0,
    }
}

/// Reads the heads of all whole tags. A file whose first tag has no room for the duration was not begun by us and has no media.
pub(super) fn scan(mut file: impl Read + Seek) -> io::Result<Scan> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(FILE_HEAD))?;
    let mut scan = Scan { end: FILE_HEAD, tracks: 0, duration: None };
    // For audio and video: the timestamp of the last frame, and the duration of the one before.
    let mut last = [None::<(u32, u32)>; 2];
    loop {
        let mut head = [0; TAG_HEAD as usize];
        let Ok(()) = file.read_exact(&mut head) else { break };
        let size = u32::from_be_bytes([0, head[1], head[2], head[3]]);
        let next = scan.end + TAG_HEAD + u64::from(size) + TAG_END;
        let has_duration = head[0] == SCRIPT && next >= DURATION_AT + 8 + TAG_END;
        if next > length || (scan.end == FILE_HEAD && !has_duration) {
            break;
        }
        file.seek_relative(i64::from(size))?;
        let mut behind = [0; TAG_END as usize];
        file.read_exact(&mut behind)?;
        if u64::from(u32::from_be_bytes(behind)) != TAG_HEAD + u64::from(size) {
            break;
        }
        scan.end = next;
        let place = match head[0] {
            AUDIO => 0,
            VIDEO => 1,
            _ => continue,
        };
        scan.tracks |= track_bit(head[0]);
        let time = u32::from_be_bytes([head[7], head[4], head[5], head[6]]);
        let lasted = last[place].map_or(0, |(before, _)| time.saturating_sub(before).min(LONGEST_FRAME));
        last[place] = Some((time, lasted));
    }
    scan.duration = last.iter().flatten().map(|(time, lasts)| time.saturating_add(*lasts)).max();
    Ok(scan)
}

//! Finds the last complete tag of an FLV file.

use std::io::{self, Read, Seek, SeekFrom};

/// Offset of the byte with the track flags.
pub(super) const TRACKS_OFFSET: u64 = 4;
/// Offset of the duration: seconds as a big-endian double.
pub(super) const DURATION_OFFSET: u64 = 53;
/// Tag types.
pub(super) const AUDIO: u8 = 8;
pub(super) const VIDEO: u8 = 9;
pub(super) const SCRIPT: u8 = 18;
/// Sizes of the file header, the header of a tag, and the size field after a tag.
const FILE_HEADER: u64 = 13;
const TAG_HEADER: u64 = 11;
const TAG_END: u64 = 4;
/// Longest duration in ms that is assumed for a last frame.
const MAX_FRAME_DURATION: u32 = 1_000;

/// The result of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scan {
    /// End of the last complete tag.
    pub(super) end: u64,
    pub(super) tracks: u8,
    /// Media duration in ms; `None` if there is no media.
    pub(super) duration: Option<u32>,
}

/// Returns the flag of a tag type in the byte at [`TRACKS_OFFSET`].
pub(super) const fn track_bit(kind: u8) -> u8 {
    match kind {
        AUDIO => 4,
        VIDEO => 1,
        _ => 0,
    }
}

/// Reads the headers of all complete tags. A file whose first tag has no duration field is not one of ours and counts as empty.
pub(super) fn scan(mut file: impl Read + Seek) -> io::Result<Scan> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(FILE_HEADER))?;
    let mut scan = Scan { end: FILE_HEADER, tracks: 0, duration: None };
    // For audio and video: the timestamp of the last frame, and the duration of the previous one.
    let mut last = [None::<(u32, u32)>; 2];
    loop {
        let mut header = [0; TAG_HEADER as usize];
        let Ok(()) = file.read_exact(&mut header) else { break };
        let size = u32::from_be_bytes([0, header[1], header[2], header[3]]);
        let next = scan.end + TAG_HEADER + u64::from(size) + TAG_END;
        let has_duration = header[0] == SCRIPT && next >= DURATION_OFFSET + 8 + TAG_END;
        if next > length || (scan.end == FILE_HEADER && !has_duration) {
            break;
        }
        file.seek_relative(i64::from(size))?;
        let mut tag_size = [0; TAG_END as usize];
        file.read_exact(&mut tag_size)?;
        if u64::from(u32::from_be_bytes(tag_size)) != TAG_HEADER + u64::from(size) {
            break;
        }
        scan.end = next;
        let track = match header[0] {
            AUDIO => 0,
            VIDEO => 1,
            _ => continue,
        };
        scan.tracks |= track_bit(header[0]);
        let time = u32::from_be_bytes([header[7], header[4], header[5], header[6]]);
        let duration = last[track].map_or(0, |(before, _)| time.saturating_sub(before).min(MAX_FRAME_DURATION));
        last[track] = Some((time, duration));
    }
    scan.duration = last.iter().flatten().map(|(time, duration)| time.saturating_add(*duration)).max();
    Ok(scan)
}

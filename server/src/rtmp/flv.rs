//! Writes FLV files. Two fields are filled in when the file is complete: its tracks and its duration. A file that was not completed is
//! truncated after its last complete tag.
//!
//! The reader is our own for the reasons given in `wire`: crates were rejected because they fail on hostile or truncated input.

use std::fs::OpenOptions;
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use callsheet::model::Millis;

use super::metadata::{Metadata, MetadataValue};
use super::wire::MediaKind;

mod scan;

use scan::{AUDIO, DURATION_OFFSET, SCRIPT, Scan, TRACKS_OFFSET, VIDEO, scan};

/// Maximum size of a text in the publisher's metadata. Longer texts are left out.
const MAX_TEXT_SIZE: usize = 1024;

/// Returns the flag of a track in the byte at [`TRACKS_OFFSET`].
pub(super) const fn track_bit(kind: MediaKind) -> u8 {
    match kind {
        MediaKind::Audio => scan::track_bit(AUDIO),
        MediaKind::Video => scan::track_bit(VIDEO),
    }
}

/// Returns the start of a file: the file header and the script tag with the publisher's metadata.
pub(super) fn head(metadata: &Metadata) -> Vec<u8> {
    let mut script = Vec::new();
    script.push(2);
    put_text(&mut script, "onMetaData");
    script.push(8);
    let fields = || metadata.iter().filter(|(name, value)| is_written(name, value));
    let count = u32::try_from(fields().count() + 1).unwrap_or(u32::MAX);
    script.extend_from_slice(&count.to_be_bytes());
    put_text(&mut script, "duration");
    put_value(&mut script, &MetadataValue::Number(0.0));
    for (name, value) in fields() {
        put_text(&mut script, name);
        put_value(&mut script, value);
    }
    script.extend_from_slice(&[0, 0, 9]);

    let mut out = b"FLV\x01\x00\x00\x00\x00\x09\x00\x00\x00\x00".to_vec();
    put_tag(&mut out, SCRIPT, 0, &script);
    out
}

/// Returns the offsets and bytes of the fields that are filled in when the file is complete.
pub(super) fn final_fields(tracks: u8, duration: Millis) -> [(u64, Vec<u8>); 2] {
    let seconds = std::time::Duration::from_millis(duration.unsigned_abs()).as_secs_f64();
    [(TRACKS_OFFSET, vec![tracks]), (DURATION_OFFSET, seconds.to_be_bytes().to_vec())]
}

/// Completes a file whose writer died: truncates it after the last complete tag and fills in its fields. Returns the media duration in ms,
/// or `None` if there is no media.
pub(super) fn repair(path: &Path) -> io::Result<Option<Millis>> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let Scan { end, tracks, duration } = scan(BufReader::new(&mut file))?;
    let Some(duration) = duration.map(Millis::from) else { return Ok(None) };
    file.set_len(end)?;
    for (offset, bytes) in final_fields(tracks, duration) {
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(&bytes)?;
    }
    file.sync_all()?;
    Ok(Some(duration))
}

/// Appends one audio or video message. `timestamp` is in ms from the start of the file.
pub(super) fn put_message(out: &mut Vec<u8>, kind: MediaKind, timestamp: u32, data: &[u8]) {
    let tag_type = match kind {
        MediaKind::Audio => AUDIO,
        MediaKind::Video => VIDEO,
    };
    put_tag(out, tag_type, timestamp, data);
}

fn put_tag(out: &mut Vec<u8>, tag_type: u8, timestamp: u32, data: &[u8]) {
    // An RTMP message has at most 16 MiB, so its length fits into 24 bits.
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let [high, stamp @ ..] = timestamp.to_be_bytes();
    out.push(tag_type);
    out.extend_from_slice(&length.to_be_bytes()[1..]);
    out.extend_from_slice(&stamp);
    out.extend_from_slice(&[high, 0, 0, 0]);
    out.extend_from_slice(data);
    out.extend_from_slice(&(length + 11).to_be_bytes());
}

fn is_written(name: &str, value: &MetadataValue) -> bool {
    let fits = name.len() <= MAX_TEXT_SIZE && !matches!(value, MetadataValue::Text(text) if text.len() > MAX_TEXT_SIZE);
    fits && !matches!(name, "" | "duration" | "filesize")
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn put_value(out: &mut Vec<u8>, value: &MetadataValue) {
    match value {
        MetadataValue::Number(number) => {
            out.push(0);
            out.extend_from_slice(&number.to_be_bytes());
        }
        MetadataValue::Bool(value) => out.extend_from_slice(&[1, u8::from(*value)]),
        MetadataValue::Text(text) => {
            out.push(2);
            put_text(out, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_final_fields_have_the_documented_offsets() {
        let head = head(&Metadata::from([("width".to_owned(), MetadataValue::Number(320.0))]));
        assert_eq!(&head[usize::try_from(TRACKS_OFFSET).expect("small") - 1..][..2], [1, 0]);
        let at = usize::try_from(DURATION_OFFSET).expect("small");
        assert_eq!(&head[at - 9..at], b"duration\x00");
        assert_eq!(head[at..at + 8], 0_f64.to_be_bytes());
    }

    #[test]
    fn a_file_that_ends_anywhere_is_repaired() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("part.flv");
        let head = head(&Metadata::new());
        let (mut whole, mut ends) = (head.clone(), vec![(head.len(), None)]);
        for number in 0..20_u32 {
            put_message(&mut whole, MediaKind::Video, number * 40, &vec![0x27; 30 + number as usize]);
            ends.push((whole.len(), Some(Millis::from(number * 40 + if number > 0 { 40 } else { 0 }))));
        }
        for cut in head.len()..=whole.len() {
            std::fs::write(&path, &whole[..cut]).expect("written");
            let (end, duration) = ends.iter().rfind(|(end, _)| *end <= cut).expect("a head");
            assert_eq!(repair(&path).expect("repaired"), *duration, "{cut}");
            if let Some(duration) = duration {
                let repaired = std::fs::read(&path).expect("read");
                assert_eq!((repaired.len(), repaired[4]), (*end, track_bit(MediaKind::Video)), "{cut}");
                let at = usize::try_from(DURATION_OFFSET).expect("small");
                let seconds = f64::from_be_bytes(repaired[at..at + 8].try_into().expect("eight"));
                assert!((seconds * 1000.0 - *duration as f64).abs() < 0.001);
            }
        }
        // After a power failure, unwritten blocks may contain zeros.
        std::fs::write(&path, [&whole[..], &[0; 5_000]].concat()).expect("written");
        assert_eq!(repair(&path).expect("repaired"), Some(800));
        assert_eq!(std::fs::read(&path).expect("read").len(), whole.len());
    }

    #[test]
    fn long_texts_and_the_publishers_duration_are_left_out() {
        let plain = head(&Metadata::new());
        let ignored = Metadata::from([
            ("duration".to_owned(), MetadataValue::Number(7.0)),
            ("comment".to_owned(), MetadataValue::Text("x".repeat(70_000))),
        ]);
        assert_eq!(head(&ignored), plain);
    }

    #[test]
    fn a_tag_stores_its_timestamp_in_four_bytes() {
        let mut out = Vec::new();
        put_message(&mut out, MediaKind::Video, 0x0102_0304, b"ab");
        assert_eq!(out, [9, 0, 0, 2, 2, 3, 4, 1, 0, 0, 0, b'a', b'b', 0, 0, 0, 13]);
    }
}

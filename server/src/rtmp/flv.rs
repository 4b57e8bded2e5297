//! Writes the bytes of an FLV file. Two places are filled in when the file is complete: which tracks it has, and how
//! long it is. A file whose writer died is cut after its last whole tag.

use std::fs::OpenOptions;
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use callsheet::model::Millis;

use super::media_message::{Metadata, Value};
use super::wire::Track;

mod scan;

use scan::{AUDIO, DURATION_AT, SCRIPT, Scan, TRACKS_AT, VIDEO, scan};

/// Longest text that is carried on from the publisher's metadata, in bytes; what is longer is left out.
const LONGEST_TEXT: usize = 1024;

/// The bit of a track in the byte at [`TRACKS_AT`].
pub(super) const fn track_bit(track: Track) -> u8 {
    match track {
        Track::Audio => scan::track_bit(AUDIO),
        Track::Video => scan::track_bit(VIDEO),
    }
}

/// The head of a file: the header and the script data, which repeats what the publisher said of its media.
pub(super) fn head(metadata: &Metadata) -> Vec<u8> {
    let mut script = Vec::new();
    script.push(2);
    put_text(&mut script, "onMetaData");
    script.push(8);
    let carried = || metadata.iter().filter(|(name, value)| is_carried(name, value));
    let count = u32::try_from(carried().count() + 1).unwrap_or(u32::MAX);
    script.extend_from_slice(&count.to_be_bytes());
    put_text(&mut script, "duration");
    put_value(&mut script, &Value::Number(0.0));
    for (name, value) in carried() {
        put_text(&mut script, name);
        put_value(&mut script, value);
    }
    script.extend_from_slice(&[0, 0, 9]);

    let mut out = b"FLV\x01\x00\x00\x00\x00\x09\x00\x00\x00\x00".to_vec();
    put(&mut out, SCRIPT, 0, &script);
    out
}

/// Fields that are filled in when the file is complete: their offsets and bytes.
pub(super) fn ending(tracks: u8, duration: Millis) -> [(u64, Vec<u8>); 2] {
    let seconds = std::time::Duration::from_millis(duration.unsigned_abs()).as_secs_f64();
    [(TRACKS_AT, vec![tracks]), (DURATION_AT, seconds.to_be_bytes().to_vec())]
}

/// Completes a file whose writer died: cuts it after the last whole tag and fills in its head. Answers with the duration of the media in ms;
/// `None`: there is none.
pub(super) fn repair(path: &Path) -> io::Result<Option<Millis>> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let Scan { end, tracks, duration } = scan(BufReader::new(&mut file))?;
    let Some(duration) = duration.map(Millis::from) else { return Ok(None) };
    file.set_len(end)?;
    for (place, bytes) in ending(tracks, duration) {
        file.seek(SeekFrom::Start(place))?;
        file.write_all(&bytes)?;
    }
    file.sync_all()?;
    Ok(Some(duration))
}

/// Appends one audio or video message. `timestamp` is in ms from the beginning of the file.
pub(super) fn put_message(out: &mut Vec<u8>, track: Track, timestamp: u32, data: &[u8]) {
    let kind = match track {
        Track::Audio => AUDIO,
        Track::Video => VIDEO,
    };
    put(out, kind, timestamp, data);
}

fn put(out: &mut Vec<u8>, kind: u8, timestamp: u32, data: &[u8]) {
    // A message is at most 16 MiB long on the wire, so its length fits 24 bits.
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let [high, stamp @ ..] = timestamp.to_be_bytes();
    out.push(kind);
    out.extend_from_slice(&length.to_be_bytes()[1..]);
    out.extend_from_slice(&stamp);
    out.extend_from_slice(&[high, 0, 0, 0]);
    out.extend_from_slice(data);
    out.extend_from_slice(&(length + 11).to_be_bytes());
}

fn is_carried(name: &str, value: &Value) -> bool {
    let fits = name.len() <= LONGEST_TEXT && !matches!(value, Value::Text(text) if text.len() > LONGEST_TEXT);
    fits && !matches!(name, "" | "duration" | "filesize")
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Number(number) => {
            out.push(0);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Bool(truth) => out.extend_from_slice(&[1, u8::from(*truth)]),
        Value::Text(text) => {
            out.push(2);
            put_text(out, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_to_fill_in_are_where_they_are_said_to_be() {
        let head = head(&Metadata::from([("width".to_owned(), Value::Number(320.0))]));
        assert_eq!(&head[usize::try_from(TRACKS_AT).expect("small") - 1..][..2], [1, 0]);
        let at = usize::try_from(DURATION_AT).expect("small");
        assert_eq!(&head[at - 9..at], b"duration\x00");
        assert_eq!(head[at..at + 8], 0_f64.to_be_bytes());
    }

    #[test]
    fn a_file_that_was_cut_anywhere_is_repaired() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("part.flv");
        let head = head(&Metadata::new());
        let (mut whole, mut ends) = (head.clone(), vec![(head.len(), None)]);
        for number in 0..20_u32 {
            put_message(&mut whole, Track::Video, number * 40, &vec![0x27; 30 + number as usize]);
            ends.push((whole.len(), Some(Millis::from(number * 40 + if number > 0 { 40 } else { 0 }))));
        }
        for cut in head.len()..=whole.len() {
            std::fs::write(&path, &whole[..cut]).expect("written");
            let (end, duration) = ends.iter().rfind(|(end, _)| *end <= cut).expect("the head is there");
            assert_eq!(repair(&path).expect("repaired"), *duration, "{cut}");
            if let Some(duration) = duration {
                let repaired = std::fs::read(&path).expect("read");
                assert_eq!((repaired.len(), repaired[4]), (*end, track_bit(Track::Video)), "{cut}");
                let at = usize::try_from(DURATION_AT).expect("small");
                let seconds = f64::from_be_bytes(repaired[at..at + 8].try_into().expect("eight"));
                assert!((seconds * 1000.0 - *duration as f64).abs() < 0.001);
            }
        }
        // After a power cut there may be zeros where nothing was written.
        std::fs::write(&path, [&whole[..], &[0; 5_000]].concat()).expect("written");
        assert_eq!(repair(&path).expect("repaired"), Some(800));
        assert_eq!(std::fs::read(&path).expect("read").len(), whole.len());
    }

    #[test]
    fn overlong_text_and_the_publishers_own_duration_are_left_out() {
        let plain = head(&Metadata::new());
        let noisy = Metadata::from([
            ("duration".to_owned(), Value::Number(7.0)),
            ("comment".to_owned(), Value::Text("x".repeat(70_000))),
        ]);
        assert_eq!(head(&noisy), plain);
    }

    #[test]
    fn a_message_carries_its_time_in_four_bytes() {
        let mut out = Vec::new();
        put_message(&mut out, Track::Video, 0x0102_0304, b"ab");
        assert_eq!(out, [9, 0, 0, 2, 2, 3, 4, 1, 0, 0, 0, b'a', b'b', 0, 0, 0, 13]);
    }
}

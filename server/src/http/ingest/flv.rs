//! What an FLV file tells of itself, without reading it whole.

use std::io::{self, SeekFrom};
use std::path::Path;

use callsheet::model::Millis;
use tokio::fs::{File, metadata};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// The file's header and the empty size before its first tag.
const HEADER: u64 = 13;
/// A tag without its data.
const TAG_HEADER: u64 = 11;
/// The size of a tag, repeated behind it.
const SIZE: u64 = 4;

/// Facts on a complete FLV file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlvFacts {
    /// The time of the last tag, in a file whose time starts at 0.
    pub duration_ms: Millis,
    pub bytes: i64,
}

/// Reads the last tag of a local file; `None` when it is no FLV file with a whole tag at its end.
///
/// # Errors
/// The file cannot be read, as when it lies on another machine.
pub async fn flv_facts(path: &Path) -> io::Result<Option<FlvFacts>> {
    let about = metadata(path).await?;
    let length = about.len();
    // Opening a pipe would wait for its writer.
    if !about.is_file() || length < HEADER + TAG_HEADER + SIZE {
        return Ok(None);
    }
    let mut file = File::open(path).await?;
    let mut signature = [0; 3];
    file.read_exact(&mut signature).await?;
    file.seek(SeekFrom::Start(length - SIZE)).await?;
    let tag = u64::from(file.read_u32().await?);
    if &signature != b"FLV" || tag < TAG_HEADER || tag > length - HEADER - SIZE {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(length - SIZE - tag)).await?;
    let mut header = [0; 8];
    file.read_exact(&mut header).await?;
    // The highest eight bits of the time come last.
    let [_, _, _, _, high, middle, low, highest] = header;
    let duration = u32::from_be_bytes([highest, high, middle, low]);
    Ok(i64::try_from(length).ok().map(|bytes| FlvFacts { duration_ms: Millis::from(duration), bytes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(time: u32, data: &[u8]) -> Vec<u8> {
        let size = u32::try_from(data.len()).expect("short").to_be_bytes();
        let [highest, high, middle, low] = time.to_be_bytes();
        let mut tag = vec![9, size[1], size[2], size[3], high, middle, low, highest, 0, 0, 0];
        tag.extend_from_slice(data);
        let whole = u32::try_from(tag.len()).expect("short");
        tag.extend_from_slice(&whole.to_be_bytes());
        tag
    }

    async fn facts_of(content: &[u8]) -> Option<FlvFacts> {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("part.flv");
        std::fs::write(&path, content).expect("written");
        flv_facts(&path).await.expect("read")
    }

    #[tokio::test]
    async fn the_last_tag_has_the_duration() {
        let header = b"FLV\x01\x05\0\0\0\x09\0\0\0\0";
        let file = [&header[..], &tag(0, b"first"), &tag(0x0102_0304, b"last one")].concat();
        let facts = facts_of(&file).await.expect("an FLV file");
        assert_eq!(facts.duration_ms, 0x0102_0304);
        assert_eq!(facts.bytes, i64::try_from(file.len()).expect("short"));

        assert_eq!(facts_of(header).await, None, "no tag at all");
        assert_eq!(facts_of(&file[..file.len() - 3]).await, None, "cut short");
        assert_eq!(facts_of(&[0; 64]).await, None, "something else");
    }

    #[tokio::test]
    async fn what_is_no_file_is_not_read() {
        let folder = tempfile::tempdir().expect("folder");
        assert_eq!(flv_facts(folder.path()).await.expect("looked at"), None);
        assert!(flv_facts(&folder.path().join("absent.flv")).await.is_err());
    }
}

//! A part that is being written, below `<data_dir>/parts`.

use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::time::Instant;

use super::metadata::Metadata;
use super::part_on_disk::PartOnDisk;
use super::part_record::{PartEnd, PartRecord};
use super::wire::MediaKind;
use super::{blocking, flv};

/// Maximum size and age of buffered media. A killed process loses its buffer.
const BUFFER_SIZE: usize = 256 * 1024;
const BUFFER_AGE: Duration = Duration::from_millis(100);

/// An open media file and its record.
#[derive(Debug)]
pub(super) struct PartFile {
    path: PathBuf,
    record: PartRecord,
    file: File,
    buffer: Vec<u8>,
    flushed_at: Instant,
    /// A write failed, possibly in the middle of a tag.
    is_torn: bool,
    tracks: u8,
}

impl PartFile {
    /// Creates the file and writes its head immediately, so that a full disk is noticed here.
    pub(super) async fn create(path: PathBuf, record: PartRecord, metadata: &Metadata) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        let file = File::create(&path).await?;
        let mut part = Self {
            path,
            record,
            file,
            buffer: flv::head(metadata),
            flushed_at: Instant::now(),
            is_torn: false,
            tracks: 0,
        };
        let created = match part.flush().await {
            Ok(()) => part.write_record().await,
            Err(error) => Err(error),
        };
        match created {
            Ok(()) => Ok(part),
            Err(error) => {
                PartOnDisk { path: part.path, record: part.record }.remove().await;
                Err(error)
            }
        }
    }

    /// Appends one message; `timestamp` is in ms from the start of the part.
    pub(super) async fn write(&mut self, kind: MediaKind, timestamp: u32, data: &[u8]) -> io::Result<()> {
        self.tracks |= flv::track_bit(kind);
        flv::put_message(&mut self.buffer, kind, timestamp, data);
        if self.buffer.len() >= BUFFER_SIZE || self.flushed_at.elapsed() >= BUFFER_AGE {
            self.flush().await?;
        }
        Ok(())
    }

    /// Completes the part. If that fails, the file is repaired before it is uploaded.
    pub(super) async fn finish(mut self, end: PartEnd) -> PartOnDisk {
        if let Err(error) = self.complete(end).await {
            tracing::error!(path = %self.path.display(), %error, "failed to complete a part; its last media may be missing");
            self.record.end = None;
        }
        PartOnDisk { path: self.path, record: self.record }
    }

    /// Fills in the fields that depend on the end, and syncs everything to disk.
    async fn complete(&mut self, end: PartEnd) -> io::Result<()> {
        self.flush().await?;
        for (offset, bytes) in flv::final_fields(self.tracks, end.duration) {
            self.file.seek(SeekFrom::Start(offset)).await?;
            self.file.write_all(&bytes).await?;
        }
        self.file.flush().await?;
        self.file.sync_all().await?;
        self.record.end = Some(end);
        self.write_record().await
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    async fn flush(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.is_torn, true) {
            return Err(io::Error::other("an earlier write failed"));
        }
        self.file.write_all(&self.buffer).await?;
        self.buffer.clear();
        self.flushed_at = Instant::now();
        // `File` writes in the background; only `flush` returns the result.
        self.file.flush().await?;
        self.is_torn = false;
        Ok(())
    }

    async fn write_record(&self) -> io::Result<()> {
        let (record, path) = (self.record.clone(), self.path.clone());
        blocking(move || record.write(&path)).await
    }
}

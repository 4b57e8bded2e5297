//! The file of one part while it is being written, below `<data_dir>/parts`.

use std::io::{self, SeekFrom};
use std::path::PathBuf;

use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::flv;
use super::media::Metadata;
use super::wire::Track;

/// How much is gathered before the disk is asked, in bytes.
const BUFFER: usize = 256 * 1024;

/// An open part. The file on the disk stays until [`PartFile::remove`].
#[derive(Debug)]
pub(super) struct PartFile {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    tracks: u8,
}

impl PartFile {
    /// Opens the file and writes its head at once, so that a full disk shows here.
    pub(super) async fn create(path: PathBuf, metadata: &Metadata) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        let file = File::create(&path).await?;
        let mut part = Self { path, file, buffer: flv::head(metadata), tracks: 0 };
        match part.flush().await {
            Ok(()) => Ok(part),
            Err(error) => {
                part.remove().await;
                Err(error)
            }
        }
    }

    /// Adds one message; `timestamp` is in ms from the beginning of the part.
    pub(super) async fn write(&mut self, track: Track, timestamp: u32, data: &[u8]) -> io::Result<()> {
        self.tracks |= flv::track_bit(track);
        flv::put_message(&mut self.buffer, track, timestamp, data);
        if self.buffer.len() >= BUFFER { self.flush().await } else { Ok(()) }
    }

    /// Fills in what only the end tells, and sees to it that all is on the disk. Answers with the length in bytes.
    pub(super) async fn complete(&mut self, seconds: f64) -> io::Result<u64> {
        self.flush().await?;
        self.file.seek(SeekFrom::Start(flv::TRACKS_AT)).await?;
        self.file.write_all(&[self.tracks]).await?;
        self.file.seek(SeekFrom::Start(flv::DURATION_AT)).await?;
        self.file.write_all(&seconds.to_be_bytes()).await?;
        self.file.flush().await?;
        self.file.sync_all().await?;
        Ok(self.file.metadata().await?.len())
    }

    /// Where the file lies.
    pub(super) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Takes the file off the disk.
    pub(super) async fn remove(self) {
        if let Err(error) = tokio::fs::remove_file(&self.path).await {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove the file of a part");
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer).await?;
        self.buffer.clear();
        // The file writes in the background: only this waits for its verdict.
        self.file.flush().await
    }
}

//! A part on the disk, below `<data_dir>/parts`: its media, and a record beside it that says whose it is. Both stay until the part is in its
//! bucket, over restarts of the process and of the machine.

use std::fs;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use callsheet::model::{AppName, DomainName, Millis, SourceId, StreamName};
use callsheet::streams::SessionKey;
use serde::{Deserialize, Serialize};
use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::time::Instant;

use super::flv;
use super::media_message::Metadata;
use super::object_upload::Upload;
use super::part_upload::Place;
use super::wire::Track;

/// Maximum size and age of buffered media. A killed process loses its buffer.
const BUFFER: usize = 256 * 1024;
const BUFFER_FOR: Duration = Duration::from_millis(100);

/// Metadata of a part, stored beside its media.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartRecord {
    source: i64,
    boot: String,
    key: String,
    bucket: String,
    domain: String,
    app: String,
    stream: String,
    /// Unix ms.
    pub started_at: Millis,
    /// Once the part is complete.
    pub end: Option<PartEnd>,
    /// The newest upload of the part.
    #[serde(default)]
    pub upload: Option<Upload>,
}

/// End of a complete part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartEnd {
    /// Unix ms.
    pub stopped_at: Millis,
    /// Media duration in ms.
    pub duration: Millis,
}

impl PartRecord {
    pub(super) fn opened(key: &SessionKey, place: Place, started_at: Millis) -> Self {
        Self {
            source: key.source.0,
            boot: key.boot.clone(),
            key: key.key.clone(),
            bucket: place.bucket,
            domain: place.domain.ascii().to_owned(),
            app: place.app.to_string(),
            stream: place.stream.to_string(),
            started_at,
            end: None,
            upload: None,
        }
    }

    pub(super) fn session(&self) -> SessionKey {
        SessionKey { source: SourceId(self.source), boot: self.boot.clone(), key: self.key.clone() }
    }

    /// `None`: the names are none, so somebody else wrote the record.
    pub(super) fn place(&self) -> Option<Place> {
        Some(Place {
            bucket: self.bucket.clone(),
            domain: DomainName::parse(&self.domain).ok()?,
            app: AppName::parse(&self.app).ok()?,
            stream: StreamName::parse(&self.stream).ok()?,
        })
    }

    /// Writes the record beside the media, whole or not at all.
    fn write(&self, media: &Path) -> io::Result<()> {
        let folder = media.parent().unwrap_or(Path::new("."));
        // Named after the run like its other files, because a kill leaves it behind.
        let mut prefix = media.file_stem().unwrap_or_default().to_owned();
        prefix.push(".");
        let file = tempfile::Builder::new().prefix(&prefix).suffix(".tmp").tempfile_in(folder)?;
        serde_json::to_writer(file.as_file(), self)?;
        file.as_file().sync_all()?;
        file.persist(record_of(media)).map_err(|error| error.error)?;
        fs::File::open(folder)?.sync_all()
    }
}

fn record_of(media: &Path) -> PathBuf {
    media.with_extension("json")
}

/// A part that is being written.
#[derive(Debug)]
pub(super) struct PartFile {
    path: PathBuf,
    record: PartRecord,
    file: File,
    buffer: Vec<u8>,
    flushed_at: Instant,
    /// A write failed, perhaps in the middle of a tag.
    is_torn: bool,
    tracks: u8,
}

impl PartFile {
    /// Opens the file and writes its head at once, so that a full disk shows here.
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
        let opened = match part.flush().await {
            Ok(()) => part.write_record().await,
            Err(error) => Err(error),
        };
        match opened {
            Ok(()) => Ok(part),
            Err(error) => {
                part.discard().await;
                Err(error)
            }
        }
    }

    /// Adds one message; `timestamp` is in ms from the beginning of the part.
    pub(super) async fn write(&mut self, track: Track, timestamp: u32, data: &[u8]) -> io::Result<()> {
        self.tracks |= flv::track_bit(track);
        flv::put_message(&mut self.buffer, track, timestamp, data);
        if self.buffer.len() >= BUFFER || self.flushed_at.elapsed() >= BUFFER_FOR {
            self.flush().await?;
        }
        Ok(())
    }

    /// Completes the part. If that fails, it is completed from what is on the disk when it is stored.
    pub(super) async fn finish(mut self, end: PartEnd) -> PartOnDisk {
        if let Err(error) = self.complete(end).await {
            tracing::error!(path = %self.path.display(), %error, "cannot complete a part; its last media may be missing");
            self.record.end = None;
        }
        PartOnDisk { path: self.path, record: self.record }
    }

    /// Fills in what only the end tells, and sees to it that all is on the disk.
    async fn complete(&mut self, end: PartEnd) -> io::Result<()> {
        self.flush().await?;
        for (place, bytes) in flv::ending(self.tracks, end.duration) {
            self.file.seek(SeekFrom::Start(place)).await?;
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

    /// Takes a part off the disk of which nothing came.
    pub(super) async fn discard(self) {
        PartOnDisk { path: self.path, record: self.record }.remove().await;
    }

    async fn flush(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.is_torn, true) {
            return Err(io::Error::other("an earlier write failed"));
        }
        self.file.write_all(&self.buffer).await?;
        self.buffer.clear();
        self.flushed_at = Instant::now();
        // The file writes in the background: only this waits for its verdict.
        self.file.flush().await?;
        self.is_torn = false;
        Ok(())
    }

    async fn write_record(&self) -> io::Result<()> {
        let (record, path) = (self.record.clone(), self.path.clone());
        blocking(move || record.write(&path)).await
    }
}

/// A part to which nothing is added any more.
#[derive(Debug)]
pub(super) struct PartOnDisk {
    pub path: PathBuf,
    pub record: PartRecord,
}

impl PartOnDisk {
    /// Reads the record of a part.
    pub(super) fn read(record: &Path) -> io::Result<Self> {
        let read = serde_json::from_slice(&fs::read(record)?)?;
        Ok(Self { path: record.with_extension("flv"), record: read })
    }

    /// The end of the part, which is made up from its media where the process died before it could be written. `None`: there is no media.
    pub(super) async fn end(&mut self) -> io::Result<Option<PartEnd>> {
        if self.record.end.is_some() {
            return Ok(self.record.end);
        }
        let (path, mut record) = (self.path.clone(), self.record.clone());
        let repair = move || {
            let Some(duration) = flv::repair(&path)? else { return Ok(None) };
            record.end = Some(PartEnd { stopped_at: record.started_at + duration, duration });
            record.write(&path).map(|()| record.end)
        };
        self.record.end = blocking(repair).await?;
        Ok(self.record.end)
    }

    /// Notes the newest upload. A disk that is full does not prevent the upload: then only this run knows of it.
    pub(super) async fn note(&mut self, upload: Upload) {
        self.record.upload = Some(upload);
        let (record, path) = (self.record.clone(), self.path.clone());
        if let Err(error) = blocking(move || record.write(&path)).await {
            tracing::warn!(path = %self.path.display(), %error, "cannot write down how far the upload of a part is");
        }
    }

    /// Returns whether there is media. It goes before the record: of a part without media, everything is done.
    pub(super) fn has_media(&self) -> bool {
        self.path.exists()
    }

    /// Takes the part off the disk.
    pub(super) async fn remove(self) {
        for path in [&self.path, &record_of(&self.path)] {
            match tokio::fs::remove_file(path).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(path = %path.display(), %error, "cannot remove the file of a part");
                }
                _ => {}
            }
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

//! The record of a part: a JSON file beside its media that names its session and destination.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use callsheet::model::{AppName, DomainName, Millis, SourceId, StreamName};
use callsheet::streams::SessionKey;
use serde::{Deserialize, Serialize};

use super::destination::RecordedStream;
use super::object_upload::ObjectUpload;

/// What the next run needs to know to upload and report a part.
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
    /// Set when the part is complete.
    pub end: Option<PartEnd>,
    /// The latest upload of the part.
    #[serde(default)]
    pub upload: Option<ObjectUpload>,
}

/// The end of a complete part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartEnd {
    /// Unix ms.
    pub stopped_at: Millis,
    /// Media duration in ms.
    pub duration: Millis,
}

impl PartRecord {
    pub(super) fn new(key: &SessionKey, stream: RecordedStream, started_at: Millis) -> Self {
        Self {
            source: key.source.0,
            boot: key.boot.clone(),
            key: key.key.clone(),
            bucket: stream.bucket,
            domain: stream.domain.ascii().to_owned(),
            app: stream.app.to_string(),
            stream: stream.stream.to_string(),
            started_at,
            end: None,
            upload: None,
        }
    }

    pub(super) fn session(&self) -> SessionKey {
        SessionKey { source: SourceId(self.source), boot: self.boot.clone(), key: self.key.clone() }
    }

    /// Returns the recorded stream, or `None` if its names are invalid because another program wrote the record.
    pub(super) fn stream(&self) -> Option<RecordedStream> {
        Some(RecordedStream {
            bucket: self.bucket.clone(),
            domain: DomainName::parse(&self.domain).ok()?,
            app: AppName::parse(&self.app).ok()?,
            stream: StreamName::parse(&self.stream).ok()?,
        })
    }

    /// Writes the record atomically beside the media.
    pub(super) fn write(&self, media: &Path) -> io::Result<()> {
        let folder = media.parent().unwrap_or(Path::new("."));
        // Named after the run like its other files, because a kill leaves it behind.
        let mut prefix = media.file_stem().unwrap_or_default().to_owned();
        prefix.push(".");
        let file = tempfile::Builder::new().prefix(&prefix).suffix(".tmp").tempfile_in(folder)?;
        serde_json::to_writer(file.as_file(), self)?;
        file.as_file().sync_all()?;
        file.persist(record_path(media)).map_err(|error| error.error)?;
        fs::File::open(folder)?.sync_all()
    }
}

/// Returns the path of the record that belongs to a media file.
pub(super) fn record_path(media: &Path) -> PathBuf {
    media.with_extension("json")
}

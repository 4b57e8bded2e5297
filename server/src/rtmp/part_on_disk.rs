//! A part that is no longer written to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::object_upload::ObjectUpload;
use super::part_record::{PartEnd, PartRecord, record_path};
use super::{blocking, flv};

/// The media file of a part and its record. Both stay on the disk until the part is uploaded and reported.
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

    /// Returns the end of the part, or `None` if it has no media. If the process died before it recorded the end, repairs the media file
    /// and derives the end from it.
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

    /// Records the latest upload. If the disk is full, the upload continues and only this run knows about it.
    pub(super) async fn record_upload(&mut self, upload: ObjectUpload) {
        self.record.upload = Some(upload);
        let (record, path) = (self.record.clone(), self.path.clone());
        if let Err(error) = blocking(move || record.write(&path)).await {
            tracing::warn!(path = %self.path.display(), %error, "failed to record the upload of a part");
        }
    }

    /// Returns whether the media file exists. It is removed before the record, so a part without media needs no further work.
    pub(super) fn has_media(&self) -> bool {
        self.path.exists()
    }

    /// Removes the files.
    pub(super) async fn remove(self) {
        for path in [&self.path, &record_path(&self.path)] {
            match tokio::fs::remove_file(path).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(path = %path.display(), %error, "failed to remove the file of a part");
                }
                _ => {}
            }
        }
    }
}

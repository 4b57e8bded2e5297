//! Brings finished parts into their bucket.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use callsheet::model::{AppName, DomainName, Millis, StreamName};
use callsheet::recordings::PartLocation;
use callsheet::streams::ClosedPart;
use jiff::tz::TimeZone;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::part::PartFile;
use super::reason::{may_pass, plain_reason};
use crate::buckets::Buckets;

/// How much of a part is in memory at a time, in bytes; stores want pieces of at least 5 MiB.
const PIECE: usize = 8 * 1024 * 1024;
/// Pauses before the second, third, … try to store a part.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(9)];

/// Where the parts of one publish go.
#[derive(Debug)]
pub(super) struct Destination {
    pub buckets: Buckets,
    pub bucket: String,
    pub time_zone: TimeZone,
    pub domain: DomainName,
    pub app: AppName,
    pub stream: StreamName,
}

/// A part whose last frame is written.
#[derive(Debug)]
pub(super) struct FinishedPart {
    pub destination: Arc<Destination>,
    pub file: PartFile,
    /// Unix ms.
    pub started_at: Millis,
    /// Unix ms.
    pub stopped_at: Millis,
    /// Of the media, in ms.
    pub duration: Millis,
}

/// A part is not in its bucket.
#[derive(Debug, thiserror::Error)]
enum FilingError {
    #[error("cannot read or write the file")]
    File(#[from] io::Error),
    #[error("cannot store the file")]
    Store(#[from] object_store::Error),
}

impl Destination {
    pub(super) async fn open(&self) -> io::Result<Arc<dyn ObjectStore>> {
        self.buckets.open(&self.bucket).await
    }

    pub(super) fn location(&self, start: Millis, end: Option<Millis>) -> PartLocation<'_> {
        PartLocation { bucket: &self.bucket, domain: &self.domain, app: &self.app, stream: &self.stream, start, end }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.domain, self.app, self.stream)
    }
}

impl FinishedPart {
    /// Completes the file and stores it, trying again when that may help. A part that cannot be stored stays where it is.
    pub(super) async fn file(mut self) -> ClosedPart {
        let mut closed = ClosedPart {
            recorder: String::new(),
            location: None,
            started_at: Some(self.started_at),
            stopped_at: self.stopped_at,
            duration_ms: Some(self.duration),
            bytes: None,
            failure: None,
        };
        match self.complete_and_store().await {
            Ok((location, bytes)) => {
                closed.location = Some(location);
                closed.bytes = i64::try_from(bytes).ok();
                self.destination.buckets.grown().notify_one();
                self.file.remove().await;
            }
            Err(error) => {
                let (path, error) = (self.file.path().display(), &error as &dyn std::error::Error);
                tracing::error!(publish = %self.destination, %path, error, "cannot store a part of a recording; it stays where it is");
                closed.failure = Some(plain_reason(error));
            }
        }
        closed
    }

    async fn complete_and_store(&mut self) -> Result<(String, u64), FilingError> {
        let seconds = Duration::from_millis(self.duration.unsigned_abs()).as_secs_f64();
        let bytes = self.file.complete(seconds).await?;
        let mut pauses = PAUSES.into_iter();
        loop {
            match (self.store().await, pauses.next()) {
                (Ok(location), _) => return Ok((location, bytes)),
                (Err(error), Some(pause)) if may_pass(&error) => {
                    tracing::warn!(
                        publish = %self.destination,
                        error = &error as &dyn std::error::Error,
                        "cannot store a part of a recording; trying again"
                    );
                    tokio::time::sleep(pause).await;
                }
                (Err(error), _) => return Err(error),
            }
        }
    }

    /// One try. Answers with the whole location.
    async fn store(&self) -> Result<String, FilingError> {
        let to = &self.destination;
        let store = to.open().await?;
        // Two parts can lie within the same second; the later one moves on to the next.
        let mut location = to.location(self.started_at, Some(self.stopped_at));
        while exists(&*store, &key(&location, &to.time_zone)).await? {
            location.end = location.end.map(|end| end + 1000);
        }
        let mut file = File::open(self.file.path()).await?;
        let mut upload =
            WriteMultipart::new_with_chunk_size(store.put_multipart(&key(&location, &to.time_zone)).await?, PIECE);
        if let Err(error) = copy(&mut file, &mut upload).await {
            upload.abort().await?;
            return Err(error);
        }
        upload.finish().await?;
        Ok(location.path(&to.time_zone))
    }
}

fn key(location: &PartLocation<'_>, time_zone: &TimeZone) -> Path {
    Path::from(location.key(time_zone))
}

async fn exists(store: &dyn ObjectStore, key: &Path) -> object_store::Result<bool> {
    match store.head(key).await {
        Ok(_) => Ok(true),
        Err(object_store::Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

async fn copy(file: &mut File, upload: &mut WriteMultipart) -> Result<(), FilingError> {
    let mut piece = BytesMut::with_capacity(PIECE);
    while file.read_buf(&mut piece).await? > 0 {
        if piece.len() == piece.capacity() {
            upload.wait_for_capacity(1).await?;
            upload.put(std::mem::replace(&mut piece, BytesMut::with_capacity(PIECE)).freeze());
        }
    }
    upload.put(piece.freeze());
    Ok(())
}

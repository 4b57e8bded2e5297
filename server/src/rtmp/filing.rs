//! Brings parts into their bucket, and tries again until they are there.

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
use tokio::time::{Instant, sleep};

use super::RtmpConfig;
use super::part::{PartEnd, PartOnDisk};
use super::reason::plain_reason;
use crate::buckets::Buckets;

/// How much of a part is in memory at a time, in bytes; stores want pieces of at least 5 MiB.
const PIECE: usize = 8 * 1024 * 1024;
/// The pauses between two tries grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(300);

/// A bucket, and of which stream the parts are that go there.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub bucket: String,
    pub domain: DomainName,
    pub app: AppName,
    pub stream: StreamName,
}

/// Destination of the parts of one publish.
#[derive(Debug)]
pub(super) struct Destination {
    buckets: Buckets,
    time_zone: TimeZone,
    /// Time after which a failing upload is given up.
    upload_for: Duration,
    pub place: Place,
}

/// A part to which nothing is added any more.
#[derive(Debug)]
pub(super) struct FinishedPart {
    pub destination: Arc<Destination>,
    pub part: PartOnDisk,
    /// An earlier try, perhaps of an earlier run, may have stored it already.
    pub is_retried: bool,
}

/// A part is not in its bucket.
#[derive(Debug, thiserror::Error)]
enum FilingError {
    #[error("cannot read or write the file")]
    File(#[from] io::Error),
    #[error("cannot store the file")]
    Store(#[from] object_store::Error),
    #[error("the part holds no media")]
    Empty,
}

impl Destination {
    pub(super) fn new(config: &RtmpConfig, place: Place) -> Self {
        let (buckets, time_zone) = (config.buckets.clone(), config.time_zone.clone());
        Self { buckets, time_zone, upload_for: config.upload_for, place }
    }

    pub(super) async fn open(&self) -> io::Result<Arc<dyn ObjectStore>> {
        self.buckets.open(&self.place.bucket).await
    }

    pub(super) fn location(&self, start: Millis, end: Option<Millis>) -> PartLocation<'_> {
        let Place { bucket, domain, app, stream } = &self.place;
        PartLocation { bucket, domain, app, stream, start, end }
    }

    /// As far as it is known when the part begins.
    pub(super) fn open_path(&self, start: Millis) -> String {
        self.location(start, None).path(&self.time_zone)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.place.domain, self.place.app, self.place.stream)
    }
}

impl FinishedPart {
    /// Stores the part, trying again for as long as the configuration says. A part that cannot be stored stays where it is.
    pub(super) async fn file(mut self) -> ClosedPart {
        let give_up_at = Instant::now() + self.destination.upload_for;
        let mut pause = FIRST_PAUSE;
        let mut closed = ClosedPart {
            recorder: String::new(),
            location: None,
            started_at: Some(self.part.record.started_at),
            stopped_at: self.part.record.started_at,
            duration_ms: Some(0),
            bytes: None,
            failure: None,
        };
        loop {
            let error = match self.store().await {
                Ok((location, end, bytes)) => {
                    (closed.stopped_at, closed.duration_ms) = (end.stopped_at, Some(end.duration));
                    closed.location = Some(location);
                    closed.bytes = i64::try_from(bytes).ok();
                    self.destination.buckets.grown().notify_one();
                    self.part.remove().await;
                    return closed;
                }
                Err(error) => error,
            };
            if let Some(end) = self.part.record.end {
                (closed.stopped_at, closed.duration_ms) = (end.stopped_at, Some(end.duration));
            }
            let reason = plain_reason(&error);
            if matches!(error, FilingError::Empty) {
                closed.failure = Some(reason);
                self.part.remove().await;
                return closed;
            }
            if Instant::now() + pause > give_up_at {
                self.tell(&error, "it stays where it is");
                closed.failure = Some(reason);
                return closed;
            }
            self.tell(&error, "trying again");
            sleep(pause).await;
            pause = (pause * 3).min(LAST_PAUSE);
        }
    }

    fn tell(&self, error: &FilingError, then: &str) {
        let path = self.part.path.display();
        let error = error as &dyn std::error::Error;
        tracing::warn!(publish = %self.destination, %path, error, then, "cannot store a part of a recording");
    }

    /// One try. Answers with the whole location, the end of the part, and its length in bytes.
    async fn store(&mut self) -> Result<(String, PartEnd, u64), FilingError> {
        let end = self.part.end().await?.ok_or(FilingError::Empty)?;
        let to = &self.destination;
        let store = to.open().await?;
        let mut file = File::open(&self.part.path).await?;
        let bytes = file.metadata().await?.len();
        let was_retried = std::mem::replace(&mut self.is_retried, true);
        // Two parts can lie within the same second; the later one moves on to the next.
        let mut location = to.location(self.part.record.started_at, Some(end.stopped_at));
        while let Some(length) = length_of(&*store, &key(&location, &to.time_zone)).await? {
            if was_retried && length == bytes {
                return Ok((location.path(&to.time_zone), end, bytes));
            }
            location.end = location.end.map(|end| end + 1000);
        }
        let mut upload =
            WriteMultipart::new_with_chunk_size(store.put_multipart(&key(&location, &to.time_zone)).await?, PIECE);
        if let Err(error) = copy(&mut file, &mut upload).await {
            upload.abort().await?;
            return Err(error);
        }
        upload.finish().await?;
        Ok((location.path(&to.time_zone), end, bytes))
    }
}

fn key(location: &PartLocation<'_>, time_zone: &TimeZone) -> Path {
    Path::from(location.key(time_zone))
}

/// The length of an object, if it is there. Keys that may only write cannot ask: then nothing is taken to be there, as parts of one stream rarely lie within the same second.
async fn length_of(store: &dyn ObjectStore, key: &Path) -> object_store::Result<Option<u64>> {
    match store.head(key).await {
        Ok(object) => Ok(Some(object.size)),
        Err(object_store::Error::NotFound { .. } | object_store::Error::PermissionDenied { .. }) => Ok(None),
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

//! Brings parts into their bucket, and tries again until they are there.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use callsheet::model::{AppName, DomainName, Millis, StreamName};
use callsheet::recordings::PartLocation;
use callsheet::streams::ClosedPart;
use jiff::tz::TimeZone;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::error_text::plain_reason;
use super::ingest_context::Ingest;
use super::object_upload::{self as upload, Sent, Settled};
use super::part_file::{PartEnd, PartOnDisk};
use crate::buckets::{Bucket, Buckets};

/// The pauses between two tries grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(300);

/// Time that a stop waits for a part. Perhaps no other run follows on this data folder, so a store that answers gets the part now.
const STOP_WAITS: Duration = Duration::from_secs(2);

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
    /// Cancelled when the process stops.
    stop: CancellationToken,
    pub place: Place,
}

/// A part to which nothing is added any more.
#[derive(Debug)]
pub(super) struct FinishedPart {
    pub destination: Arc<Destination>,
    pub part: PartOnDisk,
}

/// A part that is stored, or given up.
#[derive(Debug)]
pub(super) struct FiledPart {
    pub closed: ClosedPart,
    /// No longer needed on the disk.
    obsolete: Option<PartOnDisk>,
}

impl FiledPart {
    /// Takes a part off the disk that is not needed there. Report it first: a part whose record is gone is not reported by the next run.
    pub(super) async fn clear(self) {
        if let Some(part) = self.obsolete {
            part.remove().await;
        }
    }
}

/// A part is not in its bucket.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilingError {
    #[error("cannot read or write the file")]
    File(#[from] io::Error),
    #[error("cannot store the file")]
    Store(#[from] object_store::Error),
    #[error("the part holds no media")]
    Empty,
}

impl Destination {
    pub(super) fn new(ingest: &Ingest, place: Place) -> Self {
        let config = &ingest.config;
        let (buckets, time_zone) = (config.buckets.clone(), config.time_zone.clone());
        Self { buckets, time_zone, upload_for: config.upload_for, stop: ingest.stop.clone(), place }
    }

    pub(super) async fn open(&self) -> io::Result<Bucket> {
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
    /// `None`: the process stops, and the next run takes the part over.
    pub(super) async fn file(self) -> Option<FiledPart> {
        let stop = self.destination.stop.clone();
        let is_handed_over = async {
            stop.cancelled().await;
            sleep(STOP_WAITS).await;
        };
        tokio::select! {
            biased;
            filed = self.store_or_give_up() => Some(filed),
            () = is_handed_over => None,
        }
    }

    async fn store_or_give_up(mut self) -> FiledPart {
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
                    self.destination.buckets.changed().notify_one();
                    return FiledPart { closed, obsolete: Some(self.part) };
                }
                Err(error) => error,
            };
            if let Some(end) = self.part.record.end {
                (closed.stopped_at, closed.duration_ms) = (end.stopped_at, Some(end.duration));
            }
            let reason = plain_reason(&error);
            if matches!(error, FilingError::Empty) {
                closed.failure = Some(reason);
                return FiledPart { closed, obsolete: Some(self.part) };
            }
            if Instant::now() + pause > give_up_at {
                self.tell(&error, "it stays where it is");
                closed.failure = Some(reason);
                return FiledPart { closed, obsolete: None };
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
        let Self { destination: to, part } = self;
        let end = part.end().await?.ok_or(FilingError::Empty)?;
        let bucket = to.open().await?;
        let bytes = tokio::fs::metadata(&part.path).await?.len();
        let stored = |key: &str| Ok((format!("{}/{key}", to.place.bucket), end, bytes));
        let earlier = part.record.upload.as_ref().map(|upload| upload.key.clone());
        let settled = upload::settle(&bucket, part, bytes).await?;
        if let (Settled::Stored, Some(key)) = (settled, &earlier) {
            return stored(key);
        }
        // Two parts can lie within the same second; the later one moves on to the next.
        let mut location = to.location(part.record.started_at, Some(end.stopped_at));
        loop {
            let key = location.key(&to.time_zone);
            if !upload::is_taken(&bucket, &key).await? {
                let is_perhaps_ours = settled == Settled::Unknown && earlier.as_ref() == Some(&key);
                match upload::send(&bucket, part, &key, bytes).await? {
                    Sent::Taken if !is_perhaps_ours => {}
                    Sent::Stored | Sent::Taken => return stored(&key),
                }
            }
            location.end = location.end.map(|end| end + 1000);
        }
    }
}

//! Where the parts of a publish are stored.

use std::fmt;
use std::io;
use std::time::Duration;

use callsheet::model::{AppName, DomainName, Millis, StreamName};
use callsheet::recordings::PartLocation;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::ingest_context::IngestContext;
use crate::buckets::{Bucket, Buckets};

/// A stream and the bucket of its recordings.
#[derive(Debug, Clone)]
pub(super) struct RecordedStream {
    pub bucket: String,
    pub domain: DomainName,
    pub app: AppName,
    pub stream: StreamName,
}

/// The destination of the parts of one publish.
#[derive(Debug)]
pub(super) struct Destination {
    pub buckets: Buckets,
    pub time_zone: TimeZone,
    /// How long a failing upload is retried.
    pub upload_for: Duration,
    /// Cancelled at shutdown.
    pub shutdown: CancellationToken,
    pub stream: RecordedStream,
}

impl Destination {
    pub(super) fn new(context: &IngestContext, stream: RecordedStream) -> Self {
        let config = &context.config;
        let (buckets, time_zone) = (config.buckets.clone(), config.time_zone.clone());
        Self { buckets, time_zone, upload_for: config.upload_for, shutdown: context.shutdown.clone(), stream }
    }

    pub(super) async fn open_bucket(&self) -> io::Result<Bucket> {
        self.buckets.open(&self.stream.bucket).await
    }

    pub(super) fn location(&self, start: Millis, end: Option<Millis>) -> PartLocation<'_> {
        let RecordedStream { bucket, domain, app, stream } = &self.stream;
        PartLocation { bucket, domain, app, stream, start, end }
    }

    /// Returns the path of a part that has not ended yet.
    pub(super) fn open_path(&self, start: Millis) -> String {
        self.location(start, None).path(&self.time_zone)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.stream.domain, self.stream.app, self.stream.stream)
    }
}

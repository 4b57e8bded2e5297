//! Uploads parts to their bucket, with retries.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use backon::RetryableWithContext;
use callsheet::streams::ClosedPart;
use tokio::time::{Instant, sleep};

use super::destination::Destination;
use super::error_text::error_text;
use super::object_upload::{self, CreateOutcome, UploadOutcome};
use super::part_on_disk::PartOnDisk;
use super::part_record::PartEnd;
use super::retry::backoff;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(300);

/// How long a shutdown waits for an upload. There may be no later run on this data folder, so a store that responds gets the part now.
const SHUTDOWN_WAIT: Duration = Duration::from_secs(2);

/// A finished part and its destination.
#[derive(Debug)]
pub(super) struct PartUpload {
    pub destination: Arc<Destination>,
    pub part: PartOnDisk,
}

/// A part that was uploaded or given up.
#[derive(Debug)]
pub(super) struct UploadedPart {
    pub closed: ClosedPart,
    /// The files, if they are no longer needed.
    obsolete: Option<PartOnDisk>,
}

impl UploadedPart {
    /// Removes files that are no longer needed. Report the part first: the next run does not report a part without a record.
    pub(super) async fn clean_up(self) {
        if let Some(part) = self.obsolete {
            part.remove().await;
        }
    }
}

/// An error that keeps a part from being uploaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum UploadError {
    #[error("cannot read or write the file")]
    File(#[from] io::Error),
    #[error("cannot store the file")]
    Store(#[from] object_store::Error),
    #[error("the part holds no media")]
    Empty,
}

impl PartUpload {
    /// Uploads the part and retries as long as configured. A part that cannot be uploaded stays on the disk. Returns `None` at shutdown;
    /// the next run uploads the part.
    pub(super) async fn run(self) -> Option<UploadedPart> {
        let shutdown = self.destination.shutdown.clone();
        let is_interrupted = async {
            shutdown.cancelled().await;
            sleep(SHUTDOWN_WAIT).await;
        };
        tokio::select! {
            biased;
            uploaded = self.upload_or_give_up() => Some(uploaded),
            () = is_interrupted => None,
        }
    }

    async fn upload_or_give_up(self) -> UploadedPart {
        let give_up_at = Instant::now() + self.destination.upload_for;
        let (destination, path) = (Arc::clone(&self.destination), self.part.path.clone());
        let attempt = |mut upload: Self| async move {
            let result = upload.store().await;
            (upload, result)
        };
        let (upload, result) = attempt
            .retry(backoff(FIRST_PAUSE, LAST_PAUSE))
            .context(self)
            .when(|error| !matches!(error, UploadError::Empty) && Instant::now() < give_up_at)
            .notify(|error, _| {
                let error = error as &dyn std::error::Error;
                tracing::warn!(publish = %destination, path = %path.display(), error, "failed to store a part; retrying");
            })
            .await;
        let started_at = upload.part.record.started_at;
        let end = upload.part.record.end.unwrap_or(PartEnd { stopped_at: started_at, duration: 0 });
        let mut closed = ClosedPart {
            recorder: String::new(),
            location: None,
            started_at: Some(started_at),
            stopped_at: end.stopped_at,
            duration_ms: Some(end.duration),
            bytes: None,
            failure: None,
        };
        let is_obsolete = match result {
            Ok((location, bytes)) => {
                closed.location = Some(location);
                closed.bytes = i64::try_from(bytes).ok();
                destination.buckets.changed().notify_one();
                true
            }
            Err(error) => {
                closed.failure = Some(error_text(&error));
                let is_empty = matches!(error, UploadError::Empty);
                if !is_empty {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(publish = %destination, path = %path.display(), error, "failed to store a part; it stays on the disk");
                }
                is_empty
            }
        };
        UploadedPart { closed, obsolete: is_obsolete.then_some(upload.part) }
    }

    /// Makes one attempt. Returns the location and the size in bytes.
    async fn store(&mut self) -> Result<(String, u64), UploadError> {
        let Self { destination, part } = self;
        let end = part.end().await?.ok_or(UploadError::Empty)?;
        let bucket = destination.open_bucket().await?;
        let bytes = tokio::fs::metadata(&part.path).await?.len();
        let stored = |key: &str| Ok((format!("{}/{key}", destination.stream.bucket), bytes));
        let earlier = part.record.upload.as_ref().map(|upload| upload.key.clone());
        let outcome = object_upload::resolve(&bucket, part, bytes).await?;
        if let (UploadOutcome::Stored, Some(key)) = (outcome, &earlier) {
            return stored(key);
        }
        // Two parts can have the same name. The later one advances its end by a second.
        let mut location = destination.location(part.record.started_at, Some(end.stopped_at));
        loop {
            let key = location.key(&destination.time_zone);
            if !object_upload::exists(&bucket, &key).await? {
                let may_be_ours = outcome == UploadOutcome::Unknown && earlier.as_ref() == Some(&key);
                match object_upload::create(&bucket, part, &key, bytes).await? {
                    CreateOutcome::KeyTaken if !may_be_ours => {}
                    CreateOutcome::Created | CreateOutcome::KeyTaken => return stored(&key),
                }
            }
            location.end = location.end.map(|end| end + 1000);
        }
    }
}

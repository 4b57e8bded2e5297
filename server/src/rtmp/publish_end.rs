//! The end of a publish.

use std::time::Duration;

use callsheet::model::Millis;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long the end of a publish waits for uploads.
const UPLOAD_WAIT: Duration = Duration::from_secs(5);

/// The time and reason of a publish's end.
#[derive(Debug, Clone)]
pub(super) struct PublishEnd {
    /// Unix ms.
    pub at: Millis,
    pub failure: Option<String>,
    /// When to report the end even if uploads are still running.
    pub report_by: Instant,
}

impl PublishEnd {
    pub(super) fn new(at: Millis, failure: Option<String>) -> Self {
        Self { at, failure, report_by: Instant::now() + UPLOAD_WAIT }
    }
}

/// Waits until the publish has ended and its end must be reported.
pub(super) async fn end_is_due(end: &mut watch::Receiver<Option<PublishEnd>>) {
    let report_by = end.wait_for(Option::is_some).await.ok().and_then(|end| end.as_ref().map(|end| end.report_by));
    match report_by {
        Some(report_by) => tokio::time::sleep_until(report_by).await,
        // The session task stopped without an end. The reporter ends the publish when its queue is empty.
        None => std::future::pending().await,
    }
}

//! Retries of calls to the sink.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use callsheet::model::{Problem, ProblemKind};
use callsheet::streams::{IngestSink, SessionKey, SourceEvent, StreamError};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(15);
/// Attempts, not counting those during which the database was unavailable.
const MAX_FAILURES: usize = 8;

/// Returns pauses that triple from `first` to `last`, without end.
pub(super) fn backoff(first: Duration, last: Duration) -> ExponentialBuilder {
    ExponentialBuilder::new().with_factor(3.0).with_min_delay(first).with_max_delay(last).without_max_times()
}

/// Retries while the database is unavailable. Other errors are retried a limited number of times, so that nothing waits forever.
pub(super) async fn retry<T, F: Future<Output = Result<T, StreamError>>>(
    what: &str,
    work: impl FnMut() -> F,
) -> Option<T> {
    let mut failures = 0;
    let result = work
        .retry(backoff(FIRST_PAUSE, LAST_PAUSE))
        .when(|error| {
            failures += usize::from(error.kind() != ProblemKind::Unavailable);
            failures < MAX_FAILURES
        })
        .notify(|error, _| {
            tracing::warn!(error = error as &dyn std::error::Error, "failed to {what}; retrying");
        })
        .await;
    result
        .inspect_err(|error| {
            tracing::error!(error = error as &dyn std::error::Error, "failed to {what}; giving up");
        })
        .ok()
}

/// Reports an event to the sink, with retries.
pub(super) async fn report(sink: &dyn IngestSink, key: &SessionKey, event: &SourceEvent) {
    retry("report a stream event", || sink.report(key, event.clone())).await;
}

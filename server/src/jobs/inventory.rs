//! Counts what the buckets hold.

use std::io;
use std::time::Duration;

use callsheet::model::StoreError;
use callsheet::stats::Stats;
use futures::TryStreamExt;
use tokio_util::sync::CancellationToken;

use super::Pulse;
use crate::buckets::Buckets;

/// One count for each five-minute point.
const EVERY: Duration = Duration::from_secs(300);
/// Between two counts, however much is recorded.
const PAUSE: Duration = Duration::from_secs(10);

/// Why there is no count.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    #[error("cannot read the bucket directory")]
    Folder(#[from] io::Error),
    #[error("cannot list the bucket {bucket}")]
    Bucket { bucket: String, source: object_store::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Counts at the start, then every five minutes and after each recording. While that fails, the last count stands; it is told once.
pub async fn take_inventory(stats: Stats, buckets: Buckets, pulse: Pulse, shutdown: CancellationToken) {
    let mut failing = false;
    loop {
        let Some(counted) = shutdown.run_until_cancelled(count_buckets(&stats, &buckets, &pulse)).await else { return };
        match &counted {
            Err(error) if !failing => {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "cannot count what the buckets hold; will try again"
                );
            }
            Ok(()) if failing => tracing::info!("what the buckets hold can be counted again"),
            _ => {}
        }
        failing = counted.is_err();
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = pulse.idle(tokio::time::sleep(PAUSE)) => {}
        }
        let wait = async {
            tokio::select! {
                () = buckets.changed().notified() => {}
                () = tokio::time::sleep(EVERY - PAUSE) => {}
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = pulse.idle(wait) => {}
        }
    }
}

/// Counts once. What cannot be counted whole is not counted.
///
/// # Errors
/// A bucket cannot be listed, or the count cannot be kept.
pub async fn count_buckets(stats: &Stats, buckets: &Buckets, pulse: &Pulse) -> Result<(), InventoryError> {
    let mut tally = stats.begin_inventory().await?;
    for bucket in buckets.names().await? {
        let store = buckets.open(&bucket).await?.store();
        let mut files = store.list(None);
        let failed = |source| InventoryError::Bucket { bucket: bucket.clone(), source };
        while let Some(file) = files.try_next().await.map_err(failed)? {
            pulse.beat();
            tally.count(&bucket, file.location.as_ref(), file.size);
        }
    }
    Ok(stats.end_inventory(tally).await?)
}

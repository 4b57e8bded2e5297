//! Counts the files and bytes in all buckets.

use std::io;
use std::time::Duration;

use callsheet::model::StoreError;
use callsheet::stats::Stats;
use futures::TryStreamExt;
use tokio_util::sync::CancellationToken;

use super::Pulse;
use crate::buckets::Buckets;

/// Interval of counts: the length of a bin.
const INTERVAL: Duration = Duration::from_secs(300);
/// Minimum time between two counts.
const MIN_PAUSE: Duration = Duration::from_secs(10);

/// An error during a count.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    #[error("cannot read the bucket directory")]
    Folder(#[from] io::Error),
    #[error("cannot list the bucket {bucket}")]
    Bucket { bucket: String, source: object_store::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Counts at the start, then every five minutes and after each recording. If a count fails, the last one stays valid; consecutive failures are
/// logged once.
pub async fn take_inventory(stats: Stats, buckets: Buckets, pulse: Pulse, shutdown: CancellationToken) {
    let mut failing = false;
    loop {
        let Some(counted) = shutdown.run_until_cancelled(count_buckets(&stats, &buckets, &pulse)).await else { return };
        match &counted {
            Err(error) if !failing => {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "failed to count the files in buckets; retrying"
                );
            }
            Ok(()) if failing => tracing::info!("counting the files in buckets works again"),
            _ => {}
        }
        failing = counted.is_err();
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = pulse.idle(tokio::time::sleep(MIN_PAUSE)) => {}
        }
        let wait = async {
            tokio::select! {
                () = buckets.changed().notified() => {}
                () = tokio::time::sleep(INTERVAL - MIN_PAUSE) => {}
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = pulse.idle(wait) => {}
        }
    }
}

/// Counts once.
///
/// # Errors
/// A bucket cannot be listed, or the result cannot be stored. Then nothing is stored.
pub async fn count_buckets(stats: &Stats, buckets: &Buckets, pulse: &Pulse) -> Result<(), InventoryError> {
    let mut tally = stats.start_inventory().await?;
    for bucket in buckets.names().await? {
        let store = buckets.open(&bucket).await?.store();
        let mut files = store.list(None);
        let failed = |source| InventoryError::Bucket { bucket: bucket.clone(), source };
        while let Some(file) = files.try_next().await.map_err(failed)? {
            pulse.beat();
            tally.count(&bucket, file.location.as_ref(), file.size);
        }
    }
    Ok(stats.save_inventory(tally).await?)
}

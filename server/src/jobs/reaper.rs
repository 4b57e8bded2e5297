//! Closes sessions whose time has come: the grace is over, or their source has been silent for too long. Decides on reports whose start
//! does not come.

use std::sync::Arc;
use std::time::Duration;

use callsheet::model::Clock;
use callsheet::streams::{EarlyWatch, Silences, Streams};
use tokio_util::sync::CancellationToken;

use super::Pulse;

/// Another process may have opened a session that this one watches.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// Between two looks, however many sessions change.
const PAUSE: Duration = Duration::from_millis(50);

/// Sleeps until the next session is due, or until one changes.
pub async fn reap(streams: Streams, clock: Arc<dyn Clock>, pulse: Pulse, shutdown: CancellationToken) {
    let watch = streams.watch();
    let mut silences = Silences::default();
    let mut early = EarlyWatch::default();
    loop {
        pulse.beat();
        if let Err(error) = streams.settle_early(&mut early).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "cannot settle the reports that wait for a start; trying again");
        }
        if let Err(error) = streams.lose_silent(&mut silences).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "cannot end the publishes of silent sources; trying again");
        }
        pulse.beat();
        let wait = match streams.reap().await {
            Ok(Some(next)) => {
                Duration::from_millis(u64::try_from(next - clock.now()).unwrap_or_default()).min(LOOK_AGAIN)
            }
            Ok(None) => LOOK_AGAIN,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "cannot close overdue sessions; will try again"
                );
                LOOK_AGAIN
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = watch.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

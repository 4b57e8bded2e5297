//! Queues the deliveries of running recoveries in batches.

use std::time::Duration;

use callsheet::deliveries::{Recoveries, RecoveryProgress};
use tokio_util::sync::CancellationToken;

use super::Pulse;

/// Pause between batches, so that new events are queued in between.
const PAUSE: Duration = Duration::from_millis(100);
/// Pause while the queues of all affected callbacks are long.
const BLOCKED_PAUSE: Duration = Duration::from_secs(1);
/// Interval of checks for a recovery that another process started.
const IDLE_PAUSE: Duration = Duration::from_secs(5);

/// Runs until `shutdown`. Unfinished recoveries continue at the next start.
pub async fn recover(recoveries: Recoveries, pulse: Pulse, shutdown: CancellationToken) {
    let started = recoveries.started();
    loop {
        pulse.beat();
        let wait = match recoveries.advance().await {
            Ok(RecoveryProgress::Advanced) => PAUSE,
            Ok(RecoveryProgress::Blocked) => BLOCKED_PAUSE,
            Ok(RecoveryProgress::Idle) => IDLE_PAUSE,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "failed to recover deliveries; retrying");
                IDLE_PAUSE
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = started.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

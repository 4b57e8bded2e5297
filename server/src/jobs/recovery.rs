//! Queues the deliveries of running bulk resends in batches.

use std::time::Duration;

use callsheet::deliveries::{Recoveries, Round};
use tokio_util::sync::CancellationToken;

use super::Pulse;

/// Pause between batches, which lets new events through.
const PAUSE: Duration = Duration::from_millis(100);
/// Pause while the queues of all affected callbacks are full.
const FULL: Duration = Duration::from_secs(1);
/// Polling interval, because another process may start a bulk resend.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Runs until `shutdown`. The next start continues unfinished bulk resends.
pub async fn recover(recoveries: Recoveries, pulse: Pulse, shutdown: CancellationToken) {
    let watch = recoveries.watch();
    loop {
        pulse.beat();
        let wait = match recoveries.step().await {
            Ok(Round::Moved) => PAUSE,
            Ok(Round::Held) => FULL,
            Ok(Round::Idle) => POLL_INTERVAL,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "failed to resend deliveries; retrying");
                POLL_INTERVAL
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = watch.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

//! Queues the deliveries of running recoveries, batch by batch.

use std::time::Duration;

use callsheet::deliveries::{Recoveries, Round};
use tokio_util::sync::CancellationToken;

use super::Pulse;

/// Between two rounds, so that new events come in between.
const PAUSE: Duration = Duration::from_millis(100);
/// While the queues of all callbacks concerned are long.
const HELD: Duration = Duration::from_secs(1);
/// Another process may have started one.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Goes round until `shutdown`. What is not through then goes on at the next start.
pub async fn recover(recoveries: Recoveries, pulse: Pulse, shutdown: CancellationToken) {
    let watch = recoveries.watch();
    loop {
        pulse.beat();
        let wait = match recoveries.step().await {
            Ok(Round::Moved) => PAUSE,
            Ok(Round::Held) => HELD,
            Ok(Round::Idle) => LOOK_AGAIN,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot recover deliveries; will try again");
                LOOK_AGAIN
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = watch.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

//! Drops the publishers whose stream is forbidden, to be disconnected, or published to another process.

use std::sync::Arc;
use std::time::Duration;

use callsheet::streams::{StreamError, Streams};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Pulse;
use crate::ingest_source::Publishers;

/// Another process may have forbidden a stream or ordered to disconnect one.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// When the database does not answer.
const WAIT: Duration = Duration::from_secs(5);

/// Runs beside the built-in ingest. One who was admitted before a stream was forbidden is found by the next look.
pub async fn enforce(
    streams: Streams,
    publishers: Arc<dyn Publishers>,
    boot: String,
    pulse: Pulse,
    shutdown: CancellationToken,
) {
    let orders = streams.orders();
    loop {
        pulse.beat();
        let wait = match streams.to_drop(&boot).await {
            Ok(streams) => {
                for pushed in streams {
                    if publishers.disconnect(&pushed.domain, &pushed.app, &pushed.stream) {
                        tracing::info!(domain = %pushed.domain, app = %pushed.app, stream = %pushed.stream, "publisher dropped");
                    }
                }
                LOOK_AGAIN
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "cannot tell whom to drop; will try again");
                WAIT
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = orders.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Time between two renewals of the run's lease.
const RENEW: Duration = Duration::from_secs(5);

/// Renews the lease of this run of the built-in ingest, and drops the publishers whose streams another process has taken over.
pub async fn hold_streams(
    streams: Streams,
    publishers: Arc<dyn Publishers>,
    boot: String,
    pulse: Pulse,
    shutdown: CancellationToken,
) {
    let mut ticks = tokio::time::interval(RENEW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while shutdown.run_until_cancelled(pulse.idle(ticks.tick())).await.is_some() {
        if let Err(error) = renew(&streams, &*publishers, &boot).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "cannot renew the lease of the ingest; trying again"
            );
        }
    }
    // Without it, the lease expires.
    if let Err(error) = streams.end_run(&boot).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "cannot give back the lease of the ingest");
    }
}

async fn renew(streams: &Streams, publishers: &dyn Publishers, boot: &str) -> Result<(), StreamError> {
    // Before the question: sessions that begin meanwhile are not missing in its answer.
    let sessions = publishers.sessions();
    let Some(held) = streams.renew_run(boot).await? else { return Ok(()) };
    for lost in sessions.difference(&held) {
        tracing::warn!(session = lost, "another process has taken over a stream; dropping its publisher here");
        publishers.disconnect_session(lost);
    }
    Ok(())
}

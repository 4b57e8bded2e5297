//! Drops the publishers whose stream is forbidden or to be disconnected.

use std::sync::Arc;
use std::time::Duration;

use callsheet::streams::Streams;
use tokio_util::sync::CancellationToken;

use crate::rtmp::Publishers;

/// Another process may have forbidden a stream or ordered to disconnect one.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// When the database does not answer.
const WAIT: Duration = Duration::from_secs(5);

/// Runs beside the built-in ingest. One who was admitted before a stream was forbidden is found by the next look.
pub async fn enforce(streams: Streams, publishers: Arc<dyn Publishers>, shutdown: CancellationToken) {
    let orders = streams.orders();
    loop {
        let wait = match streams.to_drop().await {
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

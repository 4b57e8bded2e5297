//! Writes the time of the last use of API keys to the database.

use std::time::Duration;

use callsheet::keys::Keys;
use tokio_util::sync::CancellationToken;

use super::{Pulse, every};

const INTERVAL: Duration = Duration::from_secs(60);

/// Writes once a minute and at shutdown.
pub async fn write_key_uses(keys: Keys, pulse: Pulse, shutdown: CancellationToken) {
    let write = || async {
        if let Err(error) = keys.write_uses().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "failed to write the last uses of API keys; retrying"
            );
        }
    };
    every(INTERVAL, &pulse, &shutdown, write).await;
    write().await;
}

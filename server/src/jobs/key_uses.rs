//! Writes down when API keys were used.

use std::time::Duration;

use callsheet::keys::Keys;
use tokio_util::sync::CancellationToken;

use super::Pulse;

const EVERY: Duration = Duration::from_secs(60);

/// Writes once a minute, and at the end.
pub async fn write_key_uses(keys: Keys, pulse: Pulse, shutdown: CancellationToken) {
    loop {
        let goes_on = pulse.idle(shutdown.run_until_cancelled(tokio::time::sleep(EVERY))).await.is_some();
        if let Err(error) = keys.write_uses().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "cannot write when API keys were used");
        }
        if !goes_on {
            return;
        }
    }
}

//! Removes what has passed its time, in small batches so that deliveries never wait for it.

use std::time::Duration;

use callsheet::Console;
use callsheet::keys::NONCE_LIFE_MS;
use callsheet::model::StoreError;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(3_600);
/// Between two batches.
const PAUSE: Duration = Duration::from_millis(50);
const DAY_MS: i64 = 86_400_000;

/// Cleans up at the start and then every hour.
pub async fn clean_up(console: Console, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            done = round(&console) => {
                if let Err(error) = done {
                    tracing::error!(error = &error as &dyn std::error::Error, "cannot clean up; will try again");
                }
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn round(console: &Console) -> Result<(), StoreError> {
    let now = console.clock.now();
    let old = now - console.retention.days * DAY_MS;
    console.accounts.store().delete_expired_sessions(now).await?;
    console.db.delete_old_receipts(now - DAY_MS).await?;
    console.db.delete_old_nonces(now - NONCE_LIFE_MS).await?;
    console.db.delete_past_bans(now).await?;
    while console.db.delete_past_requests(now).await? > 0 {
        tokio::time::sleep(PAUSE).await;
    }
    while console.db.delete_old_deliveries(old).await? > 0 {
        tokio::time::sleep(PAUSE).await;
    }
    while console.db.empty_old_attempts(now - console.retention.attempt_body_days * DAY_MS).await? > 0 {
        tokio::time::sleep(PAUSE).await;
    }
    console.db.delete_old_recoveries(old).await?;
    while console.db.delete_old_audit(now - console.retention.audit_days * DAY_MS).await? > 0 {
        tokio::time::sleep(PAUSE).await;
    }
    while console.stats.clean_up().await? {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

//! Deletes expired data, in small batches so that deliveries never wait.

use std::error::Error;
use std::time::Duration;

use callsheet::keys::NONCE_LIFE_MS;
use callsheet::{ClockCheck, Console};
use tokio_util::sync::CancellationToken;

use super::{Pulse, every};

const INTERVAL: Duration = Duration::from_secs(3_600);
/// Pause between two batches.
const PAUSE: Duration = Duration::from_millis(50);
const DAY_MS: i64 = 86_400_000;

/// Cleans up at start and then every hour.
pub async fn clean_up(console: Console, pulse: Pulse, shutdown: CancellationToken) {
    let clean_up = every(INTERVAL, &pulse, &shutdown, || clean_up_once(&console, &pulse));
    // Cancels a clean-up in progress, too.
    shutdown.run_until_cancelled(clean_up).await;
}

/// Deletes all expired data if the clock can be trusted. Logs failures and leaves them to the next clean-up.
pub async fn clean_up_once(console: &Console, pulse: &Pulse) {
    let (db, now) = (&console.db, console.clock.now());
    match db.check_clock(now).await {
        Ok(ClockCheck::Believed) => {}
        Ok(ClockCheck::Watched) => {
            tracing::info!("skipping the clean-up until the clock has been steady for a day");
            return;
        }
        Ok(ClockCheck::Leapt(leap)) => {
            tracing::warn!(
                hours = leap / 3_600_000,
                "the clock jumped since the last clean-up; skipping clean-ups for a day. Correct the clock if it is wrong"
            );
            return;
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn Error, "failed to clean up; retrying in an hour");
            return;
        }
    }
    let old = now - console.retention.days * DAY_MS;
    delete_all(pulse, "browser sessions", || db.delete_expired_sessions(now)).await;
    delete_all(pulse, "receipts of sources", || db.delete_old_receipts(now - DAY_MS)).await;
    delete_all(pulse, "nonces", || db.delete_old_nonces(now - NONCE_LIFE_MS)).await;
    delete_all(pulse, "bans", || db.delete_past_bans(now)).await;
    delete_all(pulse, "idempotent requests", || db.delete_past_requests(now)).await;
    delete_all(pulse, "deliveries", || db.delete_old_deliveries(old)).await;
    delete_all(pulse, "sessions", || db.delete_old_sessions(old)).await;
    let bodies = now - console.retention.attempt_body_days * DAY_MS;
    delete_all(pulse, "bodies of attempts", || db.empty_old_attempts(bodies)).await;
    delete_all(pulse, "recoveries", || db.delete_old_recoveries(old)).await;
    delete_all(pulse, "audit log", || db.delete_old_audit(now - console.retention.audit_days * DAY_MS)).await;
    delete_all(pulse, "statistics", || async { console.stats.clean_up().await.map(u64::from) }).await;
}

/// Deletes batches until none is left.
async fn delete_all<E, F>(pulse: &Pulse, what: &'static str, batch: impl Fn() -> F)
where
    E: Error + 'static,
    F: Future<Output = Result<u64, E>>,
{
    loop {
        pulse.beat();
        match batch().await {
            Ok(0) => return,
            Ok(_) => tokio::time::sleep(PAUSE).await,
            Err(error) => {
                tracing::error!(what, error = &error as &dyn Error, "failed to clean up; retrying in an hour");
                return;
            }
        }
    }
}

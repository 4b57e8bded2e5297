//! Removes what has passed its time, in small batches so that deliveries never wait for it.

use std::error::Error;
use std::time::Duration;

use callsheet::keys::NONCE_LIFE_MS;
use callsheet::{ClockCheck, Console};
use tokio_util::sync::CancellationToken;

use super::Pulse;

const EVERY: Duration = Duration::from_secs(3_600);
/// Between two batches.
const PAUSE: Duration = Duration::from_millis(50);
const DAY_MS: i64 = 86_400_000;

/// Cleans up at the start and then every hour.
pub async fn clean_up(console: Console, pulse: Pulse, shutdown: CancellationToken) {
    let rounds = async {
        loop {
            clean_up_once(&console, &pulse).await;
            pulse.idle(tokio::time::sleep(EVERY)).await;
        }
    };
    shutdown.run_until_cancelled(rounds).await;
}

/// Removes everything whose time is over now, if the clock can be believed. What cannot be removed is logged, and stays until the next round.
pub async fn clean_up_once(console: &Console, pulse: &Pulse) {
    let (db, now) = (&console.db, console.clock.now());
    match db.check_clock(now).await {
        Ok(ClockCheck::Believed) => {}
        Ok(ClockCheck::Watched) => {
            tracing::info!("nothing is removed before the clock has gone on for a day");
            return;
        }
        Ok(ClockCheck::Leapt(leap)) => {
            tracing::warn!(
                hours = leap / 3_600_000,
                "the clock is this far from the last clean-up; nothing is removed for a day. Set the clock if it is wrong"
            );
            return;
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn Error, "cannot clean up; trying again in an hour");
            return;
        }
    }
    let old = now - console.retention.days * DAY_MS;
    all(pulse, "browser sessions", || db.delete_expired_sessions(now)).await;
    all(pulse, "receipts of sources", || db.delete_old_receipts(now - DAY_MS)).await;
    all(pulse, "nonces", || db.delete_old_nonces(now - NONCE_LIFE_MS)).await;
    all(pulse, "bans", || db.delete_past_bans(now)).await;
    all(pulse, "idempotent requests", || db.delete_past_requests(now)).await;
    all(pulse, "deliveries", || db.delete_old_deliveries(old)).await;
    all(pulse, "sessions", || db.delete_old_sessions(old)).await;
    let bodies = now - console.retention.attempt_body_days * DAY_MS;
    all(pulse, "bodies of attempts", || db.empty_old_attempts(bodies)).await;
    all(pulse, "recoveries", || db.delete_old_recoveries(old)).await;
    all(pulse, "audit log", || db.delete_old_audit(now - console.retention.audit_days * DAY_MS)).await;
    all(pulse, "statistics", || async { console.stats.clean_up().await.map(u64::from) }).await;
}

/// Removes batches until there are no more.
async fn all<E, F>(pulse: &Pulse, what: &'static str, batch: impl Fn() -> F)
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
                tracing::error!(what, error = &error as &dyn Error, "cannot clean up; trying again in an hour");
                return;
            }
        }
    }
}

//! Forgets attempts to sign in and requests that count no more, so that a flood of names and addresses does not fill the memory.

use std::time::Duration;

use callsheet::accounts::Accounts;
use tokio_util::sync::CancellationToken;

use super::Pulse;
use crate::http::rate_limit::RateLimits;

const EVERY: Duration = Duration::from_secs(60);

/// Forgets every minute, which is as long as anything counts.
pub async fn forget_attempts(accounts: Accounts, limits: RateLimits, pulse: Pulse, shutdown: CancellationToken) {
    while pulse.idle(shutdown.run_until_cancelled(tokio::time::sleep(EVERY))).await.is_some() {
        accounts.forget_attempts();
        limits.forget();
    }
}

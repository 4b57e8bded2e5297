//! Removes expired counters of rate limits, so that requests with many names and addresses cannot fill the memory.

use std::time::Duration;

use callsheet::accounts::Accounts;
use tokio_util::sync::CancellationToken;

use super::{Pulse, every};
use crate::http::rate_limit::RateLimits;

/// The longest window of a limit.
const INTERVAL: Duration = Duration::from_secs(60);

/// Removes them once a minute.
pub async fn forget_attempts(accounts: Accounts, limits: RateLimits, pulse: Pulse, shutdown: CancellationToken) {
    every(INTERVAL, &pulse, &shutdown, || {
        accounts.forget_attempts();
        limits.forget();
        std::future::ready(())
    })
    .await;
}

//! Forgets attempts to sign in that count no more, so that a flood of names and addresses does not fill the memory.

use std::time::Duration;

use callsheet::accounts::Accounts;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(60);

/// Forgets every minute, which is as long as an attempt counts.
pub async fn forget_attempts(accounts: Accounts, shutdown: CancellationToken) {
    while shutdown.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        accounts.forget_attempts();
    }
}

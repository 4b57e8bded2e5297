//! Background loops. Each runs until its `CancellationToken`; the steps are use cases, which tests call directly.

mod access_logs;
mod cleanup;
mod control;
mod delivery;
mod inventory;
mod key_uses;
mod rate_limit_cleanup;
mod reaper;
mod recovery;
mod supervise;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use access_logs::{AccessLogWatcher, watch_access_logs};
pub use cleanup::{clean_up, clean_up_once};
pub use control::{enforce, hold_streams};
pub use delivery::{DeliveryLoop, deliver};
pub use inventory::{InventoryError, count_buckets, take_inventory};
pub use key_uses::write_key_uses;
pub use rate_limit_cleanup::forget_attempts;
pub use reaper::reap;
pub use recovery::recover;
pub use supervise::{Loops, Pulse};

/// Runs `step` now and then after each `interval`, until `shutdown`.
pub(crate) async fn every<F: Future<Output = ()>>(
    interval: Duration,
    pulse: &Pulse,
    shutdown: &CancellationToken,
    mut step: impl FnMut() -> F,
) {
    loop {
        pulse.beat();
        step().await;
        if pulse.idle(shutdown.run_until_cancelled(tokio::time::sleep(interval))).await.is_none() {
            return;
        }
    }
}

//! Loops beside the requests. Each ends at its `CancellationToken`; what they do is in the core, as steps that tests can call.

mod access_logs;
mod attempts;
mod cleanup;
mod control;
mod delivery;
mod inventory;
mod key_uses;
mod reaper;
mod recovery;
mod supervise;

pub use access_logs::{AccessLogWatcher, watch_access_logs};
pub use attempts::forget_attempts;
pub use cleanup::{clean_up, clean_up_once};
pub use control::{enforce, hold_streams};
pub use delivery::{DeliveryLoop, deliver};
pub use inventory::{InventoryError, count_buckets, take_inventory};
pub use key_uses::write_key_uses;
pub use reaper::reap;
pub use recovery::recover;
pub use supervise::{Loops, Pulse};

//! Loops beside the requests. Each ends at its `CancellationToken`; what they do is in the core, as steps that tests can call.

mod attempts;
mod cleanup;
mod delivery;
mod inventory;
mod reaper;
mod recovery;

pub use attempts::forget_attempts;
pub use cleanup::clean_up;
pub use delivery::{DeliveryLoop, deliver};
pub use inventory::{InventoryError, count_buckets, take_inventory};
pub use reaper::reap;
pub use recovery::recover;

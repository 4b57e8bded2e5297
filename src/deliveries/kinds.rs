//! The vocabulary of deliveries.

use crate::model::vocabulary;

vocabulary!(
    /// Where a delivery stands.
    DeliveryState {
        /// Waits for its first attempt, or for an earlier event of its stream.
        Pending = "pending",
        /// An attempt failed; another will follow.
        Retrying = "retrying",
        /// The receiver answered 2xx.
        Delivered = "delivered",
        /// All tries are used up.
        Failed = "failed",
        /// A person stopped it.
        Cancelled = "cancelled",
        /// The callback was off, or had no address, when the event came.
        Skipped = "skipped",
    }
);

impl DeliveryState {
    /// Whether another attempt will come by itself.
    #[must_use]
    pub const fn waits(self) -> bool {
        matches!(self, Self::Pending | Self::Retrying)
    }
}

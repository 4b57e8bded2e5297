//! Deliveries: the callbacks to send for each event, the attempts to send them, and their log.
//!
//! **Actors.** *Storage* creates a delivery in the transaction of its event: `pending` and queued if the callback is on and has an
//! address, otherwise `skipped`. The [`RunQueue`] keeps queued deliveries in memory, by callback and stream, and decides which may be
//! sent now. The [`DeliverySender`] makes one attempt: it loads the delivery and its callback, signs the body and sends it. Storage
//! records the [`CompletedAttempt`] and updates the delivery. The [`Breaker`] of a callback limits or pauses its requests after
//! failures. The loop that connects them is `jobs::delivery` of the server.
//!
//! **States.** See [`DeliveryState`]. A delivery waits while it has a row in the `queue` table; without one it is finished.

mod body;
mod breaker;
mod error;
mod filter;
mod probe;
mod recovery;
mod retry_after;
mod run_queue;
mod schedule;
mod sender;
mod service;
pub(crate) mod storage;
mod types;
pub use body::{RenderedBody, render};
pub use breaker::{Breaker, BreakerState, BreakerUpdate, Verdict};
pub use callsheet_types::deliveries::{
    AttemptView, DayFigures, DeliveryDetail, DeliveryRow, DeliveryState, PhaseView, ProbeReport, Traffic,
};
pub use error::{DeliveryError, ProbeError, RecoveryError};
pub use filter::DeliveryFilter;
pub use probe::Prober;
pub use recovery::{
    Recoverable, Recoveries, Recovery, RecoveryOutcome, RecoveryProgress, RecoveryState, RecoveryTask, TaskCount,
};
pub use run_queue::{ConcurrencyLimits, QueueRead, RunQueue};
pub use schedule::RetrySchedule;
pub use sender::{DeliverySender, SendError};
pub use service::{Deliveries, Resent};
pub use storage::leases::{Epochs, Leases};
pub use storage::poll::{PollCursor, PollResult};
pub use types::{
    CallbackOff, CompletedAttempt, DeliveryOutcome, Dispatch, Ownership, PreparedDelivery, QueueChange, QueuedDelivery,
    SHARDS, SPREAD, shard_of,
};

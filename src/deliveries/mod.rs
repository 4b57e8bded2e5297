//! Deliveries: each event on its way to one callback address, attempt by attempt.
//!
//! **Dramatis personae.** The *store* makes a delivery in the transaction of its event: `pending` and queued while the
//! callback is on and has an address, else `skipped`. The [`RunQueue`] holds in memory what waits, per callback and
//! stream, and says what may go out now. A *courier* ([`Couriers::attempt`]) makes one attempt: it reads the delivery and
//! its callback afresh, signs, sends, and hands the outcome to the store, which appends the attempt and moves the delivery
//! on. The loop that ties them together lives in the server.
//!
//! **States.** See [`DeliveryState`]. Which deliveries wait is known by the queue table alone; what is not in it is finished.

mod body;
mod breaker;
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
pub use body::{Told, render};
pub use breaker::{Breaker, Change, Gate, Verdict};
pub use callsheet_types::deliveries::{
    AttemptView, DayFigures, DeliveryDetail, DeliveryRow, DeliveryState, PhaseView, ProbeReport, Traffic,
};
pub use filter::DeliveryFilter;
pub use probe::{ProbeError, Prober};
pub use recovery::{
    Lane, LaneCount, Recoverable, Recoveries, Recovery, RecoveryError, RecoveryOutcome, RecoveryState, Round,
};
pub use run_queue::{Departure, Read, RunQueue, Slots};
pub use schedule::RetrySchedule;
pub use sender::{Courier, CourierError, Made, log_courier_error};
pub use service::{Deliveries, DeliveryError, Resent};
pub use storage::leases::{Epochs, Leases};
pub use storage::poll::{News, Seen};
pub use types::{AttemptRecord, CallbackOff, Fate, Ownership, Queued, Ready, SHARDS, SPREAD, Waiting, shard_of};

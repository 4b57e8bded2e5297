//! Deliveries: each event on its way to one callback address, attempt by attempt.
//!
//! **Dramatis personae.** The *store* makes a delivery in the transaction of its event: `pending` and queued while the
//! callback is on and has an address, else `skipped`. The [`RunQueue`] holds in memory what waits, per callback and
//! stream, and says what may go out now. A *courier* ([`Couriers::attempt`]) makes one attempt: it reads the delivery and
//! its callback afresh, signs, sends, and hands the outcome to the store, which appends the attempt and moves the delivery
//! on. The loop that ties them together lives in the server.
//!
//! **States.** See [`DeliveryState`]. Which deliveries wait is known by the queue table alone; what is not in it is finished.

mod kinds;
mod views;

#[cfg(feature = "ssr")]
mod attempt;
#[cfg(feature = "ssr")]
mod body;
#[cfg(feature = "ssr")]
mod breaker;
#[cfg(feature = "ssr")]
mod log;
#[cfg(feature = "ssr")]
mod probe;
#[cfg(feature = "ssr")]
mod recovery;
#[cfg(feature = "ssr")]
mod retry_after;
#[cfg(feature = "ssr")]
mod run_queue;
#[cfg(feature = "ssr")]
mod schedule;
#[cfg(feature = "ssr")]
mod service;
#[cfg(feature = "ssr")]
mod store;

#[cfg(feature = "ssr")]
pub use attempt::{Courier, CourierError, Made, log_courier_error};
#[cfg(feature = "ssr")]
pub use body::{Told, render};
#[cfg(feature = "ssr")]
pub use breaker::{Breaker, Change, Gate, Verdict};
pub use kinds::DeliveryState;
#[cfg(feature = "ssr")]
pub use log::{DeliveryFilter, DeliveryLog};
#[cfg(feature = "ssr")]
pub use probe::{ProbeError, Prober};
#[cfg(feature = "ssr")]
pub use recovery::{
    Lane, LaneCount, Recoverable, Recoveries, Recovery, RecoveryError, RecoveryOutcome, RecoveryState, RecoveryStore,
    Round,
};
#[cfg(feature = "ssr")]
pub use run_queue::{Departure, Read, RunQueue, Slots};
#[cfg(feature = "ssr")]
pub use schedule::RetrySchedule;
#[cfg(feature = "ssr")]
pub use service::{Deliveries, DeliveryError, Resent};
#[cfg(feature = "ssr")]
pub use store::{
    AttemptRecord, CallbackOff, DeliveryStore, Fate, Ownership, Queued, Ready, SHARDS, SPREAD, Waiting, shard_of,
};
pub use views::{AttemptView, DayFigures, DeliveryDetail, DeliveryRow, PhaseView, ProbeReport, Traffic};

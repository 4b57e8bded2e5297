//! *Recover*: queues all matching deliveries that were not delivered again.
//!
//! **Actors.** A user first *counts* the matching deliveries, which changes nothing, then *starts* a [`Recovery`]. It is divided into
//! one [`RecoveryTask`] for each callback, so that a failing address delays only its own task. A loop of the server calls
//! [`Recoveries::advance`], which queues a batch of each task in one transaction with the task's cursor: every delivery is handled
//! exactly once, even if the process is killed. A task waits while its callback has many queued deliveries, so that new events are not
//! delayed by the backlog. Deliveries whose callback is off are *left out*.
//!
//! **States.** See [`RecoveryState`]. A cancelled recovery queues no further deliveries; those that it has queued are sent.

mod service;
mod types;
pub use service::Recoveries;
pub use types::{Recoverable, Recovery, RecoveryOutcome, RecoveryProgress, RecoveryState, RecoveryTask, TaskCount};

//! Callbacks: the two settings of a domain (`publish`, `record`) that say where its events go.
//!
//! A callback is on or off. Turning it off keeps the address and cancels what is still waiting; a `410 Gone` of the
//! receiver turns it off with a reason. Changes count from the next attempt, waiting retries included.
//!
//! One that only fails is *paused after failures* ([`Pause`]): its deliveries wait until a probe succeeds or a person resumes
//! or changes it.
mod change;
mod error;
mod headers;
mod service;
pub(crate) mod storage;
mod types;
mod version;
pub use callsheet_types::callbacks::{
    CallbackHealth, CallbackView, CallbacksAtAGlance, Dialect, HealthState, OffReason, Pause, TroubledCallback,
};
pub use change::{CallbackChange, CallbackOptions};
pub use error::CallbackError;
pub use headers::HeaderError;
pub use service::{Callbacks, NewSecret, OVERLAP_HOURS};
pub use types::Callback;
pub use version::{address_version, options_version};

//! Callbacks: the two settings of a domain (`publish`, `record`) that say where its events go.
//!
//! A callback is on or off. Turning it off keeps the address and cancels its queued deliveries; a `410 Gone` from the receiver turns it
//! off with a reason. Changes apply from the next attempt, retries included.
//!
//! A callback that keeps failing is *paused* ([`Pause`]): its deliveries wait until a probe succeeds or a user resumes or changes it.
mod error;
mod headers;
mod service;
pub(crate) mod storage;
mod types;
mod version;
pub use callsheet_types::callbacks::{
    CallbackHealth, CallbackSettings, CallbackView, CallbacksAtAGlance, Dialect, HealthState, OffReason, Pause,
    TroubledCallback,
};
pub use error::CallbackError;
pub use headers::HeaderError;
pub use service::{Callbacks, NewSecret, OVERLAP_HOURS};
pub use types::Callback;
pub use version::{address_version, options_version};

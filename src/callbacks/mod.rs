//! Callbacks: the two settings of a domain (`publish`, `record`) that say where its events go.
//!
//! A callback is on or off. Turning it off keeps the address and cancels what is still waiting; a `410 Gone` of the
//! receiver turns it off with a reason. Changes count from the next attempt, waiting retries included.
//!
//! One that only fails is *paused after failures* ([`Pause`]): its deliveries wait until a probe succeeds or a person resumes
//! or changes it.

#[cfg(feature = "ssr")]
mod change;
#[cfg(feature = "ssr")]
mod error;
#[cfg(feature = "ssr")]
mod headers;
mod kinds;
mod pause;
#[cfg(feature = "ssr")]
mod service;
#[cfg(feature = "ssr")]
mod store;
mod views;

#[cfg(feature = "ssr")]
pub use change::{CallbackChange, CallbackOptions};
#[cfg(feature = "ssr")]
pub use error::CallbackError;
#[cfg(feature = "ssr")]
pub use headers::HeaderError;
pub use kinds::{Dialect, HealthState};
pub use pause::{OffReason, Pause};
#[cfg(feature = "ssr")]
pub use service::{Callbacks, NewSecret, OVERLAP_HOURS};
#[cfg(feature = "ssr")]
pub use store::{Callback, CallbackStore};
pub use views::{CallbackHealth, CallbackView, CallbacksAtAGlance, TroubledCallback};

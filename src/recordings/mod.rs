//! Recordings: whether and how a domain is recorded, and where the parts lie.
//!
//! A [`RecordTemplate`] is a name for settings. A domain takes its settings over; what is changed there by hand is no longer the
//! template's.

#[cfg(feature = "ssr")]
mod error;
#[cfg(feature = "ssr")]
mod location;
#[cfg(feature = "ssr")]
mod service;
#[cfg(feature = "ssr")]
mod templates;
mod views;

#[cfg(feature = "ssr")]
pub use error::RecordingError;
#[cfg(feature = "ssr")]
pub use location::{PartLocation, local_time};
#[cfg(feature = "ssr")]
pub use service::{RecordingChange, RecordingStore, Recordings, is_bucket_name};
#[cfg(feature = "ssr")]
pub use templates::RecordTemplate;
pub use views::RecordingSettings;

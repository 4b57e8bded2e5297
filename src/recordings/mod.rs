//! Recordings: whether and how a domain is recorded, and where the parts lie.

#[cfg(feature = "ssr")]
mod location;
#[cfg(feature = "ssr")]
mod service;
mod views;

#[cfg(feature = "ssr")]
pub use location::{PartLocation, local_time};
#[cfg(feature = "ssr")]
pub use service::{RecordingChange, RecordingError, RecordingStore, Recordings, is_bucket_name};
pub use views::RecordingSettings;

//! Recordings: whether and how a domain is recorded, and where the parts lie.
//!
//! A [`RecordTemplate`] is a name for settings. A domain takes its settings over; what is changed there by hand is no longer the
//! template's.
mod error;
mod location;
mod service;
pub(crate) mod storage;
mod templates;
use crate::model::Version;

pub use callsheet_types::recordings::RecordingSettings;
pub use error::RecordingError;
pub use location::{PartLocation, local_time};
pub use service::{RecordingChange, Recordings, is_bucket_name};
pub use templates::RecordTemplate;

impl From<&RecordingSettings> for Version {
    fn from(settings: &RecordingSettings) -> Self {
        Self::of(settings)
    }
}

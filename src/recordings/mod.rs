//! Recordings: the parts that a session leaves behind, and where they lie.

mod settings;
pub use settings::RecordingSettings;
#[cfg(feature = "ssr")]
pub use settings::{Bucket, BadRecording};

#[cfg(feature = "ssr")]
mod location;
#[cfg(feature = "ssr")]
pub use location::{PartLocation, local_time};

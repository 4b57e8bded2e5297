//! A domain's recording as pages and the API show it.

use serde::{Deserialize, Serialize};

/// Recording settings of a domain. The file format is FLV.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordingSettings {
    pub enabled: bool,
    /// Seconds, from 2 to 21,600 (6 h).
    pub part_seconds: i64,
    /// A configured S3 bucket, or a folder of the bucket directory, which is created on first use.
    pub bucket: String,
}

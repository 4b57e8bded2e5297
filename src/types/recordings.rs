//! A domain's recording as pages and the API show it.

use serde::{Deserialize, Serialize};

/// How a domain is recorded. File format: FLV.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordingSettings {
    pub enabled: bool,
    /// Seconds, from 2 to 21,600 (6 h).
    pub part_seconds: i64,
    /// An S3 bucket of the configuration, or a folder of the console's bucket directory, made on first use.
    pub bucket: String,
}

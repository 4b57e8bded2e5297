//! A callback that is *paused after failures*.

use serde::{Deserialize, Serialize};

use crate::model::Millis;

/// Its deliveries wait; from time to time one of them goes out as a probe, and the first that succeeds ends the pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// Unix ms.
    pub since: Millis,
    /// No attempt before then (Unix ms).
    pub probe_at: Millis,
    /// Probes that failed so far.
    pub probes: i64,
    /// The error class of the latest failure.
    pub reason: String,
}

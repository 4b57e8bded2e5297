//! A callback that is *paused after failures*, or that the console turned off.

use serde::{Deserialize, Serialize};

use crate::model::{Millis, vocabulary};

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

vocabulary!(
    /// Why the console turned a callback off by itself. The word is a sentence, for the API tells it as it is.
    OffReason {
        /// The receiver wants no more of it.
        Gone = "the receiver answered 410 Gone",
        PausedForLong = "paused after failures for 5 days",
    }
);

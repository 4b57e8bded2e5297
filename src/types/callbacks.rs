//! Callbacks as pages and the API show them.

use serde::{Deserialize, Serialize};

use crate::{CallbackKind, Millis, string_enum};

string_enum!(
    /// The shape of a callback's body.
    Dialect {
        /// The seed's: strings only, all six events.
        V1_0 = "v1.0",
        /// The same cloud's later form: pushes, and each finished file.
        V1_1 = "v1.1",
    }
);

string_enum!(
    /// How deliveries to a callback fare now.
    HealthState {
        /// No attempt was made yet.
        Unused = "unused",
        /// The latest attempt succeeded, and no earlier failure is left.
        Healthy = "healthy",
        /// The latest attempt succeeded; deliveries that failed before wait for their next try.
        Retrying = "retrying",
        /// The latest attempt succeeded; deliveries that used up their tries were not sent again.
        Unrecovered = "unrecovered",
        /// The latest attempt failed, or the callback is paused after failures.
        Failing = "failing",
    }
);

impl HealthState {
    /// `last_failed`: of the latest attempt, if one was made.
    #[must_use]
    pub const fn of(last_failed: Option<bool>, paused: bool, unrecovered: bool, retrying: bool) -> Self {
        match last_failed {
            _ if paused => Self::Failing,
            Some(true) => Self::Failing,
            _ if unrecovered => Self::Unrecovered,
            _ if retrying => Self::Retrying,
            Some(false) => Self::Healthy,
            None => Self::Unused,
        }
    }
}

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

string_enum!(
    /// Why the console turned a callback off by itself. The word is a sentence, for the API tells it as it is.
    OffReason {
        /// The receiver wants no more of it.
        Gone = "the receiver answered 410 Gone",
        PausedForLong = "paused after failures for 5 days",
    }
);

/// A callback's settings and how it fares. Its secret is never here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallbackView {
    pub kind: CallbackKind,
    pub enabled: bool,
    pub address: Option<String>,
    pub dialect: Dialect,
    pub ordered: bool,
    pub timeout_seconds: i64,
    pub headers: Vec<(String, String)>,
    /// Why the console turned it off by itself.
    pub off_reason: Option<OffReason>,
    /// While set, deliveries wait for a probe to succeed.
    pub pause: Option<Pause>,
    /// While set, the former secret signs too (Unix ms).
    pub previous_secret_until: Option<Millis>,
    pub health: CallbackHealth,
}

/// How deliveries to a callback go: by the attempts in the order in which they were made, whatever the age of their events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallbackHealth {
    pub state: HealthState,
    pub last_delivered_at: Option<Millis>,
    /// Error class of the latest attempt, if that failed.
    pub last_error: Option<String>,
    pub last_error_at: Option<Millis>,
    /// Of the deliveries made in the last 24 h.
    pub delivered: i64,
    /// Tries used up, in the last 24 h.
    pub failed: i64,
    /// Waiting now, retries included.
    pub waiting: i64,
    /// Failed at any time, and not queued again since.
    pub unrecovered: i64,
}

/// The callbacks that are on, as the overview shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallbacksAtAGlance {
    /// Some callback is on.
    pub any_on: bool,
    /// Those that need a look.
    pub troubled: Vec<TroubledCallback>,
}

/// A callback that needs a look: it is paused, its latest attempt failed, or earlier failures are left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TroubledCallback {
    /// ASCII push domain.
    pub domain: String,
    pub kind: CallbackKind,
    pub state: HealthState,
    /// Error class of the pause or of the latest attempt.
    pub error: Option<String>,
    /// Failed at any time, and not queued again since.
    pub unrecovered: i64,
    /// Waiting for another try.
    pub retrying: i64,
    pub pause: Option<Pause>,
}

#[cfg(test)]
mod tests {
    use super::HealthState;
    use super::HealthState::{Failing, Healthy, Retrying, Unrecovered, Unused};

    #[test]
    fn the_latest_attempt_counts_first_and_then_what_is_left() {
        for (last_failed, paused, unrecovered, retrying, state) in [
            (None, false, false, false, Unused),
            (Some(false), false, false, false, Healthy),
            (Some(false), false, false, true, Retrying),
            (Some(false), false, true, false, Unrecovered),
            (Some(false), false, true, true, Unrecovered),
            (Some(true), false, false, false, Failing),
            (Some(true), false, true, true, Failing),
            (Some(false), true, false, false, Failing),
            (None, true, false, false, Failing),
        ] {
            let found = HealthState::of(last_failed, paused, unrecovered, retrying);
            assert_eq!(found, state, "{last_failed:?} {paused} {unrecovered} {retrying}");
        }
    }
}

//! A domain's callbacks, as pages and the API show them.

use serde::{Deserialize, Serialize};

use crate::{CallbackKind, Millis, string_enum};

string_enum!(
    /// Format of a callback's body.
    Dialect {
        /// All six events, every value a string.
        V1_0 = "v1.0",
        /// Publish events, and one event for each finished file.
        V1_1 = "v1.1",
    }
);

string_enum!(
    /// Health of a callback, worst last.
    HealthState {
        /// No attempt yet.
        Unused = "unused",
        /// The latest attempt succeeded; no failed delivery is left.
        Healthy = "healthy",
        /// The latest attempt succeeded; some deliveries wait for a retry.
        Retrying = "retrying",
        /// The latest attempt succeeded; some failed deliveries were not sent again.
        Unrecovered = "unrecovered",
        /// The latest attempt failed, or the callback is paused after failures.
        Failing = "failing",
    }
);

impl HealthState {
    /// Derives the state. `last_failed`: the latest attempt failed; `None` without an attempt.
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

/// A pause after failures: deliveries wait, except for occasional probes. The first successful probe ends the pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// Unix ms.
    pub since: Millis,
    /// Time of the next probe (Unix ms).
    pub probe_at: Millis,
    /// Number of failed probes.
    pub probes: i64,
    /// The error class of the latest failure.
    pub reason: String,
}

string_enum!(
    /// Why the console turned a callback off. Sentences, because the API returns them as they are.
    OffReason {
        Gone = "the receiver answered 410 Gone",
        PausedForLong = "paused after failures for 5 days",
    }
);

/// The settings of a callback that users change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallbackSettings {
    pub enabled: bool,
    pub address: Option<String>,
    pub dialect: Dialect,
    /// Deliveries of a stream go one after another.
    pub ordered: bool,
    /// Time limit for the whole response, 1 to 30.
    pub timeout_seconds: i64,
    /// Custom headers of each request, in the order in which the user entered them.
    pub headers: Vec<(String, String)>,
}

impl Default for CallbackSettings {
    /// Returns the settings of a new domain's callbacks.
    fn default() -> Self {
        Self {
            enabled: false,
            address: None,
            dialect: Dialect::V1_0,
            ordered: true,
            timeout_seconds: 15,
            headers: Vec::new(),
        }
    }
}

/// A callback's settings and health, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallbackView {
    pub kind: CallbackKind,
    #[serde(flatten)]
    pub settings: CallbackSettings,
    /// Why the console turned it off.
    pub off_reason: Option<OffReason>,
    pub pause: Option<Pause>,
    /// The previous secret signs too until then (Unix ms).
    pub previous_secret_until: Option<Millis>,
    pub health: CallbackHealth,
}

/// Health of a callback. "Latest" is the attempt that ended last, regardless of the age of its event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallbackHealth {
    pub state: HealthState,
    pub last_delivered_at: Option<Millis>,
    /// Error class of the latest attempt, if that failed.
    pub last_error: Option<String>,
    pub last_error_at: Option<Millis>,
    /// Delivered, among the deliveries created in the last 24 h.
    pub delivered: i64,
    /// Failed after all retries, among the deliveries created in the last 24 h.
    pub failed: i64,
    /// Number of queued deliveries, retries included.
    pub waiting: i64,
    /// Number of failed deliveries that were not queued again.
    pub unrecovered: i64,
}

/// Callback health on the overview page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallbacksAtAGlance {
    /// At least one callback is on.
    pub any_on: bool,
    pub troubled: Vec<TroubledCallback>,
}

/// A callback with problems: it is paused, its latest attempt failed, or failed deliveries are left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TroubledCallback {
    /// ASCII push domain.
    pub domain: String,
    pub kind: CallbackKind,
    pub state: HealthState,
    /// Error class of the pause or of the latest attempt.
    pub error: Option<String>,
    /// Number of failed deliveries that were not queued again.
    pub unrecovered: i64,
    /// Number of deliveries that wait for a retry.
    pub retrying: i64,
    pub pause: Option<Pause>,
}

#[cfg(test)]
mod tests {
    use super::HealthState;
    use super::HealthState::{Failing, Healthy, Retrying, Unrecovered, Unused};

    #[test]
    fn the_latest_attempt_counts_first_then_failed_deliveries() {
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

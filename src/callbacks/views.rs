//! What pages and the API show of a callback.

use serde::{Deserialize, Serialize};

use super::{Dialect, HealthState, OffReason, Pause};
#[cfg(feature = "ssr")]
use crate::model::Version;
use crate::model::{CallbackKind, Millis};

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

#[cfg(feature = "ssr")]
impl CallbackView {
    /// Of the settings alone, however the callback fares.
    #[must_use]
    pub fn version(&self) -> Version {
        let Self { enabled, address, dialect, ordered, timeout_seconds, headers, .. } = self;
        Version::of(&(enabled, address, dialect, ordered, timeout_seconds, headers))
    }

    /// Of the address only, however else the callback is set.
    #[must_use]
    pub fn address_version(&self) -> Version {
        Version::of(&self.address)
    }

    /// Of the settings beside the switch and the address.
    #[must_use]
    pub fn options_version(&self) -> Version {
        let Self { dialect, ordered, timeout_seconds, headers, .. } = self;
        Version::of(&(dialect, ordered, timeout_seconds, headers))
    }
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

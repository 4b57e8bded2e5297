//! Deliveries as pages and the API show them.

use serde::{Deserialize, Serialize};

use crate::{CallbackKind, DeliveryId, EventName, Millis, SessionId, string_enum};

string_enum!(
    /// The state of a delivery.
    DeliveryState {
        /// Waits for its first attempt or for an earlier event of its stream.
        Pending = "pending",
        /// An attempt failed. Another follows.
        Retrying = "retrying",
        /// The receiver returned a 2xx status.
        Delivered = "delivered",
        /// All attempts failed.
        Failed = "failed",
        /// Cancelled by a user.
        Cancelled = "cancelled",
        /// The callback was off or had no address at the time of the event.
        Skipped = "skipped",
    }
);

impl DeliveryState {
    /// Returns whether it can be resent.
    #[must_use]
    pub const fn is_recoverable(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled | Self::Skipped)
    }

    /// Returns whether another attempt is scheduled.
    #[must_use]
    pub const fn waits(self) -> bool {
        matches!(self, Self::Pending | Self::Retrying)
    }
}

/// A delivery in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryRow {
    pub id: DeliveryId,
    pub domain: String,
    pub kind: CallbackKind,
    pub event: EventName,
    pub app: String,
    pub stream: String,
    pub session: SessionId,
    pub sequence: i64,
    /// Time of the event.
    pub happened_at: Millis,
    pub state: DeliveryState,
    /// Total number of attempts, including resends.
    pub attempts: i64,
    pub last_attempt_at: Option<Millis>,
    pub last_status: Option<i64>,
    /// Error class of the last attempt.
    pub last_error: Option<String>,
    pub next_attempt_at: Option<Millis>,
    /// It was sent before an earlier event of its stream.
    pub out_of_order: bool,
}

/// A phase of an attempt or a test. JSON has its duration as `millis`, with up to three decimals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhaseView {
    pub phase: String,
    pub ok: bool,
    #[serde(rename = "millis", with = "millis")]
    pub micros: i64,
    pub detail: String,
}

impl PhaseView {
    /// Returns the phase as a tuple, which is shorter in the database because it omits the field names. Deserialises as a phase.
    pub fn columns(&self) -> impl Serialize + use<'_> {
        (&self.phase, self.ok, self.micros as f64 / 1000.0, &self.detail)
    }
}

/// Serialises microseconds as milliseconds.
mod millis {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(micros: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(*micros as f64 / 1000.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        Ok((f64::deserialize(deserializer)? * 1000.0).round() as i64)
    }
}

/// An HTTP request of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptView {
    /// From 1.
    pub number: i64,
    pub started_at: Millis,
    pub millis: i64,
    pub address: String,
    pub succeeded: bool,
    pub status: Option<i64>,
    pub error_class: Option<String>,
    pub error: Option<String>,
    pub phases: Vec<PhaseView>,
    /// `None`: deleted after its retention time.
    pub traffic: Option<Traffic>,
}

/// Headers of the request, and headers and body of the response. The response parts are empty if there was none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Traffic {
    pub request_headers: Vec<(String, String)>,
    pub response_headers: Vec<(String, String)>,
    /// At most 16 KiB, as text.
    pub response_body: String,
}

/// A delivery with all its attempts, latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryDetail {
    pub delivery: DeliveryRow,
    /// Current address of the callback; `None` if it was removed.
    pub address: Option<String>,
    /// Request body, identical in all attempts.
    pub body: String,
    /// Maximum number of attempts.
    pub max_tries: i64,
    pub tries: i64,
    pub attempts: Vec<AttemptView>,
}

/// The result of a callback test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeReport {
    pub ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_phase: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_class: Option<String>,
    /// Description of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<i64>,
    /// First 2 KiB of the response body, as text.
    pub body: String,
    pub phases: Vec<PhaseView>,
}

/// Figures of the overview: events and deliveries of the last 24 h.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DayFigures {
    pub events: i64,
    pub delivered: i64,
    pub failed: i64,
    /// Waiting now, regardless of age.
    pub waiting: i64,
    pub skipped: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_phase_is_kept_to_the_microsecond() {
        let phase = |micros| PhaseView { phase: "dns".to_owned(), ok: true, micros, detail: String::new() };
        for (micros, json) in [(0, "0.0"), (7, "0.007"), (2_143, "2.143"), (15_000_123, "15000.123")] {
            let text = serde_json::to_string(&phase(micros)).expect("JSON");
            assert_eq!(text, format!(r#"{{"phase":"dns","ok":true,"millis":{json},"detail":""}}"#));
            assert_eq!(serde_json::from_str::<PhaseView>(&text).expect("read back"), phase(micros));
        }
        let whole = r#"{"phase":"dns","ok":true,"millis":2,"detail":""}"#;
        assert_eq!(serde_json::from_str::<PhaseView>(whole).expect("as kept by older versions"), phase(2_000));
    }
}

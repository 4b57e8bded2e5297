//! Deliveries as pages and the API show them.

use serde::{Deserialize, Serialize};

use crate::{CallbackKind, DeliveryId, EventName, Millis, SessionId, string_enum};

string_enum!(
    /// Where a delivery stands.
    DeliveryState {
        /// Waits for its first attempt, or for an earlier event of its stream.
        Pending = "pending",
        /// An attempt failed; another will follow.
        Retrying = "retrying",
        /// The receiver answered 2xx.
        Delivered = "delivered",
        /// All tries are used up.
        Failed = "failed",
        /// A person stopped it.
        Cancelled = "cancelled",
        /// The callback was off, or had no address, when the event came.
        Skipped = "skipped",
    }
);

impl DeliveryState {
    /// Whether it can be queued again.
    #[must_use]
    pub const fn is_recoverable(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled | Self::Skipped)
    }

    /// Whether another attempt will come by itself.
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
    /// When the event happened.
    pub happened_at: Millis,
    pub state: DeliveryState,
    /// Attempts ever made, resends included.
    pub attempts: i64,
    pub last_attempt_at: Option<Millis>,
    pub last_status: Option<i64>,
    /// Error class of the last attempt.
    pub last_error: Option<String>,
    pub next_attempt_at: Option<Millis>,
    /// It did not wait for an earlier event of its stream any longer.
    pub out_of_order: bool,
}

/// One phase of an attempt or a test. In JSON its time is `millis`, a number with up to three decimals.
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
    /// The same without the names of its fields, which are most of the text where many are stored; reads back as a phase.
    pub fn columns(&self) -> impl Serialize + use<'_> {
        (&self.phase, self.ok, self.micros as f64 / 1000.0, &self.detail)
    }
}

/// Microseconds, written as milliseconds.
mod millis {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(micros: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(*micros as f64 / 1000.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        Ok((f64::deserialize(deserializer)? * 1000.0).round() as i64)
    }
}

/// One HTTP request made for a delivery.
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
    /// `None`: removed, because its time is over.
    pub traffic: Option<Traffic>,
}

/// What was sent and what came back, beside the delivery's body. Without an answer the latter is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Traffic {
    pub request_headers: Vec<(String, String)>,
    pub response_headers: Vec<(String, String)>,
    /// At most 16 KiB, as text.
    pub response_body: String,
}

/// One delivery with all its attempts, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryDetail {
    pub delivery: DeliveryRow,
    /// The callback's address now; `None` if it was removed.
    pub address: Option<String>,
    /// The body, the same in every attempt.
    pub body: String,
    /// How many tries there are at most.
    pub max_tries: i64,
    pub tries: i64,
    pub attempts: Vec<AttemptView>,
}

/// What a test of an address found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeReport {
    pub ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_phase: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_class: Option<String>,
    /// What went wrong and what to do, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<i64>,
    /// The first 2 KiB of the answer, as text.
    pub body: String,
    pub phases: Vec<PhaseView>,
}

/// The figures of the overview: events and deliveries of the last 24 h, and what waits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DayFigures {
    pub events: i64,
    pub delivered: i64,
    pub failed: i64,
    /// Waiting now, whatever their age.
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

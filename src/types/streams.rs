//! Streams and sessions as pages and the API show them.

use serde::{Deserialize, Serialize};

use crate::{DeliveryId, EventId, EventName, Millis, SessionId, Status};

/// A live or past session in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    pub id: SessionId,
    pub domain: String,
    pub app: String,
    pub stream: String,
    pub source: String,
    /// `opening`, `live`, `closing` or `closed`.
    pub phase: String,
    pub client: Option<String>,
    pub started_at: Millis,
    pub ended_at: Option<Millis>,
    /// Reason of an abnormal end.
    pub failure: Option<String>,
    pub recording: bool,
    pub parts: i64,
    pub video_codec: Option<String>,
    pub audio_codec: Option<String>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// Bits per second.
    pub bitrate: Option<u64>,
}

/// A forbidden stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForbiddenStream {
    /// ASCII push domain.
    pub domain: String,
    pub app: String,
    pub stream: String,
    /// `None`: permanently.
    pub until: Option<Millis>,
}

/// A recorded part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartView {
    pub number: i64,
    pub location: Option<String>,
    pub started_at: Millis,
    pub stopped_at: Millis,
    pub duration_ms: i64,
    pub bytes: Option<i64>,
    pub failure: Option<String>,
}

/// An event of a session with its delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionEvent {
    pub name: EventName,
    pub status: Status,
    pub sequence: i64,
    pub happened_at: Millis,
    pub error: Option<String>,
    pub delivery: Option<DeliveryId>,
    pub delivery_state: Option<String>,
}

/// An event in a list across sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventView {
    pub id: EventId,
    pub domain: String,
    pub app: String,
    pub stream: String,
    pub session: SessionId,
    pub name: EventName,
    pub status: Status,
    /// From 1, within the session.
    pub sequence: i64,
    pub happened_at: Millis,
    /// Error of a failed event.
    pub error: Option<String>,
}

/// A session with its parts, events and deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionDetail {
    pub session: SessionView,
    pub params: Vec<(String, String)>,
    pub parts: Vec<PartView>,
    pub events: Vec<SessionEvent>,
}

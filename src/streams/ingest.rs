//! The interface of sources. Adapters and the built-in ingest convert their reports to these types.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::error::StreamError;
use crate::model::{AppName, DomainId, DomainName, Millis, SourceId, StreamName};

/// Identifies a publish of a source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SessionKey {
    pub source: SourceId,
    /// Run of the source within which `key` is unique. Empty if unknown; a new publish under an old key then starts a new session.
    pub boot: String,
    /// Session id of the source, such as `clientid` of nginx-rtmp.
    pub key: String,
}

/// A request to publish.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushRequest {
    pub source: SourceId,
    /// Candidates for the push domain, best first. Invalid names are ignored.
    pub hosts: Vec<String>,
    pub app: String,
    pub stream: String,
    /// Address of the publisher without port, if known.
    pub client: Option<String>,
    /// Query parameters of the push URL.
    pub params: Vec<(String, String)>,
}

/// An admitted publish.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Admitted {
    pub domain_id: DomainId,
    pub domain: DomainName,
    pub app: AppName,
    pub stream: StreamName,
    pub client: Option<String>,
    pub params: Vec<(String, String)>,
    /// Recording settings if recording is on.
    pub recording: Option<RecordingPlan>,
}

/// Recording settings of a session for the built-in ingest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingPlan {
    pub part_seconds: u32,
    pub bucket: String,
}

/// A refused publish. `reason` is shown to the publisher and in the list of refused pushes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    /// Stable: `unknown_domain`, `domain_disabled`, `bad_app`, `bad_stream`, `bad_params`, `already_live`, `forbidden`, `unavailable`.
    pub code: &'static str,
    pub reason: String,
}

impl Refused {
    /// Creates the refusal of a stream that another publisher has.
    #[must_use]
    pub fn already_live() -> Self {
        Self { code: "already_live", reason: "this stream is already being published".to_owned() }
    }

    /// Creates the refusal of a publish that could not be checked now.
    #[must_use]
    pub fn unavailable() -> Self {
        let reason = "the console cannot take publishes now; try again".to_owned();
        Self { code: "unavailable", reason }
    }

    /// Returns whether the same request may succeed later.
    #[must_use]
    pub fn is_for_now(&self) -> bool {
        self.code == "unavailable"
    }
}

/// Properties of the media, if known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    pub video_codec: Option<String>,
    pub audio_codec: Option<String>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// Total bits per second.
    pub bitrate: Option<u64>,
}

/// A report of a source about a session. Times are Unix ms.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceEvent {
    /// The publish was accepted (with its first media, if known).
    Started { at: Millis, push: Admitted },
    /// A heartbeat.
    Alive { at: Millis, media: Option<Media> },
    /// The publish ended, with a reason if it failed.
    Ended { at: Millis, failure: Option<String> },
    /// The recording started, from a source that reports no details.
    RecordingStarted { at: Millis },
    /// The file of a part was opened. `location` is incomplete until the part ends.
    PartOpened { at: Millis, location: Option<String> },
    /// The recording could not start because no file could be opened.
    RecordingFailed { at: Millis, reason: String },
    /// A part is complete, or failed.
    PartClosed(ClosedPart),
    /// Parts of an ended publish are still pending.
    PartsPending { at: Millis },
    /// The recording ended, from a source that reports this.
    RecordingEnded { at: Millis },
}

impl SourceEvent {
    /// Returns the time of the event; for a part, its start if known.
    #[must_use]
    pub fn at(&self) -> Millis {
        match self {
            Self::Started { at, .. }
            | Self::Alive { at, .. }
            | Self::Ended { at, .. }
            | Self::RecordingStarted { at }
            | Self::PartOpened { at, .. }
            | Self::RecordingFailed { at, .. }
            | Self::PartsPending { at }
            | Self::RecordingEnded { at } => *at,
            Self::PartClosed(part) => part.started_at.unwrap_or(part.stopped_at),
        }
    }
}

/// A recorded part as reported by its source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClosedPart {
    /// Recorder of the source. Only the first recorder of a session counts.
    pub recorder: String,
    /// `bucket/record/…` for the built-in ingest; otherwise the path or URL from the source.
    pub location: Option<String>,
    /// Unix ms; `None`: the end of the previous part, or the start of the publish.
    pub started_at: Option<Millis>,
    /// Unix ms.
    pub stopped_at: Millis,
    /// `None`: the time between start and stop.
    pub duration_ms: Option<Millis>,
    pub bytes: Option<i64>,
    /// Reason of a failure.
    pub failure: Option<String>,
}

/// Receives the reports of sources. Each method returns after one commit and never waits for a customer.
#[async_trait]
pub trait IngestSink: Send + Sync + 'static {
    /// Admits or refuses a publish. Refusals are stored for the list of refused pushes.
    async fn admit(&self, push: PushRequest) -> Result<Admitted, Refused>;
    /// Reserves the name of the stream for an admitted publish of the built-in ingest. Fails while another process has it.
    async fn hold(&self, key: &SessionKey, push: &Admitted) -> Result<(), Refused>;
    /// Releases the name.
    async fn release(&self, key: &SessionKey) -> Result<(), StreamError>;
    /// Ends runs of the built-in ingest: releases their names and ends their open publishes. Returns the sessions that are not closed yet.
    async fn end_runs(&self, source: SourceId, boots: &[String]) -> Result<Vec<SessionKey>, StreamError>;
    /// Applies one event. Returns after its effects are committed.
    async fn report(&self, key: &SessionKey, hint: SourceEvent) -> Result<(), StreamError>;
}

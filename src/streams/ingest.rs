//! What a source says, in the console's own words. Adapters and the built-in ingest translate into these types.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::error::StreamError;
use crate::model::{AppName, DomainId, DomainName, Millis, SourceId, StreamName};

/// Names one publish at one source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SessionKey {
    pub source: SourceId,
    /// The run of the source in which `key` is unique, where the source can tell one; else empty, and a new publish
    /// under an old key starts a new session.
    pub boot: String,
    /// The source's own name of the session, such as nginx-rtmp's `clientid`.
    pub key: String,
}

/// Somebody wants to publish.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushRequest {
    pub source: SourceId,
    /// Host names that may be the push domain, best first; what is no domain name is passed over.
    pub hosts: Vec<String>,
    pub app: String,
    pub stream: String,
    /// The publisher's address, without port, where the source tells.
    pub client: Option<String>,
    /// The push address's query.
    pub params: Vec<(String, String)>,
}

/// The publish may begin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Admitted {
    pub domain_id: DomainId,
    pub domain: DomainName,
    pub app: AppName,
    pub stream: StreamName,
    pub client: Option<String>,
    pub params: Vec<(String, String)>,
    /// How to record, if recording is on.
    pub recording: Option<RecordingPlan>,
}

/// How the built-in ingest records one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingPlan {
    pub part_seconds: u32,
    pub bucket: String,
}

/// The publish must not begin. `reason` is for the publisher and the *refused* list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    /// Stable: `unknown_domain`, `domain_disabled`, `bad_app`, `bad_stream`, `bad_params`, `already_live`, `forbidden`, `unavailable`.
    pub code: &'static str,
    pub reason: String,
}

impl Refused {
    /// Another publisher has the stream.
    #[must_use]
    pub fn already_live() -> Self {
        Self { code: "already_live", reason: "this stream is already being published".to_owned() }
    }

    /// The console could not decide. Asked again later, it may admit the publish.
    #[must_use]
    pub fn unavailable() -> Self {
        let reason = "the console cannot take publishes now; try again".to_owned();
        Self { code: "unavailable", reason }
    }

    /// Whether to ask again later.
    #[must_use]
    pub fn is_for_now(&self) -> bool {
        self.code == "unavailable"
    }
}

/// Facts on the media, where the source tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    pub video_codec: Option<String>,
    pub audio_codec: Option<String>,
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// Bits per second, both together.
    pub bitrate: Option<u64>,
}

/// One report of a source about one session. Times are Unix ms.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceEvent {
    /// The publish runs (accepted; with first media where the source can tell).
    Started { at: Millis, push: Admitted },
    /// A heartbeat.
    Alive { at: Millis, media: Option<Media> },
    /// The publish is over; with a reason when it did not end as it should.
    Ended { at: Millis, failure: Option<String> },
    /// The recording began, by a source that tells no more than that.
    RecordingStarted { at: Millis },
    /// A part's file was opened. `location` as far as it is known (without its end).
    PartOpened { at: Millis, location: Option<String> },
    /// The recording could not begin: no file could be opened.
    RecordingFailed { at: Millis, reason: String },
    /// A part is complete, or failed.
    PartClosed(ClosedPart),
    /// Parts of a publish that is over are still on their way.
    PartsPending { at: Millis },
    /// The recording is over, by a source that says so.
    RecordingEnded { at: Millis },
}

impl SourceEvent {
    /// The time of what it reports; of a part, its beginning where that is known.
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

/// A recorded part as its source reports it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClosedPart {
    /// Which of a source's recorders wrote it; the first that reports in a session counts, others make no events.
    pub recorder: String,
    /// `bucket/record/…` for our own recordings, the source's path or address otherwise.
    pub location: Option<String>,
    /// Unix ms; `None`: the end of the part before, or the start of the publish.
    pub started_at: Option<Millis>,
    /// Unix ms.
    pub stopped_at: Millis,
    /// `None`: the time between start and stop.
    pub duration_ms: Option<Millis>,
    pub bytes: Option<i64>,
    /// Why it failed.
    pub failure: Option<String>,
}

/// What a source talks to. The answer comes after one commit and never waits for a customer.
#[async_trait]
pub trait IngestSink: Send + Sync + 'static {
    /// May this publish begin? A refusal is kept for the *refused* list.
    async fn admit(&self, push: PushRequest) -> Result<Admitted, Refused>;
    /// Takes the stream's name for an admitted publish of the built-in ingest. Refused while another process has it.
    async fn hold(&self, key: &SessionKey, push: &Admitted) -> Result<(), Refused>;
    /// Gives the name back.
    async fn release(&self, key: &SessionKey) -> Result<(), StreamError>;
    /// Runs of the built-in ingest are over: gives back the names that they hold, and ends the publishes that are still open. Returns the
    /// sessions that are not closed yet.
    async fn end_runs(&self, source: SourceId, boots: &[String]) -> Result<Vec<SessionKey>, StreamError>;
    /// Takes one report; returns after it and all events that follow from it are committed.
    async fn report(&self, key: &SessionKey, hint: SourceEvent) -> Result<(), StreamError>;
}

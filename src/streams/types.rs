//! Stored sessions, and the updates of a source event.

use super::session::{Event, Part, Session};
use super::{PushRequest, SessionKey, SourceEvent};
use crate::model::{DomainId, Millis, SessionId};

/// A stored session: its state machine and its keys.
#[derive(Debug, Clone)]
pub struct StoredSession {
    pub id: SessionId,
    pub key: SessionKey,
    pub domain_id: DomainId,
    /// ASCII push domain.
    pub domain: String,
    pub app: String,
    pub stream: String,
    pub session: Session,
}

/// The sessions that an update concerns: the latest under its key, and the other open sessions of the same stream.
#[derive(Debug, Clone, Default)]
pub struct SessionContext {
    pub current: Option<StoredSession>,
    pub rivals: Vec<StoredSession>,
    /// Events that arrived before the start, in order. Loaded for a start and for [`Scope::Early`].
    pub early: Vec<SourceEvent>,
}

/// A source event that arrived before the start of its session.
#[derive(Debug, Clone)]
pub struct EarlyReport {
    pub hint: SourceEvent,
    /// The publish, if the source includes it in each report.
    pub push: Option<PushRequest>,
}

/// The early events of one session.
#[derive(Debug, Clone)]
pub struct EarlyReports {
    pub key: SessionKey,
    /// In order, without unreadable ones.
    pub reports: Vec<EarlyReport>,
}

/// The result of an update.
#[derive(Debug, Clone, Default)]
pub struct Decision {
    pub steps: Vec<SessionTransition>,
    /// The event is stored until its session starts.
    pub keep_early: Option<EarlyReport>,
    /// The early events of the session are deleted.
    pub takes_early: bool,
}

impl From<Vec<SessionTransition>> for Decision {
    fn from(steps: Vec<SessionTransition>) -> Self {
        Self { steps, ..Self::default() }
    }
}

/// The new state of a session, with its new events and parts.
#[derive(Debug, Clone)]
pub struct SessionTransition {
    pub stored: StoredSession,
    pub events: Vec<Event>,
    pub parts: Vec<Part>,
}

/// The session that an update concerns.
#[derive(Debug, Clone)]
pub enum Scope {
    /// The latest session under this key. For a start, with its stream.
    Key(SessionKey, Option<StreamRef>),
    /// The latest session under this key, with its early events.
    Early(SessionKey),
    Id(SessionId),
}

/// The name of a stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamRef {
    pub domain: DomainId,
    pub app: String,
    pub stream: String,
}

/// Decides on an update. Pure, because it runs again after a failed group commit.
pub type Decide = dyn Fn(SessionContext) -> Decision + Send + Sync;

/// An update to be committed.
pub struct SessionUpdate {
    pub scope: Scope,
    /// `webhook-id` of a signed source. An update with a known one does nothing.
    pub receipt: Option<String>,
    /// Unix ms.
    pub now: Millis,
    pub decide: Box<Decide>,
}

/// Filter of a list of sessions.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// ASCII push domain.
    pub domain: Option<String>,
    /// `Some(true)`: live; `Some(false)`: ended, although parts may still be pending.
    pub live: Option<bool>,
    pub app: Option<String>,
    pub stream: Option<String>,
    /// Started within `[from, to)` (Unix ms).
    pub started: Option<(Millis, Millis)>,
    /// Only these push domains (of a limited key).
    pub only: Option<Vec<String>>,
}

/// Filter of a list of events.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// ASCII push domain.
    pub domain: Option<String>,
    pub session: Option<SessionId>,
    /// Only these push domains (of a limited key).
    pub only: Option<Vec<String>>,
}

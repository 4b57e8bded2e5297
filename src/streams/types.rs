//! What streams need stored.

use super::session::{Event, Part, Session};
use super::{PushRequest, SessionKey, SourceEvent};
use crate::model::{DomainId, Millis, SessionId};

/// A session as stored: the state machine and what it is found by.
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

/// What a report finds: the latest session under its key, and the other open sessions of the same stream.
#[derive(Debug, Clone, Default)]
pub struct SessionContext {
    pub current: Option<StoredSession>,
    pub rivals: Vec<StoredSession>,
    /// For a start, and for [`Scope::Early`]: the reports that came before it, in their order.
    pub early: Vec<SourceEvent>,
}

/// A report that came before the start of its session.
#[derive(Debug, Clone)]
pub struct EarlyReport {
    pub hint: SourceEvent,
    /// The publish, where the source names it with each report.
    pub push: Option<PushRequest>,
}

/// The reports of one session that wait for its start.
#[derive(Debug, Clone)]
pub struct EarlyReports {
    pub key: SessionKey,
    /// In their order; without those that cannot be read.
    pub reports: Vec<EarlyReport>,
}

/// What becomes of a situation.
#[derive(Debug, Clone, Default)]
pub struct Decision {
    pub steps: Vec<SessionTransition>,
    /// The report waits for the start of its session.
    pub keep_early: Option<EarlyReport>,
    /// The early reports of the session wait no longer.
    pub takes_early: bool,
}

impl From<Vec<SessionTransition>> for Decision {
    fn from(steps: Vec<SessionTransition>) -> Self {
        Self { steps, ..Self::default() }
    }
}

/// What becomes of a session: its new state, and what to append.
#[derive(Debug, Clone)]
pub struct SessionTransition {
    pub stored: StoredSession,
    pub events: Vec<Event>,
    pub parts: Vec<Part>,
}

/// Which session a report concerns.
#[derive(Debug, Clone)]
pub enum Scope {
    /// The latest under this key; with the stream that it is about to publish, if it is.
    Key(SessionKey, Option<StreamRef>),
    /// The latest under this key, with the reports that came before it.
    Early(SessionKey),
    Id(SessionId),
}

/// A stream by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamRef {
    pub domain: DomainId,
    pub app: String,
    pub stream: String,
}

/// Decides what becomes of a situation. Pure, because a conflict may make the store ask again.
pub type Decide = dyn Fn(SessionContext) -> Decision + Send + Sync;

/// What a source said, ready to be committed.
pub struct SessionUpdate {
    pub scope: Scope,
    /// A signed source's `webhook-id`: one that was seen before makes the report do nothing.
    pub receipt: Option<String>,
    /// Unix ms.
    pub now: Millis,
    pub decide: Box<Decide>,
}

/// Which sessions to list.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// ASCII push domain.
    pub domain: Option<String>,
    /// `Some(true)`: publishing now; `Some(false)`: over, though parts may still come in.
    pub live: Option<bool>,
    pub app: Option<String>,
    pub stream: Option<String>,
    /// Began within `[from, to)`, Unix ms.
    pub started: Option<(Millis, Millis)>,
    /// Only these push domains (of a limited key).
    pub only: Option<Vec<String>>,
}

/// Which events to list.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// ASCII push domain.
    pub domain: Option<String>,
    pub session: Option<SessionId>,
    /// Only these push domains (of a limited key).
    pub only: Option<Vec<String>>,
}

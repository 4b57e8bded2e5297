//! What streams need stored.

use async_trait::async_trait;

use super::session::{Event, Part, Session};
use super::{EventView, Hint, PushRequest, SessionDetail, SessionKey, SessionView};
use crate::model::{DomainId, Millis, Page, PageRequest, SessionId, SourceId, StoreError};

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
pub struct Situation {
    pub current: Option<StoredSession>,
    pub rivals: Vec<StoredSession>,
    /// For a start, and for [`Scope::Early`]: the reports that came before it, in their order.
    pub early: Vec<Hint>,
}

/// A report that came before the start of its session.
#[derive(Debug, Clone)]
pub struct EarlyReport {
    pub hint: Hint,
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
    pub steps: Vec<Step>,
    /// The report waits for the start of its session.
    pub keep_early: Option<EarlyReport>,
    /// The early reports of the session wait no longer.
    pub takes_early: bool,
}

impl From<Vec<Step>> for Decision {
    fn from(steps: Vec<Step>) -> Self {
        Self { steps, ..Self::default() }
    }
}

/// What becomes of a session: its new state, and what to append.
#[derive(Debug, Clone)]
pub struct Step {
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
pub type Decide = dyn Fn(Situation) -> Decision + Send + Sync;

/// What a source said, ready to be committed.
pub struct Report {
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

/// The sessions' storage. A method is one transaction.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Loads what the report concerns, lets it decide, and commits the states, parts, events **and the deliveries made
    /// for them** in one transaction, which other reports may share.
    async fn advance(&self, report: Report) -> Result<(), StoreError>;
    /// Sessions whose time has come, and when the next one's comes.
    async fn due_sessions(&self, now: Millis, limit: i64) -> Result<(Vec<SessionId>, Option<Millis>), StoreError>;
    /// Lets a session wait that cannot be read.
    async fn postpone_session(&self, id: SessionId, due_at: Millis) -> Result<(), StoreError>;
    /// The sessions whose silence ends them, each with when its source was last heard. Those that are opening come first.
    async fn heartbeats(&self) -> Result<Vec<(SessionId, Millis)>, StoreError>;
    /// Open sessions of a source that belong to these runs of it.
    async fn sessions_of_runs(
        &self,
        source: SourceId,
        boots: &[String],
    ) -> Result<Vec<(SessionId, SessionKey)>, StoreError>;
    /// The reports that wait for the start of their sessions, by session.
    async fn early_reports(&self) -> Result<Vec<EarlyReports>, StoreError>;
    async fn count_live(&self) -> Result<i64, StoreError>;
    /// Newest first.
    async fn list_sessions(&self, filter: &SessionFilter, page: PageRequest) -> Result<Page<SessionView>, StoreError>;
    /// Newest first.
    async fn list_events(&self, filter: &EventFilter, page: PageRequest) -> Result<Page<EventView>, StoreError>;
    async fn session_detail(&self, id: SessionId) -> Result<Option<SessionDetail>, StoreError>;
    /// Whether publishing this stream is forbidden at `now`.
    async fn is_forbidden(&self, stream: &StreamRef, now: Millis) -> Result<bool, StoreError>;
}

//! Use cases of streams, and the one way by which hints become events.

use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::decisions::{follow, settle, start};
use super::early::EarlyRules;
use super::error::StreamError;
use super::ingest::{Admitted, IngestSink, PushRequest, RecordingPlan, Refused, SessionKey, SourceEvent};
use super::session::{Outcome, Session, SessionRules};
use super::silences::Silences;
use super::storage::reports::Reports;
use super::types::{Decision, EventFilter, Scope, SessionContext, SessionFilter, SessionUpdate, StreamRef};
use super::{EventView, SessionDetail, SessionView};
use crate::domains::Domains;
use crate::model::{
    Action, Actor, AppName, Clock, DomainName, IdGenerator, Millis, Page, PageRequest, SessionId, SourceId, StoreError,
    StreamName,
};
use crate::sources::{Adapter, Refusal};
use crate::storage::Db;

/// Until a session that cannot be read is tried again.
const UNREADABLE_WAITS_MS: Millis = 3_600_000;

/// Parameters of a push address at most, and bytes of all of them: they are stored with each report and sent to customers.
const MOST_PARAMS: usize = 32;
const LONGEST_PARAMS: usize = 2_048;

/// The use cases.
#[derive(Clone)]
pub struct Streams {
    pub(crate) db: Db,
    pub(crate) reports: Reports,
    pub(crate) domains: Domains,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<IdGenerator>,
    /// How long a session waits for its last parts, ms.
    pub(crate) grace_ms: Millis,
    /// Wakes the reaper when a session gets a time to watch.
    pub(crate) watch: Arc<tokio::sync::Notify>,
    /// Which reports wait for the start of their session.
    pub(crate) early: EarlyRules,
    /// Limits how many refused publishes are stored; anonymous publishers can cause any number.
    pub(crate) refusals: Arc<DefaultDirectRateLimiter>,
    /// Wakes the built-in ingest when there may be somebody to drop.
    pub(crate) orders: Arc<tokio::sync::Notify>,
}

/// Refused publishes that are stored per minute.
const REFUSALS_A_MINUTE: NonZeroU32 = NonZeroU32::new(120).expect("not zero");

/// A limit for [`Streams::refusals`].
pub(crate) fn limit_of_refusals() -> Arc<DefaultDirectRateLimiter> {
    Arc::new(RateLimiter::direct(Quota::per_minute(REFUSALS_A_MINUTE)))
}

impl Streams {
    /// Sessions of one domain or all, newest first; live ones, past ones or both.
    pub async fn list(
        &self,
        actor: &Actor,
        mut filter: SessionFilter,
        page: PageRequest,
    ) -> Result<Page<SessionView>, StreamError> {
        match &filter.domain {
            Some(domain) => actor.check_domain(Action::Read, domain)?,
            None => actor.check(Action::Read)?,
        }
        filter.only = actor.domains.clone();
        Ok(self.db.list_sessions(&filter, page).await?)
    }

    /// One session with its parts, events and deliveries.
    pub async fn get(&self, actor: &Actor, id: SessionId) -> Result<SessionDetail, StreamError> {
        actor.check(Action::Read)?;
        let mut detail = self.db.session_detail(id).await?.ok_or(StreamError::Unknown)?;
        actor.check_domain(Action::Read, &detail.session.domain)?;
        for (name, value) in &mut detail.params {
            if may_be_secret(name) {
                "…".clone_into(value);
            }
        }
        Ok(detail)
    }

    /// How many streams are live, for the figures of the process.
    pub async fn live(&self) -> Result<i64, StreamError> {
        Ok(self.db.count_live().await?)
    }

    /// Events of one domain, one session or all, newest first.
    pub async fn list_events(
        &self,
        actor: &Actor,
        mut filter: EventFilter,
        page: PageRequest,
    ) -> Result<Page<EventView>, StreamError> {
        match &filter.domain {
            Some(domain) => actor.check_domain(Action::Read, domain)?,
            None => actor.check(Action::Read)?,
        }
        filter.only = actor.domains.clone();
        Ok(self.db.list_events(&filter, page).await?)
    }

    /// One report, with the `webhook-id` that makes its repeat harmless.
    pub async fn report_once(
        &self,
        key: &SessionKey,
        adapter: Adapter,
        hint: SourceEvent,
        receipt: Option<String>,
    ) -> Result<(), StreamError> {
        self.report_of(key, adapter, None, hint, receipt).await
    }

    /// The same by a source that names the publish with each report.
    pub async fn report_of(
        &self,
        key: &SessionKey,
        adapter: Adapter,
        push: Option<PushRequest>,
        hint: SourceEvent,
        receipt: Option<String>,
    ) -> Result<(), StreamError> {
        let now = self.clock.now();
        let rules = self.rules(adapter, &hint);
        let started = match &hint {
            SourceEvent::Started { push, .. } => Some(stream_of(push)),
            _ => None,
        };
        let early = self.early.of(adapter, receipt.is_some());
        let (scope, ids, key) = (Scope::Key(key.clone(), started), self.ids.clone(), key.clone());
        let decide = Box::new(move |situation: SessionContext| match (&hint, &situation.current) {
            (SourceEvent::Started { at, push }, _) => start(situation, &ids, &key, *at, push, now, &rules),
            (hint, None) => early.keep(&key, hint, push.as_ref()),
            // The end of the next publish under this key overtook its start.
            (SourceEvent::Ended { at, .. }, Some(stored)) if stored.session.ended_before(*at) => {
                early.keep(&key, &hint, None)
            }
            (hint, Some(_)) => follow(situation, &ids, hint, now, &rules).into(),
        });
        self.reports.commit(SessionUpdate { scope, receipt, now, decide }).await?;
        self.watch.notify_one();
        Ok(())
    }

    /// Rings when a session changed, and with it perhaps the time of [`Streams::reap`].
    #[must_use]
    pub fn watch(&self) -> Arc<tokio::sync::Notify> {
        self.watch.clone()
    }

    /// Closes what is overdue; returns when to look again. A step of the reaper.
    pub async fn reap(&self) -> Result<Option<Millis>, StreamError> {
        loop {
            let now = self.clock.now();
            let (due, next) = self.db.due_sessions(now, 100).await?;
            if due.is_empty() {
                return Ok(next);
            }
            let rules = self.rules_of(false);
            for id in due {
                self.change(id, now, move |session| session.tick(now, &rules)).await?;
            }
        }
    }

    /// Ends the publishes whose sources were silent for too long. A step of the reaper.
    pub async fn lose_silent(&self, silences: &mut Silences) -> Result<(), StreamError> {
        let heartbeats = self.db.heartbeats().await?;
        let now = self.clock.now();
        let rules = self.rules_of(false);
        for (id, heard_at) in silences.too_long(&heartbeats, self.clock.monotonic()) {
            self.change(id, now, move |session| session.lose_silent(heard_at, now, &rules)).await?;
        }
        Ok(())
    }

    /// Changes one session. One that cannot be read waits, and stops no other.
    async fn change(
        &self,
        id: SessionId,
        now: Millis,
        change: impl Fn(&mut Session) -> Outcome + Send + Sync + 'static,
    ) -> Result<(), StreamError> {
        let rules = self.rules_of(false);
        let decide = Box::new(move |situation: SessionContext| match situation.current {
            Some(stored) => settle(stored, situation.rivals, now, &rules, &change).into(),
            None => Decision::default(),
        });
        match self.reports.commit(SessionUpdate { scope: Scope::Id(id), receipt: None, now, decide }).await {
            Err(error @ StoreError::Fault(_)) => {
                tracing::error!(
                    session = %id,
                    error = &error as &dyn std::error::Error,
                    "cannot close a session; trying again in an hour"
                );
                Ok(self.db.postpone_session(id, now + UNREADABLE_WAITS_MS).await?)
            }
            done => Ok(done?),
        }
    }

    pub(super) fn rules(&self, adapter: Adapter, hint: &SourceEvent) -> SessionRules {
        let recorded = match hint {
            SourceEvent::Started { push, .. } => push.recording.is_some(),
            _ => false,
        };
        SessionRules {
            sends_heartbeats: adapter.sends_heartbeats(),
            keeps_parts: adapter.keeps_parts(),
            may_refuse: adapter.may_refuse(),
            ..self.rules_of(adapter.records_at_publish() && recorded)
        }
    }

    /// For sessions that have begun.
    pub(super) fn rules_of(&self, records_at_publish: bool) -> SessionRules {
        SessionRules {
            grace_ms: self.grace_ms,
            sends_heartbeats: false,
            keeps_parts: false,
            records_at_publish,
            may_refuse: false,
        }
    }

    async fn check(&self, push: &PushRequest) -> Result<Result<Admitted, (String, Refused)>, StoreError> {
        let names: Vec<DomainName> = push.hosts.iter().filter_map(|h| DomainName::parse(h).ok()).collect();
        let mut found = None;
        for name in &names {
            if let Some(domain) = self.db.find_domain(name.ascii()).await? {
                found = Some((name.clone(), domain));
                break;
            }
        }
        let refuse =
            |host: &str, code: &'static str, reason: String| Ok(Err((host.to_owned(), Refused { code, reason })));
        let Some((name, domain)) = found else {
            let host =
                names.first().map(|n| n.ascii().to_owned()).or_else(|| push.hosts.first().cloned()).unwrap_or_default();
            let reason = format!("{host} is not a push domain of this console");
            return refuse(&host, "unknown_domain", reason);
        };
        if !domain.enabled {
            return refuse(&domain.push, "domain_disabled", format!("the domain {} is disabled", domain.push));
        }
        let app = match AppName::parse(&push.app) {
            Ok(app) => app,
            Err(why) => return refuse(&domain.push, "bad_app", format!("the application name {why}")),
        };
        let stream = match StreamName::parse(&push.stream) {
            Ok(stream) => stream,
            Err(why) => return refuse(&domain.push, "bad_stream", format!("the stream name {why}")),
        };
        let length: usize = push.params.iter().map(|(name, value)| name.len() + value.len()).sum();
        if push.params.len() > MOST_PARAMS || length > LONGEST_PARAMS {
            let reason = format!(
                "the push address has more than {MOST_PARAMS} parameters, or more than {LONGEST_PARAMS} bytes of them"
            );
            return refuse(&domain.push, "bad_params", reason);
        }
        let stream_ref =
            StreamRef { domain: domain.id, app: app.as_str().to_owned(), stream: stream.as_str().to_owned() };
        if self.db.is_forbidden(&stream_ref, self.clock.now()).await? {
            return refuse(&domain.push, "forbidden", "an operator has forbidden this stream".to_owned());
        }
        let settings = self.db.recording_settings(domain.id).await?;
        let part_seconds = u32::try_from(settings.part_seconds).unwrap_or(u32::MAX);
        Ok(Ok(Admitted {
            domain_id: domain.id,
            domain: name,
            app,
            stream,
            client: push.client.clone(),
            params: push.params.clone(),
            recording: settings.enabled.then_some(RecordingPlan { part_seconds, bucket: settings.bucket }),
        }))
    }
}

#[async_trait]
impl IngestSink for Streams {
    async fn admit(&self, push: PushRequest) -> Result<Admitted, Refused> {
        let unavailable = |error: StoreError| {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot decide on a publish");
            Refused::unavailable()
        };
        // External sources are seen at their URL; the built-in one here.
        self.db.touch_source(push.source, self.clock.now()).await.map_err(unavailable)?;
        let (host, refused) = match self.check(&push).await.map_err(unavailable)? {
            Ok(admitted) => return Ok(admitted),
            Err(refused) => refused,
        };
        if self.refusals.check().is_err() {
            tracing::debug!(source = %push.source, code = refused.code, "publish refused, like many before it");
            return Err(refused);
        }
        tracing::info!(source = %push.source, host, app = push.app, stream = push.stream, code = refused.code, "publish refused");
        let refusal = Refusal {
            at: self.clock.now(),
            source: push.source,
            host,
            app: push.app,
            stream: push.stream,
            client: push.client,
            code: refused.code,
            reason: refused.reason.clone(),
        };
        self.db.add_refusal(&refusal).await.map_err(unavailable)?;
        Err(refused)
    }

    async fn hold(&self, key: &SessionKey, push: &Admitted) -> Result<(), Refused> {
        match self.db.hold_stream(key, &stream_of(push)).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refused::already_live()),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "cannot take the name of a stream");
                Err(Refused::unavailable())
            }
        }
    }

    async fn release(&self, key: &SessionKey) -> Result<(), StreamError> {
        Ok(self.db.release_stream(key).await?)
    }

    async fn end_runs(&self, source: SourceId, boots: &[String]) -> Result<Vec<SessionKey>, StreamError> {
        self.db.end_runs(boots).await?;
        let now = self.clock.now();
        let rules = self.rules_of(false);
        let sessions = self.db.sessions_of_runs(source, boots).await?;
        for (id, _) in &sessions {
            self.change(*id, now, move |session| session.abandon(now, &rules)).await?;
        }
        Ok(sessions.into_iter().map(|(_, key)| key).collect())
    }

    async fn report(&self, key: &SessionKey, hint: SourceEvent) -> Result<(), StreamError> {
        self.report_once(key, Adapter::BuiltIn, hint, None).await
    }
}

pub(super) fn stream_of(push: &Admitted) -> StreamRef {
    StreamRef { domain: push.domain_id, app: push.app.as_str().to_owned(), stream: push.stream.as_str().to_owned() }
}

/// Whether a parameter of a push address, by its name, may hold what only the publisher should know.
pub(crate) fn may_be_secret(name: &str) -> bool {
    const MARKS: [&str; 8] = ["auth", "hash", "key", "pass", "pwd", "secret", "sign", "token"];
    let name = name.to_lowercase();
    MARKS.iter().any(|mark| name.contains(mark))
}

//! Use cases of streams, and the one way by which hints become events.

use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::control::ControlStore;
use super::error::StreamError;
use super::ingest::{Admitted, Hint, IngestSink, PushRequest, RecordingPlan, Refused, SessionKey};
use super::session::{Outcome, Phase, Session, SessionRules};
use super::silences::Silences;
use super::store::{
    Decide, EventFilter, Report, Scope, SessionFilter, SessionStore, Situation, Step, StoredSession, StreamRef,
};
use super::{EventView, SessionDetail, SessionView};
use crate::domains::{DomainStore, Domains};
use crate::model::{
    Action, Actor, AppName, Clock, DomainName, IdGenerator, Millis, Page, PageRequest, SessionId, SourceId, StoreError,
    StreamName,
};
use crate::recordings::RecordingStore;
use crate::sources::{Adapter, Refusal, SourceStore};

/// Until a session that cannot be read is tried again.
const UNREADABLE_WAITS_MS: Millis = 3_600_000;

/// Parameters of a push address at most, and bytes of all of them: they are stored with each report and sent to customers.
const MOST_PARAMS: usize = 32;
const LONGEST_PARAMS: usize = 2_048;

/// What streams need of the other features' storage.
pub trait StreamsStore: SessionStore + ControlStore + DomainStore + RecordingStore + SourceStore {}
impl<T: SessionStore + ControlStore + DomainStore + RecordingStore + SourceStore> StreamsStore for T {}

/// The use cases.
#[derive(Clone)]
pub struct Streams {
    pub(crate) store: Arc<dyn StreamsStore>,
    pub(crate) domains: Domains,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<IdGenerator>,
    /// How long a session waits for its last parts, ms.
    pub(crate) grace_ms: Millis,
    /// Wakes the reaper when a session gets a time to watch.
    pub(crate) watch: Arc<tokio::sync::Notify>,
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
        Ok(self.store.list_sessions(&filter, page).await?)
    }

    /// One session with its parts, events and deliveries.
    pub async fn get(&self, actor: &Actor, id: SessionId) -> Result<SessionDetail, StreamError> {
        actor.check(Action::Read)?;
        let mut detail = self.store.session_detail(id).await?.ok_or(StreamError::Unknown)?;
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
        Ok(self.store.count_live().await?)
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
        Ok(self.store.list_events(&filter, page).await?)
    }

    /// One report, with the `webhook-id` that makes its repeat harmless.
    pub async fn report_once(
        &self,
        key: &SessionKey,
        adapter: Adapter,
        hint: Hint,
        receipt: Option<String>,
    ) -> Result<(), StreamError> {
        let now = self.clock.now();
        let rules = self.rules(adapter, &hint);
        let push = match &hint {
            Hint::Started { push, .. } => Some(stream_of(push)),
            _ => None,
        };
        let (scope, ids, key) = (Scope::Key(key.clone(), push), self.ids.clone(), key.clone());
        let decide = Box::new(move |situation: Situation| decide(situation, &ids, &key, &hint, now, &rules));
        self.store.advance(Report { scope, receipt, now, decide }).await?;
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
            let (due, next) = self.store.due_sessions(now, 100).await?;
            if due.is_empty() {
                return Ok(next);
            }
            let rules = self.rules_of(false);
            for id in due {
                let decide = Box::new(move |situation: Situation| match situation.current {
                    Some(stored) => settle(stored, situation.rivals, now, &rules, |session| session.tick(now, &rules)),
                    None => Vec::new(),
                });
                self.advance_alone(id, now, decide).await?;
            }
        }
    }

    /// Ends the publishes whose sources were silent for too long. A step of the reaper.
    pub async fn lose_silent(&self, silences: &mut Silences) -> Result<(), StreamError> {
        let heartbeats = self.store.heartbeats().await?;
        let now = self.clock.now();
        let rules = self.rules_of(false);
        for (id, heard_at) in silences.too_long(&heartbeats, self.clock.monotonic()) {
            let decide = Box::new(move |situation: Situation| match situation.current {
                Some(stored) => {
                    let lose = |session: &mut Session| session.lose_silent(heard_at, now, &rules);
                    settle(stored, situation.rivals, now, &rules, lose)
                }
                None => Vec::new(),
            });
            self.advance_alone(id, now, decide).await?;
        }
        Ok(())
    }

    /// Closes the sessions that an earlier run of the built-in ingest left open.
    pub async fn close_orphans(&self, source: SourceId, boot: &str) -> Result<(), StreamError> {
        let now = self.clock.now();
        let rules = self.rules_of(false);
        for id in self.store.orphans(source, boot).await? {
            let decide = Box::new(move |situation: Situation| match situation.current {
                Some(stored) => settle(stored, situation.rivals, now, &rules, |session| session.abandon(now, &rules)),
                None => Vec::new(),
            });
            self.advance_alone(id, now, decide).await?;
        }
        Ok(())
    }

    /// Changes one session. One that cannot be read waits, and stops no other.
    async fn advance_alone(&self, id: SessionId, now: Millis, decide: Box<Decide>) -> Result<(), StreamError> {
        match self.store.advance(Report { scope: Scope::Id(id), receipt: None, now, decide }).await {
            Err(error @ StoreError::Fault(_)) => {
                tracing::error!(
                    session = %id,
                    error = &error as &dyn std::error::Error,
                    "cannot close a session; trying again in an hour"
                );
                Ok(self.store.postpone_session(id, now + UNREADABLE_WAITS_MS).await?)
            }
            done => Ok(done?),
        }
    }

    fn rules(&self, adapter: Adapter, hint: &Hint) -> SessionRules {
        let recorded = match hint {
            Hint::Started { push, .. } => push.recording.is_some(),
            _ => false,
        };
        let (sends_heartbeats, keeps_parts) = (adapter.sends_heartbeats(), adapter.keeps_parts());
        SessionRules { sends_heartbeats, keeps_parts, ..self.rules_of(adapter.records_at_publish() && recorded) }
    }

    /// For sessions that have begun.
    fn rules_of(&self, records_at_publish: bool) -> SessionRules {
        SessionRules { grace_ms: self.grace_ms, sends_heartbeats: false, keeps_parts: false, records_at_publish }
    }

    async fn check(&self, push: &PushRequest) -> Result<Result<Admitted, (String, Refused)>, StoreError> {
        let names: Vec<DomainName> = push.hosts.iter().filter_map(|h| DomainName::parse(h).ok()).collect();
        let mut found = None;
        for name in &names {
            if let Some(domain) = self.store.find_domain(name.ascii()).await? {
                found = Some((name.clone(), domain));
                break;
            }
        }
        let refuse =
            |host: &str, code: &'static str, reason: String| Ok(Err((host.to_owned(), Refused { code, reason })));
        let Some((name, domain)) = found else {
            let host =
                names.first().map(|n| n.ascii().to_owned()).or_else(|| push.hosts.first().cloned()).unwrap_or_default();
            let reason = format!("{host} is no push domain of this console");
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
                "the push address has more than {MOST_PARAMS} parameters, or they have more than {LONGEST_PARAMS} bytes"
            );
            return refuse(&domain.push, "bad_params", reason);
        }
        let stream_ref =
            StreamRef { domain: domain.source_id, app: app.as_str().to_owned(), stream: stream.as_str().to_owned() };
        if self.store.is_forbidden(&stream_ref, self.clock.now()).await? {
            return refuse(&domain.push, "forbidden", "an operator has forbidden this stream".to_owned());
        }
        let settings = self.store.recording_settings(domain.source_id).await?;
        let part_seconds = u32::try_from(settings.part_seconds).unwrap_or(u32::MAX);
        Ok(Ok(Admitted {
            domain_id: domain.source_id,
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
        self.store.touch_source(push.source, self.clock.now()).await.map_err(unavailable)?;
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
        self.store.add_refusal(&refusal).await.map_err(unavailable)?;
        Err(refused)
    }

    async fn report(&self, key: &SessionKey, hint: Hint) -> Result<(), StreamError> {
        self.report_once(key, Adapter::BuiltIn, hint, None).await
    }
}

fn stream_of(push: &Admitted) -> StreamRef {
    StreamRef { domain: push.domain_id, app: push.app.as_str().to_owned(), stream: push.stream.as_str().to_owned() }
}

/// Whether a parameter of a push address, by its name, may hold what only the publisher should know.
pub(crate) fn may_be_secret(name: &str) -> bool {
    const MARKS: [&str; 8] = ["auth", "hash", "key", "pass", "pwd", "secret", "sign", "token"];
    let name = name.to_lowercase();
    MARKS.iter().any(|mark| name.contains(mark))
}

/// What becomes of a situation by a hint.
fn decide(
    situation: Situation,
    ids: &IdGenerator,
    key: &SessionKey,
    hint: &Hint,
    now: Millis,
    rules: &SessionRules,
) -> Vec<Step> {
    let Situation { current, rivals } = situation;
    let contested = rivals.iter().any(|r| r.key != *key && r.session.phase == Phase::Live);
    match (hint, current) {
        (Hint::Started { at, push }, current) => {
            let mut steps = Vec::new();
            if let Some(stored) = current {
                if stored.session.is_repeat_of_start(now, rules) {
                    return steps;
                }
                if stored.session.phase != Phase::Closed {
                    steps.push(lose(stored, now, rules));
                }
            }
            let (session, outcome) = Session::start(*at, now, push, contested, rules);
            let stored = StoredSession {
                id: SessionId(ids.next(now)),
                key: key.clone(),
                domain_id: push.domain_id,
                domain: push.domain.ascii().to_owned(),
                app: push.app.to_string(),
                stream: push.stream.to_string(),
                session,
            };
            steps.push(Step { stored, events: outcome.events, parts: outcome.parts });
            steps
        }
        (Hint::Alive { at, .. } | Hint::PartOpened { at, .. }, Some(lost)) if lost.session.is_revived_by(hint) => {
            let (session, begun) = lost.session.start_again(*at, now, contested, rules);
            let id = SessionId(ids.next(now));
            let mut stored = StoredSession { id, session, ..lost };
            let outcome = stored.session.apply(hint, now, rules);
            let events = [begun.events, outcome.events].concat();
            let parts = [begun.parts, outcome.parts].concat();
            vec![Step { stored, events, parts }]
        }
        // An end or a part without a start: nothing is known of the stream, so there is nobody to tell.
        (_, None) => Vec::new(),
        (hint, Some(stored)) => settle(stored, rivals, now, rules, |session| session.apply(hint, now, rules)),
    }
}

/// One session moves by `change`. When it goes live, whoever was live is gone; when it stops being live, the next may go live.
fn settle(
    mut stored: StoredSession,
    rivals: Vec<StoredSession>,
    now: Millis,
    rules: &SessionRules,
    change: impl FnOnce(&mut Session) -> Outcome,
) -> Vec<Step> {
    let was_live = stored.session.phase == Phase::Live;
    let outcome = change(&mut stored.session);
    let is_live = stored.session.phase == Phase::Live;
    let promoted = outcome.promoted;
    let step = Step { stored, events: outcome.events, parts: outcome.parts };
    if promoted {
        let live = rivals.into_iter().filter(|rival| rival.session.phase == Phase::Live);
        live.map(|rival| lose(rival, now, rules)).chain([step]).collect()
    } else if was_live && !is_live {
        std::iter::once(step).chain(promote_next(rivals, rules)).collect()
    } else {
        vec![step]
    }
}

fn promote_next(rivals: Vec<StoredSession>, rules: &SessionRules) -> Option<Step> {
    let mut stored = rivals.into_iter().find(|rival| rival.session.phase == Phase::Opening)?;
    let outcome = stored.session.promote(rules);
    Some(Step { stored, events: outcome.events, parts: outcome.parts })
}

/// The source fell silent, or its stream is published by somebody else now.
fn lose(mut stored: StoredSession, now: Millis, rules: &SessionRules) -> Step {
    let outcome = stored.session.supersede(now, rules);
    Step { stored, events: outcome.events, parts: outcome.parts }
}

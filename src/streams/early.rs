//! Reports that come before the start of their session. Sources report over several connections, so the end of a short publish may
//! overtake its start, and a source that repeats what was not taken may repeat the start last.
//!
//! Such a report is stored and answered like any other. The start takes all of its session, in their order. If no start comes, it
//! depends on the source: one that names the publish with each report has the session reported from these reports; those of another are dropped,
//! as nginx-rtmp also reports the end of a publish that was refused. Where keys are used again, an end that comes after the end of the last
//! session is taken for that of the next; it waits for [`OVERTAKES_BY`] only, since it may be a repeat.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::decisions::{catch_up, start};
use super::ingest::{IngestSink, PushRequest, SessionKey, SourceEvent};
use super::service::stream_of;
use super::silences::LONGEST_GAP;
use super::types::{Decision, EarlyReport, EarlyReports, Scope, SessionContext, SessionUpdate};
use super::{StreamError, Streams};
use crate::model::SourceId;
use crate::sources::Adapter;

/// Early reports per minute that are stored of sources without signatures: anonymous publishers can cause any number.
const UNSIGNED_A_MINUTE: NonZeroU32 = NonZeroU32::new(600).expect("not zero");

/// Time by which a report overtakes another at most. Short: nginx-rtmp numbers its sessions from 1 after a restart.
const OVERTAKES_BY: Duration = Duration::from_secs(5);
/// Time in which a source that names the publish with each report may repeat a start that was not taken.
const REPEATS_WITHIN: Duration = Duration::from_secs(120);

/// Which reports wait for the start of their session.
#[derive(Debug, Clone)]
pub(crate) struct EarlyRules {
    unsigned: Arc<DefaultDirectRateLimiter>,
}

impl Default for EarlyRules {
    fn default() -> Self {
        Self { unsigned: Arc::new(RateLimiter::direct(Quota::per_minute(UNSIGNED_A_MINUTE))) }
    }
}

impl EarlyRules {
    pub(super) fn of(&self, adapter: Adapter, is_signed: bool) -> Keeps {
        let unsigned = (!is_signed).then(|| Arc::clone(&self.unsigned));
        Keeps { keeps: !adapter.reports_in_order(), unsigned }
    }
}

/// Which reports of one source wait.
pub(super) struct Keeps {
    keeps: bool,
    unsigned: Option<Arc<DefaultDirectRateLimiter>>,
}

impl Keeps {
    /// Decides on a report without a session.
    pub(super) fn keep(&self, key: &SessionKey, hint: &SourceEvent, push: Option<&PushRequest>) -> Decision {
        // The next heartbeat repeats this one.
        if !self.keeps || matches!(hint, SourceEvent::Alive { .. }) {
            return Decision::default();
        }
        if self.unsigned.as_ref().is_some_and(|limit| limit.check().is_err()) {
            tracing::debug!(source = %key.source, session = key.key, "a report without a start is dropped, like many before it");
            return Decision::default();
        }
        let keep_early = Some(EarlyReport { hint: hint.clone(), push: push.cloned() });
        Decision { keep_early, ..Decision::default() }
    }
}

/// Measures how long early reports wait, by the monotonic clock. Time in which this process did not look does not count: it was frozen, or
/// the database away, and no start could come in.
#[derive(Debug, Default)]
pub struct EarlyWatch {
    since: HashMap<SessionKey, Duration>,
    looked_at: Duration,
}

impl EarlyWatch {
    /// Takes note of the early reports at `now`; returns them with how long they have waited.
    fn waited(&mut self, waiting: Vec<EarlyReports>, now: Duration) -> Vec<(EarlyReports, Duration)> {
        let mut before = std::mem::take(&mut self.since);
        if now.saturating_sub(self.looked_at) > LONGEST_GAP {
            before.clear();
        }
        self.looked_at = now;
        let since = |key: &SessionKey| (key.clone(), before.remove(key).unwrap_or(now));
        self.since = waiting.iter().map(|early| &early.key).map(since).collect();
        let with_time = |early: EarlyReports| {
            let since = self.since.get(&early.key).copied().unwrap_or(now);
            (early, now.saturating_sub(since))
        };
        waiting.into_iter().map(with_time).collect()
    }
}

impl Streams {
    /// Hands early reports to their sessions, and decides on those that have waited long enough. A step of the reaper. A start takes early
    /// reports itself, unless both were committed at the same time by two processes.
    pub async fn settle_early(&self, watch: &mut EarlyWatch) -> Result<(), StreamError> {
        let waiting = self.db.early_reports().await?;
        let adapters: HashMap<SourceId, Adapter> = if waiting.is_empty() {
            HashMap::new()
        } else {
            self.db.list_sources().await?.into_iter().map(|source| (source.id, source.adapter)).collect()
        };
        for (early, waited) in watch.waited(waiting, self.clock.monotonic()) {
            let adapter = adapters.get(&early.key.source).copied();
            let push = early.reports.iter().find_map(|report| report.push.clone());
            match (adapter, push) {
                (Some(adapter), Some(push)) if waited >= REPEATS_WITHIN => {
                    self.start_late(adapter, early, push).await?;
                }
                (Some(_), Some(_)) => self.hand_over(early.key, false).await?,
                _ => self.hand_over(early.key, waited >= OVERTAKES_BY).await?,
            }
        }
        Ok(())
    }

    /// Gives a session its early reports, if it runs. `is_last`: they wait no longer.
    async fn hand_over(&self, key: SessionKey, is_last: bool) -> Result<(), StreamError> {
        let (now, rules, named) = (self.clock.now(), self.rules_of(false), key.clone());
        let decide = Box::new(move |situation: SessionContext| match situation.current {
            // The next session under the key may be about to start.
            Some(stored) if stored.session.ended_at.is_some() && !is_last => Decision::default(),
            Some(stored) => Decision {
                steps: catch_up(stored, situation.rivals, &situation.early, now, &rules),
                takes_early: true,
                keep_early: None,
            },
            None => {
                if is_last {
                    tracing::info!(source = %named.source, session = named.key, "reports of a session are dropped: its start never came");
                }
                Decision { takes_early: is_last, ..Decision::default() }
            }
        });
        Ok(self.reports.commit(SessionUpdate { scope: Scope::Early(key), receipt: None, now, decide }).await?)
    }

    /// The start was lost on its way. Its session begins with the first thing that is known of it.
    async fn start_late(&self, adapter: Adapter, early: EarlyReports, push: PushRequest) -> Result<(), StreamError> {
        let EarlyReports { key, reports } = early;
        let push = match self.admit(push).await {
            Ok(push) => push,
            Err(refused) => return self.hand_over(key, !refused.is_for_now()).await,
        };
        let now = self.clock.now();
        let at = reports.iter().map(|report| report.hint.at()).min().unwrap_or(now);
        tracing::warn!(source = %key.source, session = key.key, "the start of a session never came; reporting what is known of it");
        let stream = stream_of(&push);
        let started = SourceEvent::Started { at, push: push.clone() };
        let rules = self.rules(adapter, &started);
        let (scope, ids) = (Scope::Key(key.clone(), Some(stream)), self.ids.clone());
        let decide = Box::new(move |situation: SessionContext| match situation.current.clone() {
            // The start came meanwhile.
            Some(stored) => Decision {
                steps: catch_up(stored, situation.rivals, &situation.early, now, &rules),
                takes_early: true,
                keep_early: None,
            },
            None => start(situation, &ids, &key, at, &push, now, &rules),
        });
        self.reports.commit(SessionUpdate { scope, receipt: None, now, decide }).await?;
        self.watch.notify_one();
        Ok(())
    }
}

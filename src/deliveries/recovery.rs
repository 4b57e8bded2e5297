//! *Recover*: queues again all deliveries that were not delivered and match a filter.
//!
//! **Dramatis personae.** A person *counts* first, which changes nothing, then *starts* a [`Recovery`]. The store cuts it into
//! *lanes*, one for each callback, so that a dead address holds up its own lane only. Each [`Recoveries::step`], called by a
//! loop of the server, queues a batch of each lane in one transaction with the lane's cursor: whatever happens to the process,
//! every delivery is handled once. A lane goes on only while few deliveries of its callback wait, so that new events never
//! stand behind a backlog. Deliveries whose callback is off when their turn comes are *left out*.
//!
//! **States.** See [`RecoveryState`]. A cancelled recovery queues no more; what it has queued goes out.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::DeliveryFilter;
use crate::audit::{AuditEntry, moment};
use crate::model::{
    Action, Actor, CallbackId, Clock, DeliveryId, Forbidden, IdGenerator, Millis, Problem, ProblemDetails, ProblemKind,
    RecoveryId, StoreError, problem, string_enum,
};
use crate::storage::Db;

/// Deliveries queued in one transaction.
const BATCH: i64 = 100;
/// A lane rests while so many deliveries of its callback wait.
const ROOM: i64 = 200;
/// How many recoveries are listed.
const LISTED: i64 = 50;

string_enum!(
    /// Where a recovery stands.
    RecoveryState {
        /// There are deliveries to queue.
        Running = "running",
        /// All have had their turn.
        Done = "done",
        /// A person stopped it.
        Cancelled = "cancelled",
    }
);

/// One recovery and how far it is.
#[derive(Debug, Clone)]
pub struct Recovery {
    /// Deliveries made later than this are not part of it.
    pub id: RecoveryId,
    pub state: RecoveryState,
    pub filter: DeliveryFilter,
    /// The person's or key's name.
    pub started_by: String,
    pub started_at: Millis,
    pub ended_at: Option<Millis>,
    /// Deliveries that matched when it started.
    pub total: i64,
    /// Deliveries queued again so far.
    pub queued: i64,
    /// Deliveries whose callback was off when their turn came.
    pub left_out: i64,
    /// What became of those that were queued. `None`: nothing was kept of it, as of recoveries that found nothing.
    pub outcome: Option<RecoveryOutcome>,
}

/// What became of the deliveries that a recovery queued, up to now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecoveryOutcome {
    pub delivered: i64,
    /// All their tries failed again.
    pub failed: i64,
    /// In the queue, retries included.
    pub waiting: i64,
    /// Taken out of the queue by a person, or with their callback.
    pub cancelled: i64,
}

impl Recovery {
    /// Deliveries that have had their turn.
    #[must_use]
    pub const fn handled(&self) -> i64 {
        self.queued + self.left_out
    }

    /// Deliveries handled in a second, on average until `now`.
    #[must_use]
    pub fn per_second(&self, now: Millis) -> f64 {
        let millis = (self.ended_at.unwrap_or(now) - self.started_at).max(1);
        self.handled() as f64 * 1000.0 / millis as f64
    }
}

/// What a recovery would find.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recoverable {
    /// Deliveries that match.
    pub total: i64,
    /// Those among them whose callback is off, has no address or is gone.
    pub callback_off: i64,
}

/// The deliveries of one callback that a filter finds.
#[derive(Debug, Clone, Copy)]
pub struct LaneCount {
    pub callback: CallbackId,
    pub deliveries: i64,
    /// The callback is on and has an address.
    pub goes: bool,
}

/// The part of a running recovery that concerns one callback.
#[derive(Debug, Clone)]
pub struct Lane {
    pub recovery: RecoveryId,
    pub callback: CallbackId,
    /// The last delivery that had its turn.
    pub after: DeliveryId,
    pub filter: DeliveryFilter,
}

/// What came of a round over the lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Round {
    /// No recovery runs.
    Idle,
    /// Every lane waits for its callback's queue to get shorter.
    Held,
    /// Some lane went on.
    Moved,
}

/// Why something with a recovery cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    #[error("this recovery does not exist")]
    Unknown,
    #[error("only failed, cancelled and skipped deliveries can be recovered")]
    BadState,
    #[error("the recovery has already ended; nothing was cancelled")]
    Ended,
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for RecoveryError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::Unknown => problem(ProblemKind::NotFound, "recovery_unknown"),
            Self::BadState => problem(ProblemKind::Invalid, "recovery_bad_state").field("state"),
            Self::Ended => problem(ProblemKind::Conflict, "recovery_ended"),
            Self::Forbidden(e) => e.details(),
            Self::Store(e) => e.details(),
        }
    }
}

/// The use cases.
#[derive(Clone)]
pub struct Recoveries {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<IdGenerator>,
    /// Wakes the loop when a recovery starts.
    pub(crate) watch: Arc<Notify>,
}

impl Recoveries {
    /// How many deliveries a recovery would find now. Changes nothing.
    pub async fn count(&self, actor: &Actor, filter: DeliveryFilter) -> Result<Recoverable, RecoveryError> {
        let lanes = self.db.recoverable(&limited(actor, filter)?).await?;
        Ok(lanes.iter().fold(Recoverable::default(), |sum, lane| Recoverable {
            total: sum.total + lane.deliveries,
            callback_off: sum.callback_off + if lane.goes { 0 } else { lane.deliveries },
        }))
    }

    /// Starts queueing what the filter finds. It never leaves the actor's domains.
    pub async fn start(&self, actor: &Actor, filter: DeliveryFilter) -> Result<Recovery, RecoveryError> {
        let filter = limited(actor, filter)?;
        let now = self.clock.now();
        let id = RecoveryId(self.ids.next(now));
        let lanes = self.db.recoverable(&filter).await?;
        let total = lanes.iter().map(|lane| lane.deliveries).sum();
        let detail = json!({ "filter": audited(&filter), "total": total });
        let audit = AuditEntry::new(actor, now, "recovery.start", id.to_string(), detail);
        let recovery = Recovery {
            id,
            state: if lanes.is_empty() { RecoveryState::Done } else { RecoveryState::Running },
            filter,
            started_by: actor.name(),
            started_at: now,
            ended_at: lanes.is_empty().then_some(now),
            total,
            queued: 0,
            left_out: 0,
            outcome: (!lanes.is_empty()).then(RecoveryOutcome::default),
        };
        self.db.start_recovery(&recovery, &lanes, &audit).await?;
        self.watch.notify_one();
        Ok(recovery)
    }

    /// One recovery.
    pub async fn get(&self, actor: &Actor, id: RecoveryId) -> Result<Recovery, RecoveryError> {
        self.find(actor, Action::Read, id).await
    }

    /// The latest recoveries that stayed within the actor's domains, newest first.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Recovery>, RecoveryError> {
        actor.check(Action::Read)?;
        let mut recoveries = self.db.list_recoveries(LISTED).await?;
        recoveries.retain(|recovery| concerns(actor, &recovery.filter));
        Ok(recoveries)
    }

    /// Queues no more of it. What is queued already goes out.
    pub async fn cancel(&self, actor: &Actor, id: RecoveryId) -> Result<Recovery, RecoveryError> {
        let recovery = self.find(actor, Action::ManageDeliveries, id).await?;
        let now = self.clock.now();
        let detail = json!({
            "before": { "state": recovery.state },
            "after": { "state": RecoveryState::Cancelled },
            "queued": recovery.queued,
            "total": recovery.total,
        });
        let audit = AuditEntry::new(actor, now, "recovery.cancel", id.to_string(), detail);
        if !self.db.cancel_recovery(id, now, &audit).await? {
            return Err(RecoveryError::Ended);
        }
        self.get(actor, id).await
    }

    /// Gives each lane a batch, in turn. For the loop of the server.
    pub async fn step(&self) -> Result<Round, StoreError> {
        let mut round = Round::Idle;
        for lane in self.db.open_lanes().await? {
            let moved = self.db.step_lane(&lane, BATCH, ROOM, self.clock.now()).await?;
            round = round.max(if moved { Round::Moved } else { Round::Held });
        }
        Ok(round)
    }

    /// Notified when a recovery starts in this process.
    #[must_use]
    pub fn watch(&self) -> Arc<Notify> {
        self.watch.clone()
    }

    async fn find(&self, actor: &Actor, action: Action, id: RecoveryId) -> Result<Recovery, RecoveryError> {
        actor.check(action)?;
        let recovery = self.db.find_recovery(id).await?.ok_or(RecoveryError::Unknown)?;
        if !concerns(actor, &recovery.filter) {
            return Err(Forbidden.into());
        }
        Ok(recovery)
    }
}

/// The filter within what the actor may recover.
fn limited(actor: &Actor, mut filter: DeliveryFilter) -> Result<DeliveryFilter, RecoveryError> {
    match &filter.domain {
        Some(domain) => actor.check_domain(Action::ManageDeliveries, domain)?,
        None => actor.check(Action::ManageDeliveries)?,
    }
    if filter.state.is_some_and(|state| !state.is_recoverable()) {
        return Err(RecoveryError::BadState);
    }
    filter.only = actor.domains.clone();
    Ok(filter)
}

/// A filter for the audit log, without what it does not ask for.
fn audited(filter: &DeliveryFilter) -> Value {
    let mut asked = json!({
        "domain": filter.domain,
        "kind": filter.kind,
        "event": filter.event,
        "stream": filter.stream,
        "state": filter.state,
        "since": filter.since.map(moment),
        "until": filter.until.map(moment),
        "status": filter.status,
        "errorClass": filter.error_class,
        "text": filter.text,
        "recovery": filter.recovery,
        "only": filter.only,
    });
    if let Some(fields) = asked.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    asked
}

/// Whether everything that a filter can find lies within the actor's domains.
fn concerns(actor: &Actor, filter: &DeliveryFilter) -> bool {
    let Some(own) = &actor.domains else { return true };
    match (&filter.domain, &filter.only) {
        (Some(domain), _) => own.contains(domain),
        (None, Some(only)) => only.iter().all(|domain| own.contains(domain)),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recovery(queued: i64, left_out: i64, ended_at: Option<Millis>) -> Recovery {
        Recovery {
            id: RecoveryId(1),
            state: RecoveryState::Running,
            filter: DeliveryFilter::default(),
            started_by: "ada".to_owned(),
            started_at: 10_000,
            ended_at,
            total: 100,
            queued,
            left_out,
            outcome: None,
        }
    }

    #[test]
    fn the_pace_is_an_average_that_stands_still_at_the_end() {
        assert_eq!(recovery(30, 10, None).per_second(20_000), 4.0);
        assert_eq!(recovery(30, 10, Some(14_000)).per_second(20_000), 10.0);
        assert_eq!(recovery(0, 0, None).per_second(10_000), 0.0);
    }

    #[test]
    fn a_recovery_concerns_those_who_own_all_its_domains() {
        let own = |domains: &[&str]| Actor {
            domains: Some(domains.iter().map(|d| (*d).to_owned()).collect()),
            ..Actor::cli()
        };
        let of = |domain: Option<&str>, only: Option<&[&str]>| DeliveryFilter {
            domain: domain.map(str::to_owned),
            only: only.map(|only| only.iter().map(|d| (*d).to_owned()).collect()),
            ..DeliveryFilter::default()
        };
        assert!(concerns(&Actor::cli(), &of(None, None)));
        assert!(!concerns(&own(&["a"]), &of(None, None)), "it reaches into every domain");
        assert!(concerns(&own(&["a"]), &of(Some("a"), None)));
        assert!(!concerns(&own(&["a"]), &of(Some("b"), None)));
        assert!(concerns(&own(&["a", "b"]), &of(None, Some(&["b"]))));
        assert!(!concerns(&own(&["a"]), &of(None, Some(&["a", "b"]))));
    }
}

//! Use cases: count, start, list and cancel recoveries, and advance them.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::types::{Recoverable, Recovery, RecoveryOutcome, RecoveryProgress, RecoveryState};
use crate::audit::{AuditEntry, moment};
use crate::deliveries::{DeliveryFilter, RecoveryError};
use crate::model::{Action, Actor, Clock, Forbidden, IdGenerator, RecoveryId, StoreError};
use crate::storage::Db;

/// Deliveries queued in one transaction.
const BATCH: i64 = 100;
/// A task waits while its callback has this many queued deliveries.
const MAX_QUEUED: i64 = 200;
/// Number of recoveries in the list.
const LISTED: i64 = 50;

/// The use cases of *Recover*.
#[derive(Clone)]
pub struct Recoveries {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<IdGenerator>,
    /// Notified when a recovery starts.
    pub(crate) started: Arc<Notify>,
}

impl Recoveries {
    /// Counts the deliveries that a recovery would handle.
    pub async fn count(&self, actor: &Actor, filter: DeliveryFilter) -> Result<Recoverable, RecoveryError> {
        let counts = self.db.count_recoverable(&restricted(actor, filter)?).await?;
        Ok(counts.iter().fold(Recoverable::default(), |sum, task| Recoverable {
            total: sum.total + task.deliveries,
            callback_off: sum.callback_off + if task.active { 0 } else { task.deliveries },
        }))
    }

    /// Starts a recovery of the matching deliveries in the actor's domains.
    pub async fn start(&self, actor: &Actor, filter: DeliveryFilter) -> Result<Recovery, RecoveryError> {
        let filter = restricted(actor, filter)?;
        let now = self.clock.now();
        let id = RecoveryId(self.ids.next(now));
        let tasks = self.db.count_recoverable(&filter).await?;
        let total = tasks.iter().map(|task| task.deliveries).sum();
        let detail = json!({ "filter": audit_detail(&filter), "total": total });
        let audit = AuditEntry::new(actor, now, "recovery.start", id.to_string(), detail);
        let recovery = Recovery {
            id,
            state: if tasks.is_empty() { RecoveryState::Done } else { RecoveryState::Running },
            filter,
            started_by: actor.name(),
            started_at: now,
            ended_at: tasks.is_empty().then_some(now),
            total,
            queued: 0,
            left_out: 0,
            outcome: (!tasks.is_empty()).then(RecoveryOutcome::default),
        };
        self.db.start_recovery(&recovery, &tasks, &audit).await?;
        self.started.notify_one();
        Ok(recovery)
    }

    /// Returns one recovery.
    pub async fn get(&self, actor: &Actor, id: RecoveryId) -> Result<Recovery, RecoveryError> {
        self.find(actor, Action::Read, id).await
    }

    /// Returns the latest recoveries within the actor's domains, newest first.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Recovery>, RecoveryError> {
        actor.check(Action::Read)?;
        let mut recoveries = self.db.list_recoveries(LISTED).await?;
        recoveries.retain(|recovery| is_within_domains(actor, &recovery.filter));
        Ok(recoveries)
    }

    /// Stops a recovery. Deliveries that it has queued are still sent.
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

    /// Handles one batch of each open task. Called by the recovery loop of the server.
    pub async fn advance(&self) -> Result<RecoveryProgress, StoreError> {
        let mut progress = RecoveryProgress::Idle;
        for task in self.db.open_recovery_tasks().await? {
            let advanced = self.db.advance_recovery_task(&task, BATCH, MAX_QUEUED, self.clock.now()).await?;
            progress = progress.max(if advanced { RecoveryProgress::Advanced } else { RecoveryProgress::Blocked });
        }
        Ok(progress)
    }

    /// Returns the notification of recoveries that start in this process.
    #[must_use]
    pub fn started(&self) -> Arc<Notify> {
        self.started.clone()
    }

    async fn find(&self, actor: &Actor, action: Action, id: RecoveryId) -> Result<Recovery, RecoveryError> {
        actor.check(action)?;
        let recovery = self.db.find_recovery(id).await?.ok_or(RecoveryError::Unknown)?;
        if !is_within_domains(actor, &recovery.filter) {
            return Err(Forbidden.into());
        }
        Ok(recovery)
    }
}

/// Restricts a filter to deliveries that the actor may recover.
fn restricted(actor: &Actor, mut filter: DeliveryFilter) -> Result<DeliveryFilter, RecoveryError> {
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

/// Returns the set fields of a filter, for the audit log.
fn audit_detail(filter: &DeliveryFilter) -> Value {
    let mut set = json!({
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
    if let Some(fields) = set.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    set
}

/// Returns whether a filter can only match deliveries in the actor's domains.
fn is_within_domains(actor: &Actor, filter: &DeliveryFilter) -> bool {
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

    #[test]
    fn a_recovery_is_visible_to_actors_with_all_its_domains() {
        let limited_to = |domains: &[&str]| Actor {
            domains: Some(domains.iter().map(|d| (*d).to_owned()).collect()),
            ..Actor::cli()
        };
        let filter = |domain: Option<&str>, only: Option<&[&str]>| DeliveryFilter {
            domain: domain.map(str::to_owned),
            only: only.map(|only| only.iter().map(|d| (*d).to_owned()).collect()),
            ..DeliveryFilter::default()
        };
        assert!(is_within_domains(&Actor::cli(), &filter(None, None)));
        assert!(!is_within_domains(&limited_to(&["a"]), &filter(None, None)), "it covers all domains");
        assert!(is_within_domains(&limited_to(&["a"]), &filter(Some("a"), None)));
        assert!(!is_within_domains(&limited_to(&["a"]), &filter(Some("b"), None)));
        assert!(is_within_domains(&limited_to(&["a", "b"]), &filter(None, Some(&["b"]))));
        assert!(!is_within_domains(&limited_to(&["a"]), &filter(None, Some(&["a", "b"]))));
    }
}

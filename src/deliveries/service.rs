//! Use cases: list, resend and cancel deliveries.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{DayFigures, DeliveryDetail, DeliveryError, DeliveryFilter, DeliveryRow, DeliveryState, RetrySchedule};
use crate::audit::AuditEntry;
use crate::model::{Action, Actor, Clock, DeliveryId, Page, PageRequest};
use crate::storage::Db;

/// The result of resending several deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resent {
    pub queued: i64,
    /// Not queued, because the callback is off, has no address or was removed.
    pub left_out: i64,
}

/// The use cases of *Deliveries*.
#[derive(Clone)]
pub struct Deliveries {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) schedule: RetrySchedule,
}

impl Deliveries {
    /// Returns a page of the log, newest first.
    pub async fn list(
        &self,
        actor: &Actor,
        mut filter: DeliveryFilter,
        page: PageRequest,
    ) -> Result<Page<DeliveryRow>, DeliveryError> {
        match &filter.domain {
            Some(domain) => actor.check_domain(Action::Read, domain)?,
            None => actor.check(Action::Read)?,
        }
        filter.only = actor.domains.clone();
        Ok(self.db.list_deliveries(&filter, page).await?)
    }

    /// Returns a delivery with its attempts.
    pub async fn get(&self, actor: &Actor, id: DeliveryId) -> Result<DeliveryDetail, DeliveryError> {
        self.find(actor, Action::Read, id).await
    }

    /// Queues a delivery again, with the same `webhook-id` and all its tries.
    pub async fn resend(&self, actor: &Actor, id: DeliveryId) -> Result<DeliveryDetail, DeliveryError> {
        let detail = self.find(actor, Action::ManageDeliveries, id).await?;
        let now = self.clock.now();
        let change = state_change(detail.delivery.state, DeliveryState::Pending);
        let audit = AuditEntry::new(actor, now, "delivery.resend", id.to_string(), change);
        if self.db.resend(&[id], now, &audit).await? == 0 {
            return Err(DeliveryError::CallbackOff);
        }
        self.get(actor, id).await
    }

    /// Queues several deliveries again, in the order of their events.
    pub async fn resend_many(&self, actor: &Actor, mut ids: Vec<DeliveryId>) -> Result<Resent, DeliveryError> {
        actor.check(Action::ManageDeliveries)?;
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Err(DeliveryError::NoneSelected);
        }
        for domain in self.db.domains_of(&ids).await? {
            actor.check_domain(Action::ManageDeliveries, &domain)?;
        }
        let now = self.clock.now();
        let target = format!("{} deliveries", ids.len());
        let detail = json!({ "deliveries": ids, "after": { "state": DeliveryState::Pending } });
        let audit = AuditEntry::new(actor, now, "delivery.resend", target, detail);
        let queued = self.db.resend(&ids, now, &audit).await?;
        if queued == 0 {
            return Err(DeliveryError::CallbackOff);
        }
        Ok(Resent { queued, left_out: ids.len() as i64 - queued })
    }

    /// Takes a delivery out of the queue; it can be resent later.
    pub async fn cancel(&self, actor: &Actor, id: DeliveryId) -> Result<DeliveryDetail, DeliveryError> {
        let detail = self.find(actor, Action::ManageDeliveries, id).await?;
        let now = self.clock.now();
        let change = state_change(detail.delivery.state, DeliveryState::Cancelled);
        let audit = AuditEntry::new(actor, now, "delivery.cancel", id.to_string(), change);
        if !self.db.cancel(id, now, &audit).await? {
            return Err(DeliveryError::Finished);
        }
        self.get(actor, id).await
    }

    /// Counts the deliveries of the last 24 h.
    pub async fn figures(&self, actor: &Actor) -> Result<DayFigures, DeliveryError> {
        actor.check(Action::Read)?;
        let since = self.clock.now() - 24 * 3_600_000;
        Ok(self.db.figures(since, actor.domains.as_deref()).await?)
    }

    async fn find(&self, actor: &Actor, action: Action, id: DeliveryId) -> Result<DeliveryDetail, DeliveryError> {
        actor.check(action)?;
        let mut detail = self.db.delivery_detail(id).await?.ok_or(DeliveryError::Unknown)?;
        actor.check_domain(action, &detail.delivery.domain)?;
        detail.max_tries = self.schedule.tries();
        Ok(detail)
    }
}

/// Returns the detail of an audit entry.
fn state_change(before: DeliveryState, after: DeliveryState) -> Value {
    json!({ "before": { "state": before }, "after": { "state": after } })
}

//! Use cases of *Deliveries*.

use std::sync::Arc;

use serde_json::{Value, json};

use super::log::DeliveryFilter;
use super::{DayFigures, DeliveryDetail, DeliveryRow, DeliveryState, RetrySchedule};
use crate::audit::AuditEntry;
use crate::model::{
    Action, Actor, Clock, DeliveryId, Forbidden, Page, PageRequest, Problem, ProblemDetails, ProblemKind, StoreError,
    problem,
};
use crate::storage::Db;

/// Why something with a delivery cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    #[error("this delivery does not exist; its retention period may have ended")]
    Unknown,
    #[error("the callback is off or has no URL; turn it on, then resend")]
    CallbackOff,
    #[error("the delivery has already finished; nothing was cancelled")]
    Finished,
    #[error("no delivery is selected")]
    NoneSelected,
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Problem for DeliveryError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::Unknown => problem(ProblemKind::NotFound, "delivery_unknown"),
            Self::CallbackOff => problem(ProblemKind::Conflict, "delivery_callback_off"),
            Self::Finished => problem(ProblemKind::Conflict, "delivery_finished"),
            Self::NoneSelected => problem(ProblemKind::Invalid, "delivery_none_selected"),
            Self::Forbidden(e) => e.details(),
            Self::Store(e) => e.details(),
        }
    }
}

/// What became of deliveries that were to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resent {
    pub queued: i64,
    /// Those whose callback is off, has no address or is gone.
    pub left_out: i64,
}

/// The use cases.
#[derive(Clone)]
pub struct Deliveries {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) schedule: RetrySchedule,
}

impl Deliveries {
    /// A page of the log, newest first.
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

    /// One delivery with its attempts.
    pub async fn get(&self, actor: &Actor, id: DeliveryId) -> Result<DeliveryDetail, DeliveryError> {
        self.find(actor, Action::Read, id).await
    }

    /// Sends it again, under the same `webhook-id`, with all its tries.
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

    /// Sends several again, in the order of their events.
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

    /// Stops a waiting delivery; it can be resent later.
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

    /// Events and deliveries of the last 24 h.
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

/// For the audit log.
fn state_change(before: DeliveryState, after: DeliveryState) -> Value {
    json!({ "before": { "state": before }, "after": { "state": after } })
}

//! Use cases of a domain's callbacks.

use std::sync::Arc;

use serde_json::json;

use super::change::CallbackChange;
use super::error::CallbackError;
use super::store::{Callback, CallbackStore};
use super::views::CallbackView;
use crate::audit::AuditEntry;
use crate::domains::{Domain, Domains};
use crate::model::{Action, Actor, CallbackKind, Clock, StoreError};
use crate::outbound::{AddressPolicy, CallbackAddress, SigningSecret};
use crate::sealing::Sealer;

/// How long the former secret goes on signing after a rotation.
const OVERLAP_MS: i64 = 24 * 3_600_000;
/// The window of a callback's health.
const HEALTH_MS: i64 = 24 * 3_600_000;

/// A secret that was just made; the only time it is shown.
pub struct NewSecret(pub SigningSecret);

/// The use cases.
#[derive(Clone)]
pub struct Callbacks {
    pub(crate) store: Arc<dyn CallbackStore>,
    pub(crate) domains: Domains,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Sealer,
    pub(crate) policy: AddressPolicy,
}

impl Callbacks {
    /// One callback with its health.
    pub async fn get(&self, actor: &Actor, push: &str, kind: CallbackKind) -> Result<CallbackView, CallbackError> {
        let (_, callback) = self.find(actor, Action::Read, push, kind).await?;
        let health = self.store.callback_health(callback.id, self.clock.now() - HEALTH_MS).await?;
        Ok(CallbackView {
            kind,
            enabled: callback.enabled,
            address: callback.address,
            dialect: callback.dialect,
            ordered: callback.ordered,
            timeout_seconds: callback.timeout_seconds,
            headers: callback.headers,
            off_reason: callback.off_reason,
            previous_secret_until: callback.previous_secret_until.filter(|until| *until > self.clock.now()),
            health,
        })
    }

    /// Turns the callback on or off; the address stays. Without an address the switch stays on and deliveries are
    /// skipped until one is typed, as in the seed's story: slide, then edit.
    pub async fn set_enabled(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        enabled: bool,
    ) -> Result<CallbackView, CallbackError> {
        let (domain, callback) = self.find(actor, Action::ManageCallbacks, push, kind).await?;
        let change = CallbackChange { enabled, ..present(&callback) };
        self.write(actor, &domain, &callback, &change).await?;
        self.get(actor, push, kind).await
    }

    /// Sets the address; counts for the next attempt, waiting retries included.
    pub async fn set_address(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        address: &str,
    ) -> Result<CallbackView, CallbackError> {
        let (domain, callback) = self.find(actor, Action::ManageCallbacks, push, kind).await?;
        let address = Some(CallbackAddress::parse(address)?);
        let change = CallbackChange { address, ..present(&callback) };
        change.check(&self.policy)?;
        self.write(actor, &domain, &callback, &change).await?;
        self.get(actor, push, kind).await
    }

    /// Replaces all settings at once.
    pub async fn put(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        change: CallbackChange,
    ) -> Result<CallbackView, CallbackError> {
        let (domain, callback) = self.find(actor, Action::ManageCallbacks, push, kind).await?;
        change.check(&self.policy)?;
        self.write(actor, &domain, &callback, &change).await?;
        self.get(actor, push, kind).await
    }

    /// Makes a new secret. The former one signs too for 24 h.
    pub async fn rotate_secret(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
    ) -> Result<NewSecret, CallbackError> {
        let (domain, callback) = self.find(actor, Action::ManageCallbacks, push, kind).await?;
        let secret = SigningSecret::generate();
        let now = self.clock.now();
        let audit = AuditEntry::new(actor, now, "callback.rotate_secret", &domain.push, json!({ "kind": kind }));
        let sealed = self.sealer.seal(secret.expose());
        self.store.rotate_secret(callback.id, sealed, now + OVERLAP_MS, now, &audit).await?;
        Ok(NewSecret(secret))
    }

    async fn write(
        &self,
        actor: &Actor,
        domain: &Domain,
        callback: &Callback,
        change: &CallbackChange,
    ) -> Result<(), CallbackError> {
        let now = self.clock.now();
        let shown = |enabled: bool, address: Option<&str>| json!({ "enabled": enabled, "address": address });
        let detail = json!({
            "kind": callback.kind,
            "before": shown(callback.enabled, callback.address.as_deref()),
            "after": shown(change.enabled, change.address.as_ref().map(CallbackAddress::as_str)),
        });
        let audit = AuditEntry::new(actor, now, "callback.change", &domain.push, detail);
        Ok(self.store.change_callback(callback.id, change, now, &audit).await?)
    }

    pub(crate) async fn find(
        &self,
        actor: &Actor,
        action: Action,
        push: &str,
        kind: CallbackKind,
    ) -> Result<(Domain, Callback), CallbackError> {
        let domain = self.domains.find(actor, action, push).await?;
        let callback = self
            .store
            .find_callback(domain.source_id, kind)
            .await?
            .ok_or_else(|| StoreError::corrupt("a domain without its callbacks"))?;
        Ok((domain, callback))
    }
}

/// The settings as they are, as the ground for a change.
fn present(callback: &Callback) -> CallbackChange {
    CallbackChange {
        enabled: callback.enabled,
        address: callback.address.as_deref().and_then(|a| CallbackAddress::parse(a).ok()),
        dialect: callback.dialect,
        ordered: callback.ordered,
        timeout_seconds: callback.timeout_seconds,
        headers: callback.headers.clone(),
    }
}

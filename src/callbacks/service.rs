//! Use cases of a domain's callbacks.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::change::{CallbackChange, CallbackOptions};
use super::error::CallbackError;
use super::types::Callback;
use super::{CallbackView, CallbacksAtAGlance};
use crate::audit::{AuditEntry, fingerprint, moment};
use crate::domains::{Domain, Domains};
use crate::model::{Action, Actor, CallbackKind, Clock, Expected, StoreError};
use crate::outbound::{AddressPolicy, CallbackAddress, SigningSecret};
use crate::sealing::Sealer;
use crate::storage::Db;

const HOUR_MS: i64 = 3_600_000;
/// How long the former secret goes on signing after a rotation, unless somebody says otherwise.
pub const OVERLAP_HOURS: i64 = 24;
/// The longest that anybody may say (7 days).
const LONGEST_OVERLAP_HOURS: i64 = 168;
/// The window of a callback's health.
const HEALTH_MS: i64 = 24 * HOUR_MS;
/// Callbacks in trouble that are shown; the rest is on the pages of their domains.
const TROUBLED_SHOWN: i64 = 20;

/// A secret that was just made; the only time it is shown.
pub struct NewSecret(pub SigningSecret);

/// The use cases.
#[derive(Clone)]
pub struct Callbacks {
    pub(crate) db: Db,
    pub(crate) domains: Domains,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Sealer,
    pub(crate) policy: AddressPolicy,
}

impl Callbacks {
    /// One callback with its health.
    pub async fn get(&self, actor: &Actor, push: &str, kind: CallbackKind) -> Result<CallbackView, CallbackError> {
        let (_, callback) = self.find(actor, Action::Read, push, kind).await?;
        let health = self.db.callback_health(callback.id, self.clock.now() - HEALTH_MS).await?;
        Ok(CallbackView {
            kind,
            enabled: callback.enabled,
            address: callback.address,
            dialect: callback.dialect,
            ordered: callback.ordered,
            timeout_seconds: callback.timeout_seconds,
            headers: callback.headers,
            off_reason: callback.off_reason,
            pause: callback.pause,
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
        self.edit(actor, push, kind, |_, present| Ok(CallbackChange { enabled, ..present })).await?;
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
        self.set_address_if(actor, push, kind, address, &Expected::Any).await
    }

    /// Sets the address, where the present one is of the expected version ([`address_version`]).
    pub async fn set_address_if(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        address: &str,
        expected: &Expected,
    ) -> Result<CallbackView, CallbackError> {
        let address = self.new_address(actor, push, address).await?;
        self.edit(actor, push, kind, |callback, present| {
            expected.check(&callback.address_version())?;
            Ok(CallbackChange { address: Some(address.clone()), ..present })
        })
        .await?;
        self.get(actor, push, kind).await
    }

    /// Sets all but the switch and the address, where what is set is of the expected version ([`options_version`]).
    pub async fn set_options_if(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        options: CallbackOptions,
        expected: &Expected,
    ) -> Result<(), CallbackError> {
        options.check()?;
        self.edit(actor, push, kind, |callback, present| {
            expected.check(&callback.options_version())?;
            Ok(options.clone().over(present))
        })
        .await
    }

    /// Turns the callback on, to this address.
    pub async fn turn_on(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        address: &str,
    ) -> Result<(), CallbackError> {
        let address = self.new_address(actor, push, address).await?;
        let change = |present| CallbackChange { enabled: true, address: Some(address.clone()), ..present };
        self.edit(actor, push, kind, |_, present| Ok(change(present))).await
    }

    /// Replaces all settings at once.
    pub async fn put(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        change: CallbackChange,
    ) -> Result<CallbackView, CallbackError> {
        self.change_if(actor, push, kind, &Expected::Any, |_| Ok(change.clone())).await
    }

    /// Changes the settings that `change` changes, where all of them are of the expected version.
    pub async fn change_if(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        expected: &Expected,
        change: impl Fn(CallbackChange) -> Result<CallbackChange, CallbackError>,
    ) -> Result<CallbackView, CallbackError> {
        self.edit(actor, push, kind, |callback, present| {
            let change = change(present)?;
            change.check(&self.policy)?;
            expected.check(&callback.version())?;
            Ok(change)
        })
        .await?;
        self.get(actor, push, kind).await
    }

    /// Ends a pause now: what waits goes out, slowly at first. Nothing happens to one that is not paused.
    pub async fn resume(&self, actor: &Actor, push: &str, kind: CallbackKind) -> Result<CallbackView, CallbackError> {
        let (domain, callback) = self.find(actor, Action::ManageCallbacks, push, kind).await?;
        if let Some(pause) = &callback.pause {
            let now = self.clock.now();
            let audit = AuditEntry::new(
                actor,
                now,
                "callback.resume",
                &domain.push,
                json!({ "kind": kind, "before": { "pausedSince": moment(pause.since), "reason": pause.reason } }),
            );
            self.db.resume_callback(callback.id, now, &audit).await?;
        }
        self.get(actor, push, kind).await
    }

    /// Whether any callback is on, and those that need a look; the paused ones first.
    pub async fn at_a_glance(&self, actor: &Actor) -> Result<CallbacksAtAGlance, CallbackError> {
        actor.check(Action::Read)?;
        Ok(self.db.callbacks_at_a_glance(actor.domains.as_deref(), TROUBLED_SHOWN).await?)
    }

    /// Makes a new secret. The one that it replaces signs too for `overlap_hours`, 0 to 168; one before that signs no more.
    pub async fn rotate_secret(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        overlap_hours: i64,
    ) -> Result<NewSecret, CallbackError> {
        let (domain, callback) = self.find(actor, Action::ManageCallbacks, push, kind).await?;
        let overlap = overlap_ms(overlap_hours)?;
        let secret = SigningSecret::generate();
        let now = self.clock.now();
        let detail = json!({
            "kind": kind,
            "before": { "secret": self.fingerprint(&callback.secret_sealed) },
            "after": { "secret": secret.fingerprint() },
            "overlapHours": overlap_hours,
        });
        let audit = AuditEntry::new(actor, now, "callback.rotate_secret", &domain.push, detail);
        let sealed = self.sealer.seal(secret.expose());
        self.db.rotate_secret(callback.id, sealed, now + overlap, now, &audit).await?;
        Ok(NewSecret(secret))
    }

    /// The former secret goes on signing for `overlap_hours` from now, 0 to 168; 0 ends it at once.
    pub async fn set_overlap(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        overlap_hours: i64,
    ) -> Result<CallbackView, CallbackError> {
        let (domain, callback) = self.find(actor, Action::ManageCallbacks, push, kind).await?;
        let overlap = overlap_ms(overlap_hours)?;
        let now = self.clock.now();
        let former = callback.previous_secret_sealed.as_deref().and_then(|sealed| self.fingerprint(sealed));
        let detail = json!({
            "kind": kind,
            "secret": former,
            "before": { "signsUntil": callback.previous_secret_until.map(moment) },
            "after": { "signsUntil": moment(now + overlap) },
        });
        let audit = AuditEntry::new(actor, now, "callback.set_overlap", &domain.push, detail);
        if !self.db.set_overlap(callback.id, now + overlap, now, &audit).await? {
            return Err(CallbackError::NoFormerSecret);
        }
        self.get(actor, push, kind).await
    }

    /// `None`: it does not open with the present key file. A new secret is the way out of that, so it must not stand in it.
    fn fingerprint(&self, sealed: &[u8]) -> Option<String> {
        let secret = SigningSecret::parse(&self.sealer.open_text(sealed).ok()?).ok()?;
        Some(secret.fingerprint())
    }

    async fn new_address(&self, actor: &Actor, push: &str, address: &str) -> Result<CallbackAddress, CallbackError> {
        self.domains.find(actor, Action::ManageCallbacks, push).await?;
        let address = CallbackAddress::parse(address)?;
        self.policy.check_address(&address)?;
        Ok(address)
    }

    /// Changes some of the settings. `edit` gets the callback and its settings as they are when they are written: if somebody changes
    /// others at the same time, neither change is lost.
    async fn edit(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        edit: impl Fn(&Callback, CallbackChange) -> Result<CallbackChange, CallbackError>,
    ) -> Result<(), CallbackError> {
        loop {
            let (domain, callback) = self.find(actor, Action::ManageCallbacks, push, kind).await?;
            let change = edit(&callback, present(&callback))?;
            let expected = Expected::OneOf(vec![callback.version()]);
            match self.write(actor, &domain, &callback, &change, &expected).await {
                Err(CallbackError::Store(StoreError::Changed)) => {}
                done => return done,
            }
        }
    }

    async fn write(
        &self,
        actor: &Actor,
        domain: &Domain,
        callback: &Callback,
        change: &CallbackChange,
        expected: &Expected,
    ) -> Result<(), CallbackError> {
        let now = self.clock.now();
        let detail = json!({ "kind": callback.kind, "before": audited(&present(callback)), "after": audited(change) });
        let audit = AuditEntry::new(actor, now, "callback.change", &domain.push, detail);
        Ok(self.db.change_callback(callback.id, change, expected, now, &audit).await?)
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
            .db
            .find_callback(domain.source_id, kind)
            .await?
            .ok_or_else(|| StoreError::corrupt("a domain without its callbacks"))?;
        Ok((domain, callback))
    }
}

/// Settings for the audit log. What a header says may be a secret: its fingerprint tells that it changed.
fn audited(settings: &CallbackChange) -> Value {
    let headers = settings.headers.iter().map(|(name, value)| (name.clone(), fingerprint(value).into()));
    json!({
        "enabled": settings.enabled,
        "address": settings.address.as_ref().map(CallbackAddress::as_str),
        "dialect": settings.dialect,
        "ordered": settings.ordered,
        "timeoutSeconds": settings.timeout_seconds,
        "headers": headers.collect::<Map<_, _>>(),
    })
}

fn overlap_ms(hours: i64) -> Result<i64, CallbackError> {
    if !(0..=LONGEST_OVERLAP_HOURS).contains(&hours) {
        return Err(CallbackError::BadOverlap);
    }
    Ok(hours * HOUR_MS)
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

//! Use cases of a domain's callbacks.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::error::CallbackError;
use super::headers::check_headers;
use super::types::Callback;
use super::{CallbackSettings, CallbackView, CallbacksAtAGlance, address_version, options_version};
use crate::audit::{AuditEntry, fingerprint, moment};
use crate::domains::{DomainError, DomainView, Domains};
use crate::model::{Action, Actor, CallbackKind, Clock, DomainName, Expected, Version};
use crate::outbound::{AddressPolicy, CallbackAddress, SigningSecret};
use crate::sealing::Sealer;
use crate::storage::{Db, Tx};

const HOUR_MS: i64 = 3_600_000;
/// Default overlap after a rotation, during which the previous secret signs too.
pub const OVERLAP_HOURS: i64 = 24;
/// Maximum overlap (7 days).
const MAX_OVERLAP_HOURS: i64 = 168;
/// Time window of the delivery counts in a callback's health.
const HEALTH_MS: i64 = 24 * HOUR_MS;
/// Maximum number of troubled callbacks on the overview page.
const MAX_TROUBLED: i64 = 20;

/// A new signing secret. It is shown only once.
pub struct NewSecret(pub SigningSecret);

/// Use cases of callbacks. Changes return the callback as it was written; [`Callbacks::get`] adds its health.
#[derive(Clone)]
pub struct Callbacks {
    pub(crate) db: Db,
    pub(crate) domains: Domains,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Sealer,
    pub(crate) policy: AddressPolicy,
}

impl Callbacks {
    /// Returns a callback with its health.
    pub async fn get(&self, actor: &Actor, push: &str, kind: CallbackKind) -> Result<CallbackView, CallbackError> {
        let callback = self.find(actor, Action::Read, push, kind).await?;
        let now = self.clock.now();
        let health = self.db.callback_health(callback.id, now - HEALTH_MS).await?;
        Ok(CallbackView {
            kind,
            settings: callback.settings,
            off_reason: callback.off_reason,
            pause: callback.pause,
            previous_secret_until: callback.previous_secret_until.filter(|until| *until > now),
            health,
        })
    }

    /// Returns the number of queued deliveries, retries included.
    pub async fn waiting(&self, actor: &Actor, push: &str, kind: CallbackKind) -> Result<i64, CallbackError> {
        let push = self.domains.authorize(actor, Action::Read, push)?;
        Ok(self.db.count_queued(push.ascii(), kind).await?)
    }

    /// Turns the callback on or off; the address stays. It may be on without an address: deliveries are skipped until one is set.
    pub async fn set_enabled(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        enabled: bool,
    ) -> Result<Callback, CallbackError> {
        self.change(actor, push, kind, |settings| Ok(CallbackSettings { enabled, ..settings })).await
    }

    /// Sets the address. It applies from the next attempt, retries included.
    pub async fn set_address(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        address: &str,
    ) -> Result<Callback, CallbackError> {
        self.set_address_if(actor, push, kind, address, &Expected::Any).await
    }

    /// Sets the address if the stored one has the expected version ([`address_version`]).
    pub async fn set_address_if(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        address: &str,
        expected: &Expected,
    ) -> Result<Callback, CallbackError> {
        self.change(actor, push, kind, |settings| {
            let address = Some(self.parse_address(address)?);
            expected.check(&address_version(&settings))?;
            Ok(CallbackSettings { address, ..settings })
        })
        .await
    }

    /// Changes dialect, order, timeout and headers, if the stored ones have the expected version ([`options_version`]).
    pub async fn set_options_if(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        expected: &Expected,
        change: impl FnOnce(CallbackSettings) -> CallbackSettings,
    ) -> Result<Callback, CallbackError> {
        self.change(actor, push, kind, |settings| {
            let present = options_version(&settings);
            let changed = change(settings);
            check_options(&changed)?;
            expected.check(&present)?;
            Ok(changed)
        })
        .await
    }

    /// Sets the address and turns the callback on.
    pub async fn turn_on(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        address: &str,
    ) -> Result<Callback, CallbackError> {
        self.change(actor, push, kind, |settings| {
            let address = Some(self.parse_address(address)?);
            Ok(CallbackSettings { enabled: true, address, ..settings })
        })
        .await
    }

    /// Replaces all settings.
    pub async fn put(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        settings: CallbackSettings,
    ) -> Result<Callback, CallbackError> {
        self.change_if(actor, push, kind, &Expected::Any, |_| Ok(settings)).await
    }

    /// Changes any of the settings, if the stored ones have the expected version.
    pub async fn change_if(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        expected: &Expected,
        change: impl FnOnce(CallbackSettings) -> Result<CallbackSettings, CallbackError>,
    ) -> Result<Callback, CallbackError> {
        self.change(actor, push, kind, |settings| {
            let present = Version::from(&settings);
            let changed = self.check(change(settings)?)?;
            expected.check(&present)?;
            Ok(changed)
        })
        .await
    }

    /// Ends a pause: waiting deliveries are sent, slowly at first. Does nothing if the callback is not paused.
    pub async fn resume(&self, actor: &Actor, push: &str, kind: CallbackKind) -> Result<Callback, CallbackError> {
        let (tx, push, callback) = self.lock(actor, push, kind).await?;
        let Some(pause) = &callback.pause else { return Ok(callback) };
        let detail = json!({ "kind": kind, "before": { "pausedSince": moment(pause.since), "reason": pause.reason } });
        let audit = AuditEntry::new(actor, self.clock.now(), "callback.resume", push.ascii(), detail);
        self.db.resume_callback(tx, callback.id, &audit).await?;
        Ok(Callback { pause: None, ..callback })
    }

    /// Returns whether any callback is on, and the troubled ones, paused callbacks first.
    pub async fn at_a_glance(&self, actor: &Actor) -> Result<CallbacksAtAGlance, CallbackError> {
        actor.check(Action::Read)?;
        Ok(self.db.callbacks_at_a_glance(actor.domains.as_deref(), MAX_TROUBLED).await?)
    }

    /// Creates a new secret. The one that it replaces signs too for `overlap_hours`, 0 to 168; an older one stops signing.
    pub async fn rotate_secret(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        overlap_hours: i64,
    ) -> Result<NewSecret, CallbackError> {
        let (tx, push, callback) = self.lock(actor, push, kind).await?;
        let overlap = overlap_ms(overlap_hours)?;
        let secret = SigningSecret::generate();
        let now = self.clock.now();
        let detail = json!({
            "kind": kind,
            "before": { "secret": self.fingerprint(&callback.secret_sealed) },
            "after": { "secret": secret.fingerprint() },
            "overlapHours": overlap_hours,
        });
        let audit = AuditEntry::new(actor, now, "callback.rotate_secret", push.ascii(), detail);
        let sealed = self.sealer.seal(secret.expose());
        self.db.rotate_secret(tx, callback.id, sealed, now + overlap, &audit).await?;
        Ok(NewSecret(secret))
    }

    /// Lets the previous secret sign for `overlap_hours` from now, 0 to 168; 0 ends it at once.
    pub async fn set_overlap(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        overlap_hours: i64,
    ) -> Result<Callback, CallbackError> {
        let (tx, push, callback) = self.lock(actor, push, kind).await?;
        let overlap = overlap_ms(overlap_hours)?;
        let now = self.clock.now();
        if callback.previous_secret_until.is_none_or(|until| until <= now) {
            return Err(CallbackError::NoFormerSecret);
        }
        let previous = callback.previous_secret_sealed.as_deref().and_then(|sealed| self.fingerprint(sealed));
        let detail = json!({
            "kind": kind,
            "secret": previous,
            "before": { "signsUntil": callback.previous_secret_until.map(moment) },
            "after": { "signsUntil": moment(now + overlap) },
        });
        let audit = AuditEntry::new(actor, now, "callback.set_overlap", push.ascii(), detail);
        self.db.set_overlap(tx, callback.id, now + overlap, &audit).await?;
        Ok(Callback { previous_secret_until: (overlap > 0).then_some(now + overlap), ..callback })
    }

    /// Returns the fingerprint of a sealed secret; `None` if the key file does not open it. Rotation must work even then.
    fn fingerprint(&self, sealed: &[u8]) -> Option<String> {
        let secret = SigningSecret::parse(&self.sealer.open_text(sealed).ok()?).ok()?;
        Some(secret.fingerprint())
    }

    fn parse_address(&self, address: &str) -> Result<String, CallbackError> {
        let address = CallbackAddress::parse(address)?;
        self.policy.check_address(&address)?;
        Ok(address.as_str().to_owned())
    }

    /// Checks all settings and normalizes the address.
    fn check(&self, settings: CallbackSettings) -> Result<CallbackSettings, CallbackError> {
        let address = settings.address.as_deref().map(|address| self.parse_address(address)).transpose()?;
        if settings.enabled && address.is_none() {
            return Err(CallbackError::NoAddress);
        }
        check_options(&settings)?;
        Ok(CallbackSettings { address, ..settings })
    }

    /// Changes the settings. The callback is locked in between, so that concurrent changes of other settings are kept.
    async fn change(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        change: impl FnOnce(CallbackSettings) -> Result<CallbackSettings, CallbackError>,
    ) -> Result<Callback, CallbackError> {
        let (tx, push, callback) = self.lock(actor, push, kind).await?;
        let settings = change(callback.settings.clone())?;
        let detail = json!({ "kind": kind, "before": audited(&callback.settings), "after": audited(&settings) });
        let audit = AuditEntry::new(actor, self.clock.now(), "callback.change", push.ascii(), detail);
        self.db.change_callback(tx, callback.id, &settings, &audit).await?;
        Ok(Callback { settings, off_reason: None, pause: None, ..callback })
    }

    /// Begins a transaction and locks the callback for a change.
    async fn lock(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
    ) -> Result<(Tx, DomainName, Callback), CallbackError> {
        let name = self.domains.authorize(actor, Action::ManageCallbacks, push)?;
        let mut tx = self.db.begin().await?;
        let callback = self.db.lock_callback(&mut tx, name.ascii(), kind).await?;
        let callback = callback.ok_or_else(|| DomainError::Unknown(push.to_owned()))?;
        Ok((tx, name, callback))
    }

    async fn find(
        &self,
        actor: &Actor,
        action: Action,
        push: &str,
        kind: CallbackKind,
    ) -> Result<Callback, CallbackError> {
        let name = self.domains.authorize(actor, action, push)?;
        let callback = self.db.find_callback(name.ascii(), kind).await?;
        Ok(callback.ok_or_else(|| DomainError::Unknown(push.to_owned()))?)
    }

    pub(crate) async fn find_with_domain(
        &self,
        actor: &Actor,
        action: Action,
        push: &str,
        kind: CallbackKind,
    ) -> Result<(DomainView, Callback), CallbackError> {
        let domain = self.domains.find(actor, action, push).await?;
        Ok((domain, self.find(actor, action, push, kind).await?))
    }
}

fn check_options(settings: &CallbackSettings) -> Result<(), CallbackError> {
    if !(1..=30).contains(&settings.timeout_seconds) {
        return Err(CallbackError::BadTimeout);
    }
    Ok(check_headers(&settings.headers)?)
}

/// Returns settings for the audit log. Header values may be secret, so they are replaced by fingerprints.
fn audited(settings: &CallbackSettings) -> Value {
    let headers = settings.headers.iter().map(|(name, value)| (name.clone(), fingerprint(value).into()));
    json!({
        "enabled": settings.enabled,
        "address": settings.address,
        "dialect": settings.dialect,
        "ordered": settings.ordered,
        "timeoutSeconds": settings.timeout_seconds,
        "headers": headers.collect::<Map<_, _>>(),
    })
}

fn overlap_ms(hours: i64) -> Result<i64, CallbackError> {
    if !(0..=MAX_OVERLAP_HOURS).contains(&hours) {
        return Err(CallbackError::BadOverlap);
    }
    Ok(hours * HOUR_MS)
}

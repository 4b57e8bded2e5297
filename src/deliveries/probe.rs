//! *Test*: sends a sample event to an address, saved or not, with the client and signature of real deliveries.

mod passed;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jiff::tz::TimeZone;

use super::body::render;
use super::sender::{add_custom_headers, add_event_headers, open_secrets, phase_views, set_header, signed_headers};
use super::{ProbeError, ProbeReport};
use crate::callbacks::{Callback, Callbacks};
use crate::domains::DomainView;
use crate::model::{
    Action, Actor, AppName, CallbackKind, Clock, DeliveryId, DomainName, EventName, IdGenerator, Millis, SessionId,
    Status, StreamName,
};
use crate::outbound::{CallbackAddress, Outbound, SigningSecret};
use crate::recordings::PartLocation;
use crate::streams::Event;
use passed::PassedTests;

/// Names in sample events.
const APP: &str = "live";
const STREAM: &str = "test";
const BUCKET: &str = "recordings";
/// Duration of the recording in a sample event.
const PART_MS: Millis = 32_000;

/// The use cases that test addresses.
#[derive(Clone)]
pub struct Prober {
    callbacks: Callbacks,
    clock: Arc<dyn Clock>,
    ids: Arc<IdGenerator>,
    outbound: Arc<Outbound>,
    zone: TimeZone,
    per_person: Arc<DefaultKeyedRateLimiter<String>>,
    passed: PassedTests,
}

/// The destination of a test request.
struct Target {
    address: CallbackAddress,
    /// The tested callback and its domain; `None`: only an address is tested.
    callback: Option<(DomainView, Callback)>,
}

impl Prober {
    pub(crate) fn new(
        callbacks: Callbacks,
        clock: Arc<dyn Clock>,
        ids: Arc<IdGenerator>,
        outbound: Arc<Outbound>,
        zone: TimeZone,
    ) -> Self {
        const TEN: NonZeroU32 = NonZeroU32::new(10).expect("not zero");
        let per_person = Arc::new(RateLimiter::keyed(Quota::per_minute(TEN)));
        Self { callbacks, clock, ids, outbound, zone, per_person, passed: PassedTests::default() }
    }

    /// Sends a sample event of this kind to `address`. With a domain, uses the dialect, secret, timeout and headers of its callback.
    pub async fn test(
        &self,
        actor: &Actor,
        push: Option<&str>,
        kind: CallbackKind,
        address: &str,
    ) -> Result<ProbeReport, ProbeError> {
        let target = self.target(actor, push, kind, address).await?;
        self.send(actor, kind, &target).await
    }

    /// Tests an address before it is saved. Returns `None` if the same user's test of this callback, with the same address and settings,
    /// passed within the last minutes: the receiver need not get another sample. Saving checks the address against the network policy
    /// in any case.
    pub async fn test_before_saving(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        address: &str,
    ) -> Result<Option<ProbeReport>, ProbeError> {
        let target = self.target(actor, Some(push), kind, address).await?;
        let known = target
            .callback
            .as_ref()
            .is_some_and(|(_, callback)| self.passed.covers(&actor.who, callback, &target.address, self.clock.now()));
        if known { Ok(None) } else { self.send(actor, kind, &target).await.map(Some) }
    }

    async fn target(
        &self,
        actor: &Actor,
        push: Option<&str>,
        kind: CallbackKind,
        address: &str,
    ) -> Result<Target, ProbeError> {
        actor.check(Action::ManageCallbacks)?;
        let address = CallbackAddress::parse(address)?;
        let callback = match push {
            Some(push) => Some(self.callbacks.find_with_domain(actor, Action::ManageCallbacks, push, kind).await?),
            None => None,
        };
        Ok(Target { address, callback })
    }

    async fn send(&self, actor: &Actor, kind: CallbackKind, target: &Target) -> Result<ProbeReport, ProbeError> {
        let now = self.clock.now();
        let callback = target.callback.as_ref().map(|(_, callback)| callback);
        let secrets = match callback {
            Some(callback) => open_secrets(&self.callbacks.sealer, callback, now)?,
            None => vec![SigningSecret::generate()],
        };
        if self.per_person.check_key(&actor.name()).is_err() {
            return Err(ProbeError::TooMany);
        }
        let domain = target.callback.as_ref().map_or("push.example.com", |(domain, _)| domain.push.as_str());
        let event = sample_event(kind, domain, now, &self.zone);
        let settings = callback.map(|callback| callback.settings.clone()).unwrap_or_default();
        // Every dialect includes the sample event.
        let (name, body) = render(settings.dialect, domain, APP, STREAM, &event)
            .map(|rendered| (rendered.event, rendered.body))
            .unzip();
        let (name, body) = (name.unwrap_or(event.name), body.unwrap_or_default());
        let id = DeliveryId(self.ids.next(now)).to_string();
        let mut headers = signed_headers(&id, &body, &secrets, now);
        add_event_headers(&mut headers, name, now, SessionId(self.ids.next(now)), 1, 1);
        set_header(&mut headers, "callsheet-test", "true");
        add_custom_headers(&mut headers, &settings.headers);
        let timeout = Duration::from_secs(u64::try_from(settings.timeout_seconds).unwrap_or(15));
        let exchange = self.outbound.probe(&target.address, headers, Bytes::from(body), timeout).await;
        if let Some(callback) = callback {
            self.passed.record(&actor.who, callback, &target.address, exchange.succeeded(), self.clock.now());
        }
        let answer = exchange.answer.as_ref();
        let shown = answer.map(|a| String::from_utf8_lossy(&a.body[..a.body.len().min(2048)]).into_owned());
        Ok(ProbeReport {
            ok: exchange.succeeded(),
            failed_phase: exchange.failure.as_ref().map(|f| f.phase.as_str().to_owned()),
            error_class: exchange.failure.as_ref().map(|f| f.class.as_str().to_owned()),
            error: exchange.failure.as_ref().map(|f| f.detail.clone()),
            remedy: exchange.failure.as_ref().map(|f| f.remedy.clone()),
            status: answer.map(|a| i64::from(a.status.as_u16())),
            body: shown.unwrap_or_default(),
            phases: phase_views(&exchange),
        })
    }
}

/// Returns a sample event: the start of a push, or the end of a recording part. Every dialect includes both.
fn sample_event(kind: CallbackKind, domain: &str, now: Millis, zone: &TimeZone) -> Event {
    let started = Event {
        sequence: 1,
        name: EventName::PublishStarted,
        status: Status::Success,
        error: None,
        at: now,
        part: None,
        url: None,
        duration_ms: None,
        start_time_ms: None,
        stop_time_ms: None,
        bytes: None,
        client: None,
        params: Vec::new(),
    };
    match kind {
        CallbackKind::Publish => started,
        CallbackKind::Record => Event {
            name: EventName::RecordPartDone,
            part: Some(1),
            url: sample_url(domain, now, zone),
            duration_ms: Some(PART_MS),
            start_time_ms: Some(now - PART_MS),
            stop_time_ms: Some(now),
            bytes: Some(4_096_000),
            ..started
        },
    }
}

fn sample_url(domain: &str, now: Millis, zone: &TimeZone) -> Option<String> {
    let location = PartLocation {
        bucket: BUCKET,
        domain: &DomainName::parse(domain).ok()?,
        app: &AppName::parse(APP).ok()?,
        stream: &StreamName::parse(STREAM).ok()?,
        start: now - PART_MS,
        end: Some(now),
    };
    Some(location.path(zone))
}

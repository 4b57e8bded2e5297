//! *Test*: a sample event to an address that need not be saved, through the very client and signature of deliveries.

mod passed;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jiff::tz::TimeZone;

use super::ProbeReport;
use super::attempt::{CourierError, custom, describe, headers, open_secrets, phases, set};
use super::body::render;
use crate::callbacks::{Callback, CallbackError, Callbacks};
use crate::domains::DomainView;
use crate::model::{
    Action, Actor, AppName, CallbackKind, Clock, DeliveryId, DomainName, EventName, Forbidden, IdGenerator, Millis,
    Problem, ProblemDetails, ProblemKind, SessionId, Status, StreamName, problem,
};
use crate::outbound::{AddressError, CallbackAddress, Outbound, SigningSecret};
use crate::recordings::PartLocation;
use crate::streams::Event;
use passed::PassedTests;

/// Names of the stream and the bucket in samples.
const APP: &str = "live";
const STREAM: &str = "test";
const BUCKET: &str = "recordings";
/// Length of the recording in a sample.
const PART_MS: Millis = 32_000;

/// Why a test could not be made at all. A test that fails is a [`ProbeReport`].
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("at most 10 tests per minute; wait a moment, then test again")]
    TooMany,
    #[error(transparent)]
    Callback(#[from] CallbackError),
    #[error(transparent)]
    Secret(#[from] CourierError),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
}

impl Problem for ProbeError {
    fn details(&self) -> ProblemDetails {
        match self {
            Self::Address(e) => e.details(),
            Self::TooMany => problem(ProblemKind::TooMany, "probe_too_many"),
            Self::Callback(e) => e.details(),
            Self::Secret(_) => problem(ProblemKind::Internal, "internal"),
            Self::Forbidden(e) => e.details(),
        }
    }
}

/// Tests addresses.
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

/// The request of a test, but for its sample.
struct Target {
    address: CallbackAddress,
    /// The callback that is tested and its domain; none: only an address is.
    of: Option<(DomainView, Callback)>,
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

    /// Posts a sample of the callback's own events to `address`. With a domain, its callback's dialect, secret, timeout and headers are
    /// used.
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

    /// Tests an address before it is saved. `None`: the same person's test of this callback, with the same address and settings, passed
    /// within the last minutes, so that the receiver need not get another. Saving checks where the address may lie, in any case.
    pub async fn test_before_saving(
        &self,
        actor: &Actor,
        push: &str,
        kind: CallbackKind,
        address: &str,
    ) -> Result<Option<ProbeReport>, ProbeError> {
        let target = self.target(actor, Some(push), kind, address).await?;
        let known = target
            .of
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
        let of = match push {
            Some(push) => Some(self.callbacks.find_with_domain(actor, Action::ManageCallbacks, push, kind).await?),
            None => None,
        };
        Ok(Target { address, of })
    }

    async fn send(&self, actor: &Actor, kind: CallbackKind, target: &Target) -> Result<ProbeReport, ProbeError> {
        let now = self.clock.now();
        let callback = target.of.as_ref().map(|(_, callback)| callback);
        let secrets = match callback {
            Some(callback) => open_secrets(&self.callbacks.sealer, callback, now)?,
            None => vec![SigningSecret::generate()],
        };
        if self.per_person.check_key(&actor.name()).is_err() {
            return Err(ProbeError::TooMany);
        }
        let domain = target.of.as_ref().map_or("push.example.com", |(domain, _)| domain.push.as_str());
        let event = sample(kind, domain, now, &self.zone);
        let settings = callback.map(|callback| callback.settings.clone()).unwrap_or_default();
        let (name, body) =
            render(settings.dialect, domain, APP, STREAM, &event).map(|told| (told.event, told.body)).unzip();
        let (name, body) = (name.unwrap_or(event.name), body.unwrap_or_default());
        let id = DeliveryId(self.ids.next(now)).to_string();
        let mut headers = headers(&id, &body, &secrets, now);
        describe(&mut headers, name, now, SessionId(self.ids.next(now)), 1, 1);
        set(&mut headers, "callsheet-test", "true");
        custom(&mut headers, &settings.headers);
        let timeout = Duration::from_secs(u64::try_from(settings.timeout_seconds).unwrap_or(15));
        let exchange = self.outbound.probe(&target.address, headers, Bytes::from(body), timeout).await;
        if let Some(callback) = callback {
            self.passed.note(&actor.who, callback, &target.address, exchange.succeeded(), self.clock.now());
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
            phases: phases(&exchange),
        })
    }
}

/// An event as the callback gets them: the start of a push, or a part of a recording that was just finished. Every dialect has both.
fn sample(kind: CallbackKind, domain: &str, now: Millis, zone: &TimeZone) -> Event {
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

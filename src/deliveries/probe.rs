//! *Test*: a sample event to an address that need not be saved, through the very client and signature of deliveries.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::ProbeReport;
use super::attempt::{CourierError, custom, describe, headers, open_secrets, phases, set};
use super::body::render;
use crate::callbacks::{CallbackError, Callbacks, Dialect};
use crate::model::{
    Action, Actor, CallbackKind, Clock, DeliveryId, EventName, Forbidden, IdGenerator, Problem, ProblemKind, SessionId,
    Status,
};
use crate::outbound::{AddressError, CallbackAddress, Outbound, SigningSecret};
use crate::streams::Event;

/// Why a test could not be made at all. A test that fails is a [`ProbeReport`].
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("at most 10 tests a minute; wait a moment, then test again")]
    TooMany,
    #[error(transparent)]
    Callback(#[from] CallbackError),
    #[error(transparent)]
    Secret(#[from] CourierError),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
}

impl Problem for ProbeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Address(e) => e.code(),
            Self::TooMany => "probe_too_many",
            Self::Callback(e) => e.code(),
            Self::Secret(_) => "internal",
            Self::Forbidden(e) => e.code(),
        }
    }
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Address(e) => e.kind(),
            Self::TooMany => ProblemKind::TooMany,
            Self::Callback(e) => e.kind(),
            Self::Secret(_) => ProblemKind::Internal,
            Self::Forbidden(e) => e.kind(),
        }
    }
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Address(e) => e.field(),
            Self::Callback(e) => e.field(),
            Self::TooMany | Self::Secret(_) | Self::Forbidden(_) => None,
        }
    }
    fn args(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Address(e) => e.args(),
            Self::Callback(e) => e.args(),
            Self::TooMany | Self::Secret(_) | Self::Forbidden(_) => Vec::new(),
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
    per_person: Arc<DefaultKeyedRateLimiter<String>>,
}

impl Prober {
    pub(crate) fn new(
        callbacks: Callbacks,
        clock: Arc<dyn Clock>,
        ids: Arc<IdGenerator>,
        outbound: Arc<Outbound>,
    ) -> Self {
        const TEN: NonZeroU32 = NonZeroU32::new(10).expect("not zero");
        Self { callbacks, clock, ids, outbound, per_person: Arc::new(RateLimiter::keyed(Quota::per_minute(TEN))) }
    }

    /// Posts a `publish_started` sample to `address`. With a domain, its callback's dialect, secret, timeout and headers are
    /// used.
    pub async fn test(
        &self,
        actor: &Actor,
        push: Option<&str>,
        kind: CallbackKind,
        address: &str,
    ) -> Result<ProbeReport, ProbeError> {
        actor.check(Action::ManageCallbacks)?;
        let address = CallbackAddress::parse(address)?;
        let now = self.clock.now();
        let (domain, secrets, settings) = match push {
            Some(push) => {
                let (domain, callback) = self.callbacks.find(actor, Action::ManageCallbacks, push, kind).await?;
                let secrets = open_secrets(&self.callbacks.sealer, &callback, now)?;
                (domain.push, secrets, (callback.dialect, callback.timeout_seconds, callback.headers))
            }
            None => {
                let settings = (Dialect::V1_0, 15, Vec::new());
                ("push.example.com".to_owned(), vec![SigningSecret::generate()], settings)
            }
        };
        let (dialect, seconds, own_headers) = settings;
        if self.per_person.check_key(&actor.name()).is_err() {
            return Err(ProbeError::TooMany);
        }
        let event = sample(now);
        // Every dialect tells of it.
        let body = render(dialect, &domain, "live", "test", &event).map(|told| told.body).unwrap_or_default();
        let id = DeliveryId(self.ids.next(now)).to_string();
        let mut headers = headers(&id, &body, &secrets, now);
        describe(&mut headers, event.name, now, SessionId(self.ids.next(now)), 1, 1);
        set(&mut headers, "callsheet-test", "true");
        custom(&mut headers, &own_headers);
        let timeout = Duration::from_secs(u64::try_from(seconds).unwrap_or(15));
        let exchange = self.outbound.probe(&address, headers, Bytes::from(body), timeout).await;
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

fn sample(now: i64) -> Event {
    Event {
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
    }
}

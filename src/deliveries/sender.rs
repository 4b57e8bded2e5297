//! One attempt: signs and sends a delivery, and decides its outcome.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::types::{CallbackOff, CompletedAttempt, DeliveryOutcome, Dispatch, PreparedDelivery};
use super::{PhaseView, RetrySchedule, retry_after};
use crate::callbacks::{Callback, OffReason};
use crate::model::{CallbackId, Clock, DeliveryId, EventName, Millis, SessionId, StoreError};
use crate::outbound::{BadSecret, CallbackAddress, Exchange, Outbound, SigningSecret, sign};
use crate::recordings::local_time;
use crate::sealing::{SealError, Sealer};
use crate::storage::Db;

/// `User-Agent` of callback requests.
const AGENT: &str = concat!("Callsheet/", env!("CARGO_PKG_VERSION"));

/// An error before the request was sent. The delivery stays queued.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Secret(#[from] BadSecret),
}

/// The client that makes attempts. Cheap to clone.
#[derive(Clone)]
pub struct DeliverySender {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Sealer,
    pub(crate) outbound: Arc<Outbound>,
    pub(crate) schedule: RetrySchedule,
}

impl DeliverySender {
    /// Reads the current content of the deliveries, without those that are no longer queued.
    pub async fn prepare(&self, dispatches: &[Dispatch]) -> Result<HashMap<DeliveryId, PreparedDelivery>, StoreError> {
        self.db.prepare_deliveries(dispatches).await
    }

    /// Makes one attempt. Returns `None` if the callback is off or has no address.
    pub async fn attempt(
        &self,
        dispatch: Dispatch,
        mut delivery: PreparedDelivery,
    ) -> Result<Option<CompletedAttempt>, SendError> {
        let settings = &delivery.callback.settings;
        let address = settings.address.as_deref().filter(|_| settings.enabled);
        let Some(address) = address.and_then(|a| CallbackAddress::parse(a).ok()) else { return Ok(None) };
        let started_at = self.clock.now();
        let secrets = open_secrets(&self.sealer, &delivery.callback, started_at)?;
        let number = delivery.attempts + 1;
        let mut headers = signed_headers(&dispatch.delivery.to_string(), &delivery.body, &secrets, started_at);
        let PreparedDelivery { event, happened_at, session, sequence, .. } = delivery;
        add_event_headers(&mut headers, event, happened_at, session, sequence, number);
        add_custom_headers(&mut headers, &settings.headers);
        let request_headers = header_pairs(&headers);
        let timeout = Duration::from_secs(u64::try_from(settings.timeout_seconds).unwrap_or(15));
        let body = Bytes::from(std::mem::take(&mut delivery.body));
        let exchange = self.outbound.post(&address, headers, body, timeout).await;
        let counts = !dispatch.probe || exchange.succeeded();
        let tries = delivery.tries + i64::from(counts);
        let (outcome, off) = self.decide_outcome(dispatch.callback, tries, &exchange, self.clock.now());
        let phases = phase_views(&exchange);
        let (status, response_headers, response_body) = match exchange.answer {
            Some(answer) => {
                (Some(i64::from(answer.status.as_u16())), header_pairs(&answer.headers), answer.body.to_vec())
            }
            None => (None, Vec::new(), Vec::new()),
        };
        Ok(Some(CompletedAttempt {
            delivery: dispatch.delivery,
            callback: dispatch.callback,
            kind: delivery.callback.kind,
            number,
            started_at,
            millis: to_millis(exchange.micros),
            address: address.as_str().to_owned(),
            status,
            error_class: exchange.failure.as_ref().map(|f| f.class.as_str()),
            error: exchange.failure.map(|f| format!("{} {}", f.detail, f.remedy)),
            phases,
            request_headers,
            response_headers,
            response_body,
            out_of_order: dispatch.out_of_order,
            counts,
            outcome,
            off,
        }))
    }

    /// Returns the longest wait before a retry (ms).
    #[must_use]
    pub fn longest_wait(&self) -> Millis {
        self.schedule.longest_wait().max(retry_after::LONGEST)
    }

    /// `tries`: used up so far, this attempt included.
    fn decide_outcome(
        &self,
        callback: CallbackId,
        tries: i64,
        exchange: &Exchange,
        now: Millis,
    ) -> (DeliveryOutcome, Option<CallbackOff>) {
        if exchange.succeeded() {
            return (DeliveryOutcome::Delivered, None);
        }
        let answer = exchange.answer.as_ref();
        if answer.is_some_and(|answer| answer.status == StatusCode::GONE) {
            let off = CallbackOff { callback, at: now, reason: OffReason::Gone };
            return (DeliveryOutcome::Failed, Some(off));
        }
        let Some(wait) = self.schedule.wait_after(tries, rand::random_range(-1.0..=1.0)) else {
            return (DeliveryOutcome::Failed, None);
        };
        let requested = answer.and_then(|answer| retry_after::wait(&answer.headers, now));
        let wait = wait.max(requested.unwrap_or_default());
        (DeliveryOutcome::Retry { due_at: now + wait, wait }, None)
    }
}

/// Returns the signing secrets at `now`: the current one and, during a rotation, the previous one.
pub(super) fn open_secrets(sealer: &Sealer, callback: &Callback, now: Millis) -> Result<Vec<SigningSecret>, SendError> {
    let previous = callback.previous_secret_sealed.as_deref();
    let previous = previous.filter(|_| callback.previous_secret_until.is_some_and(|until| now < until));
    std::iter::once(callback.secret_sealed.as_slice())
        .chain(previous)
        .map(|sealed| Ok(SigningSecret::parse(&sealer.open_text(sealed)?)?))
        .collect()
}

/// Returns the headers of every callback request.
pub(super) fn signed_headers(id: &str, body: &[u8], secrets: &[SigningSecret], now: Millis) -> HeaderMap {
    let timestamp = now.div_euclid(1000);
    let mut headers = HeaderMap::with_capacity(16);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    set_header(&mut headers, "webhook-id", id);
    set_header(&mut headers, "webhook-timestamp", &timestamp.to_string());
    set_header(&mut headers, "webhook-signature", &sign(secrets, id, timestamp, body));
    headers
}

pub(super) fn add_event_headers(
    headers: &mut HeaderMap,
    event: EventName,
    happened_at: Millis,
    session: SessionId,
    sequence: i64,
    attempt: i64,
) {
    set_header(headers, "callsheet-event", event.as_str());
    let time = local_time(happened_at, &jiff::tz::TimeZone::UTC, "%Y-%m-%dT%H:%M:%S.%3fZ");
    set_header(headers, "callsheet-event-time", &time);
    set_header(headers, "callsheet-session", &session.to_string());
    set_header(headers, "callsheet-sequence", &sequence.to_string());
    set_header(headers, "callsheet-attempt", &attempt.to_string());
}

pub(super) fn set_header(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Adds the headers that the customer configured, which were validated when they were saved.
pub(super) fn add_custom_headers(headers: &mut HeaderMap, custom: &[(String, String)]) {
    for (name, value) in custom {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
}

fn header_pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

pub(super) fn phase_views(exchange: &Exchange) -> Vec<PhaseView> {
    let view = |report: &crate::outbound::PhaseReport| PhaseView {
        phase: report.phase.as_str().to_owned(),
        ok: report.ok,
        micros: i64::try_from(report.micros).unwrap_or(i64::MAX),
        detail: report.detail.to_string(),
    };
    exchange.phases.iter().map(view).collect()
}

/// Rounds microseconds to milliseconds.
fn to_millis(micros: u64) -> i64 {
    i64::try_from((micros + 500) / 1000).unwrap_or(i64::MAX)
}

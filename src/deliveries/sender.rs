//! One attempt: read the delivery and its callback as they are now, sign, send, say what becomes of it.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::breaker::Verdict;
use super::run_queue::Departure;
use super::types::{AttemptRecord, CallbackOff, Fate, Ready};
use super::{PhaseView, RetrySchedule, retry_after};
use crate::callbacks::{Callback, OffReason};
use crate::model::{CallbackKind, Clock, EventName, Millis, SessionId, StoreError};
use crate::outbound::{BadSecret, CallbackAddress, Exchange, Outbound, SigningSecret, sign};
use crate::recordings::local_time;
use crate::sealing::{SealError, Sealer};
use crate::storage::Db;

/// What the console says it is.
pub(super) const AGENT: &str = concat!("Callsheet/", env!("CARGO_PKG_VERSION"));

/// Why an attempt could not even be made; the delivery stays queued.
#[derive(Debug, thiserror::Error)]
pub enum CourierError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Secret(#[from] BadSecret),
}

/// Makes attempts. Cheap to clone.
#[derive(Clone)]
pub struct Courier {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sealer: Sealer,
    pub(crate) outbound: Arc<Outbound>,
    pub(crate) schedule: RetrySchedule,
}

/// An attempt that was made.
#[derive(Debug)]
pub struct Made {
    pub kind: CallbackKind,
    pub record: AttemptRecord,
    pub fate: Fate,
    /// How long until the next attempt, if there will be one (ms).
    pub retry_in: Option<Millis>,
    pub off: Option<CallbackOff>,
    /// What it says of the callback.
    pub verdict: Verdict,
}

impl Courier {
    /// The deliveries of these departures as they are now; those that wait no more are missing.
    pub async fn ready(&self, departures: &[Departure]) -> Result<Vec<Ready>, StoreError> {
        let places: Vec<_> = departures.iter().map(|d| (d.callback, d.delivery)).collect();
        self.db.ready(&places).await
    }

    /// Makes one attempt. `None`: its callback has no address or is off.
    pub async fn attempt(&self, departure: Departure, mut ready: Ready) -> Result<Option<Made>, CourierError> {
        let address = ready.callback.address.as_deref().filter(|_| ready.callback.enabled);
        let Some(address) = address.and_then(|a| CallbackAddress::parse(a).ok()) else { return Ok(None) };
        let started_at = self.clock.now();
        let secrets = open_secrets(&self.sealer, &ready.callback, started_at)?;
        let number = ready.attempts + 1;
        let id = ready.id.to_string();
        let mut headers = headers(&id, &ready.body, &secrets, started_at);
        describe(&mut headers, ready.event, ready.happened_at, ready.session, ready.sequence, number);
        custom(&mut headers, &ready.callback.headers);
        let request_headers = readable(&headers);
        let timeout = Duration::from_secs(u64::try_from(ready.callback.timeout_seconds).unwrap_or(15));
        let body = Bytes::from(std::mem::take(&mut ready.body));
        let exchange = self.outbound.post(&address, headers, body, timeout).await;
        // A probe asks for the callback, not for the delivery that it carries: its failure uses up no try.
        let counts = !departure.probe || exchange.succeeded();
        let now = self.clock.now();
        let (fate, off) = self.judge(&ready, &exchange, i64::from(counts), now);
        let retry_in = match fate {
            Fate::Retry { due_at } => Some(due_at - now),
            Fate::Delivered | Fate::Failed => None,
        };
        let record = AttemptRecord {
            out_of_order: departure.out_of_order,
            counts,
            ..record(&ready, &address, number, started_at, request_headers, exchange)
        };
        let verdict = Verdict::of(record.error_class, record.status);
        Ok(Some(Made { kind: ready.callback.kind, record, fate, retry_in, off, verdict }))
    }

    /// The longest that a delivery waits for its next attempt (ms).
    #[must_use]
    pub fn longest_wait(&self) -> Millis {
        self.schedule.longest_wait().max(retry_after::LONGEST)
    }

    fn judge(&self, ready: &Ready, exchange: &Exchange, counts: i64, now: Millis) -> (Fate, Option<CallbackOff>) {
        if exchange.succeeded() {
            return (Fate::Delivered, None);
        }
        let answer = exchange.answer.as_ref();
        let off = answer.filter(|a| a.status == StatusCode::GONE).map(|_| CallbackOff {
            callback: ready.callback.id,
            at: now,
            reason: OffReason::Gone,
        });
        let Some(mut wait) = self.schedule.wait_after(ready.tries + counts, rand::random_range(-1.0..=1.0)) else {
            return (Fate::Failed, off);
        };
        if off.is_some() {
            return (Fate::Failed, off);
        }
        if let Some(asked) = answer.and_then(|answer| retry_after::wait(&answer.headers, now)) {
            wait = wait.max(asked);
        }
        (Fate::Retry { due_at: now + wait }, None)
    }
}

/// The secrets that sign at `now`: the present one and, during a rotation, the former one.
pub(super) fn open_secrets(
    sealer: &Sealer,
    callback: &Callback,
    now: Millis,
) -> Result<Vec<SigningSecret>, CourierError> {
    let former = callback.previous_secret_sealed.as_deref();
    let former = former.filter(|_| callback.previous_secret_until.is_some_and(|until| now < until));
    std::iter::once(callback.secret_sealed.as_slice())
        .chain(former)
        .map(|sealed| Ok(SigningSecret::parse(&sealer.open_text(sealed)?)?))
        .collect()
}

/// The headers that every request carries.
pub(super) fn headers(id: &str, body: &[u8], secrets: &[SigningSecret], now: Millis) -> HeaderMap {
    let timestamp = now.div_euclid(1000);
    let mut headers = HeaderMap::with_capacity(16);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    set(&mut headers, "webhook-id", id);
    set(&mut headers, "webhook-timestamp", &timestamp.to_string());
    set(&mut headers, "webhook-signature", &sign(secrets, id, timestamp, body));
    headers
}

pub(super) fn describe(
    headers: &mut HeaderMap,
    event: EventName,
    happened_at: Millis,
    session: SessionId,
    sequence: i64,
    attempt: i64,
) {
    set(headers, "callsheet-event", event.as_str());
    let time = local_time(happened_at, &jiff::tz::TimeZone::UTC, "%Y-%m-%dT%H:%M:%S.%3fZ");
    set(headers, "callsheet-event-time", &time);
    set(headers, "callsheet-session", &session.to_string());
    set(headers, "callsheet-sequence", &sequence.to_string());
    set(headers, "callsheet-attempt", &attempt.to_string());
}

pub(super) fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// The customer's own headers; their names and values were checked when they were saved.
pub(super) fn custom(headers: &mut HeaderMap, custom: &[(String, String)]) {
    for (name, value) in custom {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
}

fn readable(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

pub(super) fn phases(exchange: &Exchange) -> Vec<PhaseView> {
    let view = |report: &crate::outbound::PhaseReport| PhaseView {
        phase: report.phase.as_str().to_owned(),
        ok: report.ok,
        micros: i64::try_from(report.micros).unwrap_or(i64::MAX),
        detail: report.detail.to_string(),
    };
    exchange.phases.iter().map(view).collect()
}

/// Microseconds as milliseconds, rounded.
fn millis(micros: u64) -> i64 {
    i64::try_from((micros + 500) / 1000).unwrap_or(i64::MAX)
}

fn record(
    ready: &Ready,
    address: &CallbackAddress,
    number: i64,
    started_at: Millis,
    request_headers: Vec<(String, String)>,
    exchange: Exchange,
) -> AttemptRecord {
    let phases = phases(&exchange);
    let (status, response_headers, response_body) = match exchange.answer {
        Some(answer) => (Some(i64::from(answer.status.as_u16())), readable(&answer.headers), answer.body.to_vec()),
        None => (None, Vec::new(), Vec::new()),
    };
    AttemptRecord {
        delivery: ready.id,
        callback: ready.callback.id,
        number,
        started_at,
        millis: millis(exchange.micros),
        address: address.as_str().to_owned(),
        succeeded: exchange.failure.is_none(),
        status,
        error_class: exchange.failure.as_ref().map(|f| f.class.as_str()),
        error: exchange.failure.map(|f| format!("{} {}", f.detail, f.remedy)),
        phases,
        request_headers,
        response_headers,
        response_body,
        out_of_order: false,
        counts: true,
    }
}

/// Logs why an attempt could not be made, with its causes.
pub fn log_courier_error(error: &CourierError) {
    tracing::error!(error = error as &dyn Error, "cannot make an attempt; the delivery stays queued");
}

//! `/domains/{push}/callbacks/{kind}`: where a domain's events go.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use callsheet::callbacks::{
    CallbackChange, CallbackError, CallbackHealth, CallbackView, Dialect, OVERLAP_HOURS, OffReason, Pause,
};
use callsheet::model::CallbackKind;
use callsheet::outbound::CallbackAddress;
use serde::{Deserialize, Deserializer, Serialize};

use super::extract::{ApiActor, Body, Params};
use super::moment::Moment;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// A callback's settings and how it fares.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CallbackJson {
    kind: CallbackKind,
    enabled: bool,
    address: Option<String>,
    dialect: Dialect,
    ordered: bool,
    timeout_seconds: i64,
    headers: BTreeMap<String, String>,
    /// Why the console turned it off by itself.
    off_reason: Option<OffReason>,
    /// Its deliveries wait until a probe succeeds.
    paused: Option<PausedJson>,
    /// Until then the former secret signs too.
    previous_secret_until: Option<Moment>,
    health: HealthJson,
}

impl From<CallbackView> for CallbackJson {
    fn from(callback: CallbackView) -> Self {
        Self {
            kind: callback.kind,
            enabled: callback.enabled,
            address: callback.address,
            dialect: callback.dialect,
            ordered: callback.ordered,
            timeout_seconds: callback.timeout_seconds,
            headers: callback.headers.into_iter().collect(),
            off_reason: callback.off_reason,
            paused: callback.pause.map(Into::into),
            previous_secret_until: callback.previous_secret_until.map(Moment),
            health: callback.health.into(),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PausedJson {
    since: Moment,
    next_probe: Moment,
    /// Error class of the latest failure.
    reason: String,
}

impl From<Pause> for PausedJson {
    fn from(pause: Pause) -> Self {
        Self { since: Moment(pause.since), next_probe: Moment(pause.probe_at), reason: pause.reason }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct HealthJson {
    last_delivered_at: Option<Moment>,
    /// Error class of the latest attempt, if that failed.
    last_error_class: Option<String>,
    last_error_at: Option<Moment>,
    /// In the last 24 h.
    delivered: i64,
    /// Tries used up, in the last 24 h.
    failed: i64,
    /// Now, retries included.
    waiting: i64,
}

impl From<CallbackHealth> for HealthJson {
    fn from(health: CallbackHealth) -> Self {
        Self {
            last_delivered_at: health.last_delivered_at.map(Moment),
            last_error_class: health.last_error,
            last_error_at: health.last_error_at.map(Moment),
            delivered: health.delivered,
            failed: health.failed,
            waiting: health.waiting,
        }
    }
}

pub(super) async fn show(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params((push, kind)): Params<(String, CallbackKind)>,
) -> Result<Json<CallbackJson>, ApiProblem> {
    Ok(Json(app.console.callbacks.get(&actor, &push, kind).await?.into()))
}

/// What is left out keeps its value; `"address": null` removes the address.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReplaceCallback {
    enabled: bool,
    #[serde(default, deserialize_with = "given")]
    address: Option<Option<String>>,
    dialect: Option<String>,
    ordered: Option<bool>,
    timeout_seconds: Option<i64>,
    headers: Option<BTreeMap<String, String>>,
}

/// Tells `null` from a field that is left out.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl ReplaceCallback {
    fn over(self, present: CallbackView) -> Result<CallbackChange, ApiProblem> {
        let address = self.address.unwrap_or(present.address);
        let dialect = match self.dialect {
            Some(name) => name.parse().map_err(|()| CallbackError::BadDialect(name))?,
            None => present.dialect,
        };
        Ok(CallbackChange {
            enabled: self.enabled,
            address: address.as_deref().map(CallbackAddress::parse).transpose()?,
            dialect,
            ordered: self.ordered.unwrap_or(present.ordered),
            timeout_seconds: self.timeout_seconds.unwrap_or(present.timeout_seconds),
            headers: self.headers.map_or(present.headers, |headers| headers.into_iter().collect()),
        })
    }
}

pub(super) async fn replace(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params((push, kind)): Params<(String, CallbackKind)>,
    Body(body): Body<ReplaceCallback>,
) -> Result<Json<CallbackJson>, ApiProblem> {
    let callbacks = &app.console.callbacks;
    let change = body.over(callbacks.get(&actor, &push, kind).await?)?;
    Ok(Json(callbacks.put(&actor, &push, kind, change).await?.into()))
}

pub(super) async fn resume(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params((push, kind)): Params<(String, CallbackKind)>,
) -> Result<Json<CallbackJson>, ApiProblem> {
    Ok(Json(app.console.callbacks.resume(&actor, &push, kind).await?.into()))
}

/// How long the former secret goes on signing, from now.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Overlap {
    overlap_hours: Option<i64>,
}

/// The only time that a secret is shown.
#[derive(Serialize)]
pub(super) struct NewSecretJson {
    /// `whsec_…`.
    secret: String,
}

pub(super) async fn rotate_secret(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params((push, kind)): Params<(String, CallbackKind)>,
    body: Option<Body<Overlap>>,
) -> Result<Json<NewSecretJson>, ApiProblem> {
    let hours = body.and_then(|Body(overlap)| overlap.overlap_hours).unwrap_or(OVERLAP_HOURS);
    let secret = app.console.callbacks.rotate_secret(&actor, &push, kind, hours).await?;
    Ok(Json(NewSecretJson { secret: secret.0.expose().to_owned() }))
}

/// At once, unless the body names hours.
pub(super) async fn end_overlap(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params((push, kind)): Params<(String, CallbackKind)>,
    body: Option<Body<Overlap>>,
) -> Result<Json<CallbackJson>, ApiProblem> {
    let hours = body.and_then(|Body(overlap)| overlap.overlap_hours).unwrap_or(0);
    Ok(Json(app.console.callbacks.set_overlap(&actor, &push, kind, hours).await?.into()))
}

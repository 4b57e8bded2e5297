//! `/domains/{push}/callbacks/{kind}`: where a domain's events go.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use callsheet::callbacks::{
    CallbackError, CallbackHealth, CallbackSettings, CallbackView, Dialect, HealthState, OVERLAP_HOURS, OffReason,
    Pause,
};
use callsheet::model::{CallbackKind, Version};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::etag::{IfMatch, WithEtag};
use super::extract::{ApiActor, Body, Integer, Params};
use super::rfc3339::Rfc3339;
use super::schemas;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// Settings and health of a callback.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Callback)]
pub(super) struct CallbackJson {
    #[schema(value_type = schemas::CallbackKind)]
    kind: CallbackKind,
    enabled: bool,
    /// URL that receives the events.
    address: Option<String>,
    #[schema(value_type = schemas::Dialect)]
    dialect: Dialect,
    /// Preserve the order of events within each stream.
    ordered: bool,
    /// Timeout of a whole attempt, 1 to 30.
    timeout_seconds: i64,
    /// Sent with each request.
    headers: BTreeMap<String, String>,
    /// Why it was turned off automatically.
    #[schema(value_type = Option<schemas::OffReason>)]
    off_reason: Option<OffReason>,
    /// Set while deliveries are on hold after failures.
    paused: Option<PausedJson>,
    /// The previous secret is valid until then.
    previous_secret_until: Option<Rfc3339>,
    health: HealthJson,
}

impl From<CallbackView> for CallbackJson {
    fn from(callback: CallbackView) -> Self {
        let CallbackSettings { enabled, address, dialect, ordered, timeout_seconds, headers } = callback.settings;
        Self {
            kind: callback.kind,
            enabled,
            address,
            dialect,
            ordered,
            timeout_seconds,
            headers: headers.into_iter().collect(),
            off_reason: callback.off_reason,
            paused: callback.pause.map(Into::into),
            previous_secret_until: callback.previous_secret_until.map(Rfc3339),
            health: callback.health.into(),
        }
    }
}

impl From<CallbackView> for WithEtag<CallbackJson> {
    fn from(callback: CallbackView) -> Self {
        Self(Version::from(&callback.settings), callback.into())
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Pause)]
struct PausedJson {
    since: Rfc3339,
    next_probe: Rfc3339,
    /// Error class of the latest failure.
    #[schema(value_type = schemas::ErrorClass)]
    reason: String,
}

impl From<Pause> for PausedJson {
    fn from(pause: Pause) -> Self {
        Self { since: Rfc3339(pause.since), next_probe: Rfc3339(pause.probe_at), reason: pause.reason }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CallbackHealth)]
struct HealthJson {
    #[schema(value_type = schemas::HealthState)]
    state: HealthState,
    last_delivered_at: Option<Rfc3339>,
    /// Error class of the latest attempt, if that failed.
    #[schema(value_type = Option<schemas::ErrorClass>)]
    last_error_class: Option<String>,
    last_error_at: Option<Rfc3339>,
    /// In the last 24 h.
    delivered: i64,
    /// Failed after the last attempt, in the last 24 h.
    failed: i64,
    /// Waiting now, including retries.
    waiting: i64,
    /// Failed at any time and not resent since.
    unrecovered: i64,
}

impl From<CallbackHealth> for HealthJson {
    fn from(health: CallbackHealth) -> Self {
        Self {
            state: health.state,
            last_delivered_at: health.last_delivered_at.map(Rfc3339),
            last_error_class: health.last_error,
            last_error_at: health.last_error_at.map(Rfc3339),
            delivered: health.delivered,
            failed: health.failed,
            waiting: health.waiting,
            unrecovered: health.unrecovered,
        }
    }
}

/// Get a callback
///
/// Includes its health.
#[utoipa::path(
    get, path = "/domains/{push}/callbacks/{kind}", operation_id = "getCallback", tag = "Callbacks",
    responses((status = 200, description = "The callback", body = CallbackJson), (status = 404, description = "`domain_unknown`."))
)]
pub(super) async fn show(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params((push, kind)): Params<(String, CallbackKind)>,
) -> Result<WithEtag<CallbackJson>, ApiProblem> {
    Ok(app.console.callbacks.get(&actor, &push, kind).await?.into())
}

/// Omitted fields keep their values; `"address": null` removes the URL.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "enabled": true, "address": "https://hooks.example.org/live" })))]
pub(super) struct ReplaceCallback {
    enabled: bool,
    #[schema(value_type = Option<String>, max_length = 2048)]
    #[serde(default, deserialize_with = "given")]
    address: Option<Option<String>>,
    #[schema(value_type = Option<schemas::Dialect>)]
    dialect: Option<String>,
    ordered: Option<bool>,
    /// 1 to 30.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 30)]
    timeout_seconds: Option<Integer>,
    /// Replaces all headers; at most 16.
    headers: Option<BTreeMap<String, String>>,
}

/// Tells `null` from a field that is left out.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl ReplaceCallback {
    /// Applies the change to the stored settings.
    fn apply(self, stored: CallbackSettings) -> Result<CallbackSettings, CallbackError> {
        let dialect = match self.dialect {
            Some(name) => name.parse().map_err(|()| CallbackError::BadDialect(name))?,
            None => stored.dialect,
        };
        Ok(CallbackSettings {
            enabled: self.enabled,
            address: self.address.unwrap_or(stored.address),
            dialect,
            ordered: self.ordered.unwrap_or(stored.ordered),
            timeout_seconds: self.timeout_seconds.map_or(stored.timeout_seconds, |seconds| seconds.0),
            headers: self.headers.map_or(stored.headers, |headers| headers.into_iter().collect()),
        })
    }
}

/// Change a callback
///
/// Omitted fields keep their values; `"address": null` removes the URL. Applies from the next attempt, including waiting retries.
#[utoipa::path(
    put, path = "/domains/{push}/callbacks/{kind}", operation_id = "replaceCallback", tag = "Callbacks",
    request_body = ReplaceCallback,
    responses(
    (status = 200, description = "The updated callback", body = CallbackJson),
    (status = 404, description = "`domain_unknown`."),
    (status = 422, description = "The URL is not valid (`address_…`) or not allowed (`blocked_…`), a header is not allowed (`header_…`), `callback_no_address`, `callback_bad_timeout`, `callback_bad_dialect`."),
    )
)]
pub(super) async fn replace(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params((push, kind)): Params<(String, CallbackKind)>,
    IfMatch(expected): IfMatch,
    Body(body): Body<ReplaceCallback>,
) -> Result<WithEtag<CallbackJson>, ApiProblem> {
    let callbacks = &app.console.callbacks;
    callbacks.change_if(&actor, &push, kind, &expected, |stored| body.apply(stored)).await?;
    Ok(callbacks.get(&actor, &push, kind).await?.into())
}

/// Resume a paused callback
///
/// Waiting deliveries are sent at a growing rate. No effect on a callback that is not paused.
#[utoipa::path(
    post, path = "/domains/{push}/callbacks/{kind}/resume", operation_id = "resumeCallback", tag = "Callbacks",
    responses((status = 200, description = "The updated callback", body = CallbackJson), (status = 404, description = "`domain_unknown`."))
)]
pub(super) async fn resume(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params((push, kind)): Params<(String, CallbackKind)>,
) -> Result<Json<CallbackJson>, ApiProblem> {
    let callbacks = &app.console.callbacks;
    callbacks.resume(&actor, &push, kind).await?;
    Ok(Json(callbacks.get(&actor, &push, kind).await?.into()))
}

/// How long the previous secret stays valid, from now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Overlap {
    /// 0 to 168.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 168)]
    overlap_hours: Option<Integer>,
}

/// A new secret, shown only once.
#[derive(Serialize, ToSchema)]
#[schema(as = NewSecret)]
pub(super) struct NewSecretJson {
    /// `whsec_…`.
    secret: String,
}

/// Rotate the signing secret
///
/// The previous secret stays valid for 24 hours, or for the hours given in the body.
#[utoipa::path(
    post, path = "/domains/{push}/callbacks/{kind}/rotate-secret", operation_id = "rotateCallbackSecret", tag = "Callbacks",
    request_body = Option<Overlap>,
    responses(
    (status = 200, description = "The secret, shown only once", body = NewSecretJson),
    (status = 404, description = "`domain_unknown`."),
    (status = 422, description = "`callback_bad_overlap`."),
    )
)]
pub(super) async fn rotate_secret(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params((push, kind)): Params<(String, CallbackKind)>,
    body: Option<Body<Overlap>>,
) -> Result<Json<NewSecretJson>, ApiProblem> {
    let hours = body.and_then(|Body(overlap)| overlap.overlap_hours).map_or(OVERLAP_HOURS, |hours| hours.0);
    let secret = app.console.callbacks.rotate_secret(&actor, &push, kind, hours).await?;
    Ok(Json(NewSecretJson { secret: secret.0.expose().to_owned() }))
}

/// Revoke the previous signing secret
///
/// Immediately, or after the hours given in the body.
#[utoipa::path(
    post, path = "/domains/{push}/callbacks/{kind}/end-overlap", operation_id = "endSecretOverlap", tag = "Callbacks",
    request_body = Option<Overlap>,
    responses(
    (status = 200, description = "The updated callback", body = CallbackJson),
    (status = 404, description = "`domain_unknown`."),
    (status = 409, description = "`callback_no_former_secret`: there is no previous secret in use."),
    (status = 422, description = "`callback_bad_overlap`."),
    )
)]
pub(super) async fn end_overlap(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params((push, kind)): Params<(String, CallbackKind)>,
    body: Option<Body<Overlap>>,
) -> Result<Json<CallbackJson>, ApiProblem> {
    let hours = body.and_then(|Body(overlap)| overlap.overlap_hours).map_or(0, |hours| hours.0);
    let callbacks = &app.console.callbacks;
    callbacks.set_overlap(&actor, &push, kind, hours).await?;
    Ok(Json(callbacks.get(&actor, &push, kind).await?.into()))
}

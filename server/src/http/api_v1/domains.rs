//! `/domains`: domain groups.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use callsheet::callbacks::HealthState;
use callsheet::domains::{CallbackMark, DomainFilter, DomainRow, DomainView, NewDomain};
use callsheet::model::{CallbackKind, DomainName, Version};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::etag::{IfMatch, WithEtag};
use super::extract::{ApiActor, Body, Params, Query};
use super::page::{List, PageQuery};
use super::rfc3339::Rfc3339;
use super::schemas;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// A domain. Names are in ASCII; the display forms keep the original spelling.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Domain)]
pub(super) struct DomainJson {
    /// Permanent domain id.
    source_id: i64,
    push_domain: String,
    push_domain_display: String,
    play_domains: Vec<String>,
    play_domains_display: Vec<String>,
    enabled: bool,
    created_at: Rfc3339,
    updated_at: Rfc3339,
}

impl From<DomainView> for DomainJson {
    fn from(domain: DomainView) -> Self {
        let (play_domains, play_domains_display) =
            domain.play.into_iter().map(|play| (play.name, play.display)).unzip();
        Self {
            source_id: domain.id.0,
            push_domain: domain.push,
            push_domain_display: domain.push_display,
            play_domains,
            play_domains_display,
            enabled: domain.enabled,
            created_at: Rfc3339(domain.created_at),
            updated_at: Rfc3339(domain.updated_at),
        }
    }
}

impl From<DomainView> for WithEtag<DomainJson> {
    fn from(domain: DomainView) -> Self {
        Self(Version::from(&domain), domain.into())
    }
}

/// A domain in the list, with its callbacks and the number of live streams.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListedDomain {
    #[serde(flatten)]
    domain: DomainJson,
    callbacks: Vec<ListedCallback>,
    live_streams: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListedCallback {
    #[schema(value_type = schemas::CallbackKind)]
    kind: CallbackKind,
    enabled: bool,
    #[schema(value_type = schemas::HealthState)]
    state: HealthState,
    /// Error class of the latest attempt if it failed.
    #[schema(value_type = Option<schemas::ErrorClass>)]
    last_error_class: Option<String>,
    /// Set while deliveries are on hold after failures.
    paused: bool,
}

impl From<CallbackMark> for ListedCallback {
    fn from(mark: CallbackMark) -> Self {
        Self {
            kind: mark.kind,
            enabled: mark.enabled,
            state: mark.state,
            last_error_class: mark.last_error,
            paused: mark.paused.is_some(),
        }
    }
}

impl From<DomainRow> for ListedDomain {
    fn from(row: DomainRow) -> Self {
        let callbacks = row.callbacks.into_iter().map(Into::into).collect();
        Self { domain: row.domain.into(), callbacks, live_streams: row.live }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DomainStatus {
    Enabled,
    Disabled,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Text in a push or play domain.
    q: Option<String>,
    #[param(inline)]
    status: Option<DomainStatus>,
}

/// List domains
///
/// Newest first.
#[utoipa::path(
    get, path = "/domains", operation_id = "listDomains", tag = "Domains",
    params(ListQuery, PageQuery),
    responses((status = 200, description = "A page of the list", body = List<ListedDomain>))
)]
pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Query(query, page): Query<ListQuery>,
) -> Result<Json<List<ListedDomain>>, ApiProblem> {
    let filter = DomainFilter {
        text: query.q.unwrap_or_default(),
        enabled: query.status.map(|status| matches!(status, DomainStatus::Enabled)),
        only: None,
    };
    Ok(Json(app.console.domains.list(&actor, filter, page).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "pushDomain": "push.example.org", "playDomains": ["play.example.org"] })))]
pub(super) struct CreateDomain {
    /// Host name for pushing streams.
    push_domain: String,
    /// Host names for playing streams.
    #[schema(min_items = 1)]
    play_domains: Vec<String>,
}

/// Create a domain
///
/// Its callbacks and recording are initially off.
#[utoipa::path(
    post, path = "/domains", operation_id = "createDomain", tag = "Domains",
    request_body = CreateDomain,
    responses(
    (status = 201, description = "The new domain", body = DomainJson, headers(("Location" = String, description = "Its path"))),
    (status = 409, description = "`domain_taken`: a name already belongs to a domain."),
    (status = 422, description = "A name is not valid (`name_…`), `domain_no_play`, `domain_same_name`."),
    )
)]
pub(super) async fn create(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Body(body): Body<CreateDomain>,
) -> Result<impl IntoResponse, ApiProblem> {
    let new = NewDomain::parse(&body.push_domain, &body.play_domains)?;
    let domain = app.console.domains.create(&actor, new).await?;
    let location = [(header::LOCATION, format!("/api/v1/domains/{}", domain.push))];
    Ok((StatusCode::CREATED, location, Json(DomainJson::from(domain))))
}

/// Get a domain
#[utoipa::path(
    get, path = "/domains/{push}", operation_id = "getDomain", tag = "Domains",
    responses((status = 200, description = "The domain", body = DomainJson), (status = 404, description = "`domain_unknown`."))
)]
pub(super) async fn show(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(push): Params<String>,
) -> Result<WithEtag<DomainJson>, ApiProblem> {
    Ok(app.console.domains.get(&actor, &push).await?.into())
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeDomain {
    enabled: bool,
}

/// Enable or disable a domain
///
/// A disabled domain accepts no streams.
#[utoipa::path(
    patch, path = "/domains/{push}", operation_id = "changeDomain", tag = "Domains",
    request_body = ChangeDomain,
    responses((status = 200, description = "The updated domain", body = DomainJson), (status = 404, description = "`domain_unknown`."))
)]
pub(super) async fn change(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(push): Params<String>,
    IfMatch(expected): IfMatch,
    Body(body): Body<ChangeDomain>,
) -> Result<WithEtag<DomainJson>, ApiProblem> {
    Ok(app.console.domains.set_enabled_if(&actor, &push, body.enabled, &expected).await?.into())
}

/// Delete a domain
///
/// It must be disabled first.
#[utoipa::path(
    delete, path = "/domains/{push}", operation_id = "deleteDomain", tag = "Domains",
    responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "`domain_unknown`."),
    (status = 409, description = "`domain_still_enabled`."),
    )
)]
pub(super) async fn remove(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(push): Params<String>,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, ApiProblem> {
    let name = DomainName::parse(&push).map_or_else(|_| push.clone(), |name| name.ascii().to_owned());
    app.console.domains.delete_if(&actor, &push, &name, &expected).await?;
    Ok(StatusCode::NO_CONTENT)
}

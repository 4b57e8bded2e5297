//! `/vod-domains`: hosts that serve recorded video.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use callsheet::stats::VodDomain;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{ApiActor, Body, Params};
use super::page::List;
use super::rfc3339::Rfc3339;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// A host that serves recorded video.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VodDomain)]
pub(super) struct VodDomainJson {
    /// Host name in ASCII.
    name: String,
    /// Host name in its display form.
    display: String,
    /// Bucket and folder path that it serves.
    path: String,
    created_at: Rfc3339,
}

impl From<VodDomain> for VodDomainJson {
    fn from(VodDomain { name, display, path, created_at }: VodDomain) -> Self {
        Self { name, display, path, created_at: Rfc3339(created_at) }
    }
}

/// List VOD domains
///
/// By name.
#[utoipa::path(
    get, path = "/vod-domains", operation_id = "listVodDomains", tag = "Statistics",
    responses((status = 200, description = "The list", body = List<VodDomainJson>))
)]
pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
) -> Result<Json<List<VodDomainJson>>, ApiProblem> {
    let domains = app.console.stats.vod_domains(&actor).await?;
    Ok(Json(List::whole(domains)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "vod.example.org", "path": "films/public" })))]
pub(super) struct AddVodDomain {
    name: String,
    /// A bucket and a folder path, such as `films/public`.
    path: String,
}

/// Add a VOD domain
///
/// Its requests and files are counted from then on.
#[utoipa::path(
    post, path = "/vod-domains", operation_id = "addVodDomain", tag = "Statistics",
    request_body = AddVodDomain,
    responses(
    (status = 201, description = "The VOD domain", body = VodDomainJson),
    (status = 409, description = "`vod_domain_taken`."),
    (status = 422, description = "The name is not valid (`name_…`), `vod_domain_bad_path`."),
    )
)]
pub(super) async fn add(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Body(body): Body<AddVodDomain>,
) -> Result<impl IntoResponse, ApiProblem> {
    let added = app.console.stats.add_vod_domain(&actor, &body.name, &body.path).await?;
    Ok((StatusCode::CREATED, Json(VodDomainJson::from(added))))
}

/// Remove a VOD domain
#[utoipa::path(
    delete, path = "/vod-domains/{name}", operation_id = "removeVodDomain", tag = "Statistics",
    responses((status = 204, description = "Removed"), (status = 404, description = "`vod_domain_unknown`."))
)]
pub(super) async fn remove(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(name): Params<String>,
) -> Result<StatusCode, ApiProblem> {
    app.console.stats.remove_vod_domain(&actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

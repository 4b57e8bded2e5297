//! `/vod-domains`: hosts that serve recorded video.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use callsheet::stats::VodDomain;
use serde::{Deserialize, Serialize};

use super::extract::{ApiActor, Body, Params};
use super::moment::Moment;
use super::page::List;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VodDomainJson {
    name: String,
    /// As written.
    display: String,
    path: String,
    created_at: Moment,
}

impl From<VodDomain> for VodDomainJson {
    fn from(VodDomain { name, display, path, created_at }: VodDomain) -> Self {
        Self { name, display, path, created_at: Moment(created_at) }
    }
}

pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
) -> Result<Json<List<VodDomainJson>>, ApiProblem> {
    let domains = app.console.stats.vod_domains(&actor).await?;
    Ok(Json(List::whole(domains)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddVodDomain {
    name: String,
    path: String,
}

pub(super) async fn add(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Body(body): Body<AddVodDomain>,
) -> Result<impl IntoResponse, ApiProblem> {
    let added = app.console.stats.add_vod_domain(&actor, &body.name, &body.path).await?;
    Ok((StatusCode::CREATED, Json(VodDomainJson::from(added))))
}

pub(super) async fn remove(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(name): Params<String>,
) -> Result<StatusCode, ApiProblem> {
    app.console.stats.remove_vod_domain(&actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

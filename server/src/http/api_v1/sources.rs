//! `/sources`: the media servers that report events.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use callsheet::model::SourceId;
use callsheet::sources::{Adapter, SourceView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{ApiActor, Body, Params};
use super::page::List;
use super::rfc3339::Rfc3339;
use super::schemas;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// A media server that reports events.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Source)]
pub(super) struct SourceJson {
    #[schema(value_type = schemas::RowId)]
    id: SourceId,
    #[schema(value_type = schemas::Adapter)]
    adapter: Adapter,
    name: String,
    /// Push domain of reports that name none.
    default_domain: Option<String>,
    created_at: Rfc3339,
    /// Time of its last report.
    last_seen_at: Option<Rfc3339>,
    /// Ingest URL including its secret; only for callers who may manage sources.
    url: Option<String>,
}

impl SourceJson {
    fn new(source: SourceView, origin: &str) -> Self {
        Self {
            id: source.id,
            adapter: source.adapter,
            name: source.name,
            default_domain: source.default_domain,
            created_at: Rfc3339(source.created_at),
            last_seen_at: source.last_seen_at.map(Rfc3339),
            url: source.ingest_path.map(|path| format!("{origin}{path}")),
        }
    }
}

/// The console's own address, as the client reached it.
pub(super) fn origin(headers: &HeaderMap) -> String {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = header("x-forwarded-proto").filter(|scheme| *scheme == "https").unwrap_or("http");
    header(header::HOST.as_str()).map_or_else(String::new, |host| format!("{scheme}://{host}"))
}

/// List sources
///
/// By id. Ingest URLs are shown to callers who may manage sources.
#[utoipa::path(
    get, path = "/sources", operation_id = "listSources", tag = "Sources",
    responses((status = 200, description = "The list", body = List<SourceJson>))
)]
pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    headers: HeaderMap,
) -> Result<Json<List<SourceJson>>, ApiProblem> {
    let origin = origin(&headers);
    let sources = app.console.sources.list(&actor).await?;
    Ok(Json(List::whole(sources.into_iter().map(|source| SourceJson::new(source, &origin)))))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "adapter": "generic", "name": "edge 2" })))]
pub(super) struct CreateSource {
    /// `nginx-rtmp` or `generic`.
    #[schema(pattern = "^(nginx-rtmp|generic)$")]
    adapter: String,
    #[schema(min_length = 1, max_length = 50)]
    name: String,
    /// Push domain of reports that name none.
    default_domain: Option<String>,
}

/// A source with its secret, shown only once.
#[derive(Serialize, ToSchema)]
#[schema(as = NewSource)]
pub(super) struct CreatedSourceJson {
    #[serde(flatten)]
    source: SourceJson,
    /// Signing secret of a `generic` source; shown only once.
    secret: String,
}

/// Add a source
#[utoipa::path(
    post, path = "/sources", operation_id = "createSource", tag = "Sources",
    request_body = CreateSource,
    responses(
    (status = 201, description = "The source and its secret", body = CreatedSourceJson),
    (status = 409, description = "`source_taken`."),
    (status = 422, description = "`source_bad_name`, `source_bad_adapter`; the default domain is not valid (`name_…`)."),
    )
)]
pub(super) async fn create(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    headers: HeaderMap,
    Body(body): Body<CreateSource>,
) -> Result<impl IntoResponse, ApiProblem> {
    let created = app.console.sources.create(&actor, &body.adapter, &body.name, body.default_domain.as_deref()).await?;
    let source = SourceJson::new(created.view, &origin(&headers));
    let secret = created.secret.expose().to_owned();
    Ok((StatusCode::CREATED, Json(CreatedSourceJson { source, secret })))
}

/// Remove a source
///
/// Its reports are refused from then on.
#[utoipa::path(
    delete, path = "/sources/{id}", operation_id = "deleteSource", tag = "Sources",
    responses(
    (status = 204, description = "Removed"),
    (status = 404, description = "`source_unknown`."),
    (status = 409, description = "`source_built_in`: the built-in ingest cannot be removed."),
    )
)]
pub(super) async fn remove(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<SourceId>,
) -> Result<StatusCode, ApiProblem> {
    app.console.sources.delete(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! `/sources`: the media servers that report events.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use callsheet::model::SourceId;
use callsheet::sources::{Adapter, SourceView};
use serde::{Deserialize, Serialize};

use super::extract::{ApiActor, Body, Params};
use super::moment::Moment;
use super::page::List;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SourceJson {
    id: SourceId,
    adapter: Adapter,
    name: String,
    default_domain: Option<String>,
    created_at: Moment,
    last_seen_at: Option<Moment>,
    /// Where the server reports to, with the secret part; only for those who may manage sources.
    url: Option<String>,
}

impl SourceJson {
    fn new(source: SourceView, origin: &str) -> Self {
        Self {
            id: source.id,
            adapter: source.adapter,
            name: source.name,
            default_domain: source.default_domain,
            created_at: Moment(source.created_at),
            last_seen_at: source.last_seen_at.map(Moment),
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

pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    headers: HeaderMap,
) -> Result<Json<List<SourceJson>>, ApiProblem> {
    let origin = origin(&headers);
    let sources = app.console.sources.list(&actor).await?;
    Ok(Json(List::whole(sources.into_iter().map(|source| SourceJson::new(source, &origin)))))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreateSource {
    adapter: String,
    name: String,
    default_domain: Option<String>,
}

#[derive(Serialize)]
pub(super) struct CreatedSourceJson {
    #[serde(flatten)]
    source: SourceJson,
    /// Signs the bodies of a `generic` source; shown this once.
    secret: String,
}

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

pub(super) async fn remove(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<SourceId>,
) -> Result<StatusCode, ApiProblem> {
    app.console.sources.delete(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

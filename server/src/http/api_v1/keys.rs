//! `/keys`: what scripts sign in with.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use callsheet::keys::{KeyDraft, KeyView, NewKey};
use callsheet::model::{KeyId, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{ApiActor, Body, Params};
use super::page::List;
use super::rfc3339::Rfc3339;
use super::schemas;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// Whether a key still opens anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum KeyState {
    Active,
    Expired,
}

/// A key without its secrets.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Key)]
pub(crate) struct KeyJson {
    #[schema(value_type = schemas::RowId)]
    id: KeyId,
    name: String,
    #[schema(value_type = schemas::Role)]
    role: Role,
    /// Push domains; `null`: all.
    domains: Option<Vec<String>>,
    /// Identifies the key in signed requests (JD Cloud signature).
    access_key: String,
    state: KeyState,
    created_at: Rfc3339,
    /// `null`: never.
    expires_at: Option<Rfc3339>,
    /// Accurate to about a minute.
    last_used_at: Option<Rfc3339>,
}

impl From<KeyView> for KeyJson {
    fn from(key: KeyView) -> Self {
        Self {
            id: key.id,
            name: key.name,
            role: key.role,
            domains: key.domains,
            access_key: key.access_key,
            state: if key.expired { KeyState::Expired } else { KeyState::Active },
            created_at: Rfc3339(key.created_at),
            expires_at: key.expires_at.map(Rfc3339),
            last_used_at: key.last_used_at.map(Rfc3339),
        }
    }
}

impl KeyJson {
    /// Name, role, domains, access key, expiry and last use, for a terminal.
    pub(crate) fn line(&self) -> [String; 6] {
        let moment = |at: Option<Rfc3339>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let expires = if self.state == KeyState::Expired { "expired".to_owned() } else { moment(self.expires_at) };
        let domains = self.domains.as_ref().map_or_else(|| "all".to_owned(), |domains| domains.join(","));
        let (name, access_key) = (self.name.clone(), self.access_key.clone());
        [name, self.role.to_string(), domains, access_key, expires, moment(self.last_used_at)]
    }
}

/// List API keys
///
/// By name.
#[utoipa::path(
    get, path = "/keys", operation_id = "listKeys", tag = "Keys",
    responses((status = 200, description = "The list", body = List<KeyJson>))
)]
pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
) -> Result<Json<List<KeyJson>>, ApiProblem> {
    Ok(Json(List::whole(app.console.keys.list(&actor).await?)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(examples(json!({ "name": "nightly", "role": "operator", "domains": ["push.example.org"] })))]
pub(super) struct CreateKey {
    #[schema(min_length = 1, max_length = 50)]
    name: String,
    #[schema(value_type = schemas::Role)]
    role: Role,
    /// Push domains that the key is limited to. Omit for all domains.
    #[schema(min_items = 1)]
    domains: Option<Vec<String>>,
    /// Within ten years. Omit for a key that does not expire.
    expires_at: Option<Rfc3339>,
}

/// A key with its secrets, shown only once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewKey)]
pub(super) struct NewKeyJson {
    #[serde(flatten)]
    key: KeyJson,
    /// Signs requests (JD Cloud signature).
    secret_key: String,
    /// For `Authorization: Bearer …`.
    token: String,
}

impl NewKeyJson {
    fn new(key: KeyView, secrets: NewKey) -> Self {
        Self { key: key.into(), secret_key: secrets.secret_key, token: secrets.token }
    }
}

/// Create an API key
///
/// Its secrets are shown only once.
#[utoipa::path(
    post, path = "/keys", operation_id = "createKey", tag = "Keys",
    request_body = CreateKey,
    responses(
    (status = 201, description = "The key with its secrets", body = NewKeyJson),
    (status = 409, description = "`key_taken`."),
    (status = 422, description = "`key_bad_name`, `key_no_domains`, `key_bad_expiry`; a domain name is not valid (`name_…`)."),
    )
)]
pub(super) async fn create(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Body(body): Body<CreateKey>,
) -> Result<impl IntoResponse, ApiProblem> {
    let draft = KeyDraft {
        name: &body.name,
        role: body.role,
        domains: body.domains.as_deref(),
        expires_at: body.expires_at.map(|at| at.0),
    };
    let secrets = app.console.keys.create(&actor, draft).await?;
    let key = app.console.keys.get(&actor, secrets.id).await?;
    Ok((StatusCode::CREATED, Json(NewKeyJson::new(key, secrets))))
}

/// Rotate the secrets of an API key
///
/// The previous secrets stop working immediately.
#[utoipa::path(
    post, path = "/keys/{id}/rotate", operation_id = "rotateKey", tag = "Keys",
    responses(
    (status = 200, description = "The key with its secrets, shown only once", body = NewKeyJson),
    (status = 404, description = "`key_unknown`."),
    (status = 409, description = "`key_has_expired`."),
    )
)]
pub(super) async fn rotate(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<KeyId>,
) -> Result<Json<NewKeyJson>, ApiProblem> {
    let secrets = app.console.keys.rotate(&actor, id).await?;
    let key = app.console.keys.get(&actor, id).await?;
    Ok(Json(NewKeyJson::new(key, secrets)))
}

/// Revoke an API key
///
/// Permanent. Its name can be used again.
#[utoipa::path(
    delete, path = "/keys/{id}", operation_id = "revokeKey", tag = "Keys",
    responses((status = 204, description = "Revoked"), (status = 404, description = "`key_unknown`."))
)]
pub(super) async fn revoke(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<KeyId>,
) -> Result<StatusCode, ApiProblem> {
    app.console.keys.revoke(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! `/keys`: what scripts sign in with.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use callsheet::keys::{KeyDraft, KeyView, NewKey};
use callsheet::model::{KeyId, Role};
use serde::{Deserialize, Serialize};

use super::extract::{ApiActor, Body, Params};
use super::moment::Moment;
use super::page::List;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// A key without its secrets.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyJson {
    id: KeyId,
    name: String,
    role: Role,
    /// Push domains; `null`: all.
    domains: Option<Vec<String>>,
    access_key: String,
    /// `active` or `expired`.
    state: &'static str,
    created_at: Moment,
    /// `null`: it does not expire.
    expires_at: Option<Moment>,
    /// To about a minute.
    last_used_at: Option<Moment>,
}

impl From<KeyView> for KeyJson {
    fn from(key: KeyView) -> Self {
        Self {
            id: key.id,
            name: key.name,
            role: key.role,
            domains: key.domains,
            access_key: key.access_key,
            state: if key.expired { "expired" } else { "active" },
            created_at: Moment(key.created_at),
            expires_at: key.expires_at.map(Moment),
            last_used_at: key.last_used_at.map(Moment),
        }
    }
}

impl KeyJson {
    /// Name, role, domains, access key, expiry and last use, for a terminal.
    pub(crate) fn line(&self) -> [String; 6] {
        let moment = |at: Option<Moment>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let expires = if self.state == "expired" { "expired".to_owned() } else { moment(self.expires_at) };
        let domains = self.domains.as_ref().map_or_else(|| "all".to_owned(), |domains| domains.join(","));
        let (name, access_key) = (self.name.clone(), self.access_key.clone());
        [name, self.role.to_string(), domains, access_key, expires, moment(self.last_used_at)]
    }
}

pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
) -> Result<Json<List<KeyJson>>, ApiProblem> {
    Ok(Json(List::whole(app.console.keys.list(&actor).await?)))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreateKey {
    name: String,
    role: Role,
    /// Left out: all.
    domains: Option<Vec<String>>,
    /// Left out: it does not expire.
    expires_at: Option<Moment>,
}

/// A key with its secrets, shown this once.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewKeyJson {
    #[serde(flatten)]
    key: KeyJson,
    secret_key: String,
    /// For `Authorization: Bearer …`.
    token: String,
}

impl NewKeyJson {
    fn new(key: KeyView, secrets: NewKey) -> Self {
        Self { key: key.into(), secret_key: secrets.secret_key, token: secrets.token }
    }
}

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

pub(super) async fn rotate(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<KeyId>,
) -> Result<Json<NewKeyJson>, ApiProblem> {
    let secrets = app.console.keys.rotate(&actor, id).await?;
    let key = app.console.keys.get(&actor, id).await?;
    Ok(Json(NewKeyJson::new(key, secrets)))
}

pub(super) async fn revoke(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<KeyId>,
) -> Result<StatusCode, ApiProblem> {
    app.console.keys.revoke(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

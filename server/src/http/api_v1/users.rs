//! `/users`: people, their links and sessions.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use callsheet::accounts::{Invitation, SessionView, UserChange, UserState, UserView};
use callsheet::model::{Role, UserId};
use serde::{Deserialize, Serialize};

use super::extract::{ApiActor, Body, Params};
use super::moment::Moment;
use super::page::List;
use super::sources::origin;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserJson {
    id: UserId,
    name: String,
    role: Role,
    state: UserState,
    /// The provider of single sign-on, where it vouches for the person.
    issuer: Option<String>,
    two_factor: bool,
    created_at: Moment,
    last_sign_in_at: Option<Moment>,
}

impl From<UserView> for UserJson {
    fn from(user: UserView) -> Self {
        Self {
            id: user.id,
            name: user.name,
            role: user.role,
            state: user.state,
            issuer: user.issuer,
            two_factor: user.two_factor,
            created_at: Moment(user.created_at),
            last_sign_in_at: user.last_sign_in_at.map(Moment),
        }
    }
}

/// A user with a one-time link, which is shown this once.
#[derive(Debug, Serialize)]
pub(super) struct InvitationJson {
    user: UserJson,
    link: String,
}

impl InvitationJson {
    fn new(invitation: Invitation, app: &AppState, headers: &HeaderMap) -> Self {
        let path = invitation.path();
        let link = match &app.console.public_url {
            Some(url) => format!("{}{path}", url.as_str().trim_end_matches('/')),
            None => format!("{}{path}", origin(headers)),
        };
        Self { user: invitation.user.into(), link }
    }
}

/// Where a user is signed in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionJson {
    /// Ends the session, and opens nothing.
    id: String,
    user_agent: String,
    address: String,
    signed_in_at: Moment,
    /// To the minute.
    last_used_at: Moment,
}

impl From<SessionView> for SessionJson {
    fn from(session: SessionView) -> Self {
        Self {
            id: session.id,
            user_agent: session.agent,
            address: session.address,
            signed_in_at: Moment(session.created_at),
            last_used_at: Moment(session.last_seen_at),
        }
    }
}

pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
) -> Result<Json<List<UserJson>>, ApiProblem> {
    Ok(Json(List::whole(app.console.accounts.list(&actor).await?)))
}

pub(super) async fn show(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<UserId>,
) -> Result<Json<UserJson>, ApiProblem> {
    Ok(Json(app.console.accounts.get(&actor, id).await?.into()))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InviteUser {
    name: String,
    role: Role,
}

pub(super) async fn invite(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    headers: HeaderMap,
    Body(body): Body<InviteUser>,
) -> Result<impl IntoResponse, ApiProblem> {
    let invitation = app.console.accounts.invite(&actor, &body.name, body.role).await?;
    let location = [(header::LOCATION, format!("/api/v1/users/{}", invitation.user.id))];
    Ok((StatusCode::CREATED, location, Json(InvitationJson::new(invitation, &app, &headers))))
}

/// What is left out stays as it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeUser {
    role: Option<Role>,
    active: Option<bool>,
}

pub(super) async fn change(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<UserId>,
    Body(body): Body<ChangeUser>,
) -> Result<Json<UserJson>, ApiProblem> {
    let change = UserChange { role: body.role, active: body.active };
    Ok(Json(app.console.accounts.change(&actor, id, change).await?.into()))
}

pub(super) async fn new_link(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<UserId>,
    headers: HeaderMap,
) -> Result<Json<InvitationJson>, ApiProblem> {
    let invitation = app.console.accounts.new_link(&actor, id).await?;
    Ok(Json(InvitationJson::new(invitation, &app, &headers)))
}

pub(super) async fn reset_two_factor(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<UserId>,
) -> Result<StatusCode, ApiProblem> {
    app.console.accounts.reset_factor(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn sessions(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<UserId>,
) -> Result<Json<List<SessionJson>>, ApiProblem> {
    Ok(Json(List::whole(app.console.accounts.sessions(&actor, id).await?)))
}

pub(super) async fn end_sessions(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<UserId>,
) -> Result<StatusCode, ApiProblem> {
    app.console.accounts.end_sessions(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn end_session(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params((id, session)): Params<(UserId, String)>,
) -> Result<StatusCode, ApiProblem> {
    app.console.accounts.end_session(&actor, id, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}

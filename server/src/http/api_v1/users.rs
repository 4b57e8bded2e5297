//! `/users`: people, their links and sessions.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use callsheet::accounts::{Invitation, SessionView, UserChange, UserState, UserView};
use callsheet::model::{Role, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{ApiActor, Body, Params};
use super::page::List;
use super::rfc3339::Rfc3339;
use super::schemas;
use super::sources::origin;
use crate::http::AppState;
use crate::http::problem::ApiProblem;

/// A user account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub(super) struct UserJson {
    #[schema(value_type = schemas::RowId)]
    id: UserId,
    name: String,
    #[schema(value_type = schemas::Role)]
    role: Role,
    #[schema(value_type = schemas::UserState)]
    state: UserState,
    /// Identity provider of a single sign-on user.
    issuer: Option<String>,
    /// Two-factor sign-in is on.
    two_factor: bool,
    created_at: Rfc3339,
    last_sign_in_at: Option<Rfc3339>,
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
            created_at: Rfc3339(user.created_at),
            last_sign_in_at: user.last_sign_in_at.map(Rfc3339),
        }
    }
}

/// A user with a one-time link, shown only once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Invitation)]
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

/// A browser session of a user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BrowserSession)]
pub(super) struct SessionJson {
    /// Identifies the session in requests that end it; not a credential.
    id: String,
    user_agent: String,
    address: String,
    signed_in_at: Rfc3339,
    /// Time of the last request, to the minute.
    last_used_at: Rfc3339,
}

impl From<SessionView> for SessionJson {
    fn from(session: SessionView) -> Self {
        Self {
            id: session.id,
            user_agent: session.agent,
            address: session.address,
            signed_in_at: Rfc3339(session.created_at),
            last_used_at: Rfc3339(session.last_seen_at),
        }
    }
}

/// List users
///
/// By name.
#[utoipa::path(
    get, path = "/users", operation_id = "listUsers", tag = "Users",
    responses((status = 200, description = "The list", body = List<UserJson>))
)]
pub(super) async fn list(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
) -> Result<Json<List<UserJson>>, ApiProblem> {
    Ok(Json(List::whole(app.console.accounts.list(&actor).await?)))
}

/// Get a user
#[utoipa::path(
    get, path = "/users/{id}", operation_id = "getUser", tag = "Users",
    responses((status = 200, description = "The user", body = UserJson), (status = 404, description = "`user_unknown`."))
)]
pub(super) async fn show(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<UserId>,
) -> Result<Json<UserJson>, ApiProblem> {
    Ok(Json(app.console.accounts.get(&actor, id).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "name": "grace", "role": "reviewer" })))]
pub(super) struct InviteUser {
    /// Without leading or trailing spaces.
    #[schema(min_length = 1, max_length = 50)]
    name: String,
    #[schema(value_type = schemas::Role)]
    role: Role,
}

/// Invite a user
///
/// The user sets a password at the link, which is valid for 72 hours.
#[utoipa::path(
    post, path = "/users", operation_id = "inviteUser", tag = "Users",
    request_body = InviteUser,
    responses(
    (status = 201, description = "The user and the link", body = InvitationJson, headers(("Location" = String, description = "The user's path"))),
    (status = 409, description = "`user_taken`."),
    (status = 422, description = "`user_bad_name`."),
    )
)]
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

/// Omitted fields keep their values.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeUser {
    #[schema(value_type = Option<schemas::Role>)]
    role: Option<Role>,
    /// Whether the user can sign in.
    active: Option<bool>,
}

/// Change a user's role, or activate or deactivate the user
///
/// Omitted fields keep their values.
#[utoipa::path(
    patch, path = "/users/{id}", operation_id = "changeUser", tag = "Users",
    request_body = ChangeUser,
    responses(
    (status = 200, description = "The user as it is now", body = UserJson),
    (status = 404, description = "`user_unknown`."),
    (status = 409, description = "`user_last_admin`; `user_by_provider`: single sign-on manages the role."),
    )
)]
pub(super) async fn change(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<UserId>,
    Body(body): Body<ChangeUser>,
) -> Result<Json<UserJson>, ApiProblem> {
    let change = UserChange { role: body.role, active: body.active };
    Ok(Json(app.console.accounts.change(&actor, id, change).await?.into()))
}

/// Create a new one-time link for a user
///
/// The user sets a password there. The previous link stops working.
#[utoipa::path(
    post, path = "/users/{id}/link", operation_id = "newUserLink", tag = "Users",
    responses(
    (status = 200, description = "The user and the link", body = InvitationJson),
    (status = 404, description = "`user_unknown`."),
    (status = 409, description = "`user_deactivated`, `user_by_provider`."),
    )
)]
pub(super) async fn new_link(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<UserId>,
    headers: HeaderMap,
) -> Result<Json<InvitationJson>, ApiProblem> {
    let invitation = app.console.accounts.new_link(&actor, id).await?;
    Ok(Json(InvitationJson::new(invitation, &app, &headers)))
}

/// Turn off a user's two-factor sign-in
///
/// For users who lost their device and their recovery codes.
#[utoipa::path(
    delete, path = "/users/{id}/two-factor", operation_id = "resetTwoFactor", tag = "Users",
    responses(
    (status = 204, description = "Turned off"),
    (status = 404, description = "`user_unknown`."),
    (status = 409, description = "`user_by_provider`."),
    )
)]
pub(super) async fn reset_two_factor(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<UserId>,
) -> Result<StatusCode, ApiProblem> {
    app.console.accounts.reset_factor(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List a user's sessions
///
/// Most recently used first.
#[utoipa::path(
    get, path = "/users/{id}/sessions", operation_id = "listUserSessions", tag = "Users",
    responses((status = 200, description = "The list", body = List<SessionJson>), (status = 404, description = "`user_unknown`."))
)]
pub(super) async fn sessions(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<UserId>,
) -> Result<Json<List<SessionJson>>, ApiProblem> {
    Ok(Json(List::whole(app.console.accounts.sessions(&actor, id).await?)))
}

/// Sign a user out everywhere
#[utoipa::path(
    delete, path = "/users/{id}/sessions", operation_id = "endUserSessions", tag = "Users",
    responses((status = 204, description = "Signed out"), (status = 404, description = "`user_unknown`."))
)]
pub(super) async fn end_sessions(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params(id): Params<UserId>,
) -> Result<StatusCode, ApiProblem> {
    app.console.accounts.end_sessions(&actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End one session of a user
#[utoipa::path(
    delete, path = "/users/{id}/sessions/{session}", operation_id = "endUserSession", tag = "Users",
    responses((status = 204, description = "Signed out"), (status = 404, description = "`user_unknown`, `browser_session_unknown`."))
)]
pub(super) async fn end_session(
    ApiActor(actor): ApiActor,
    State(app): State<AppState>,
    Params((id, session)): Params<(UserId, String)>,
) -> Result<StatusCode, ApiProblem> {
    app.console.accounts.end_session(&actor, id, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}

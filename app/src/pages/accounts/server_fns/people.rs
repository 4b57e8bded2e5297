//! Where the forms of *Users* post to.

use callsheet::accounts::{AccountError, Invitation, UserView};
use callsheet::model::{Role, UserId};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::context::Visit;
use crate::error::UiError;
use crate::forms::Post;

/// Creates a user with a link, whose path is shown once.
#[server(InviteUser)]
pub(crate) async fn invite_user(name: String, role: Role) -> Result<String, UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, InviteUser::PATH, &[("name", &name), ("role", role.as_str())]);
    let made = visit.console.accounts.invite(actor, &name, role).await;
    reveal(&visit, post, made).await
}

/// Makes a new link, whose path is shown once.
#[server(NewUserLink)]
pub(crate) async fn new_user_link(id: UserId) -> Result<String, UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, NewUserLink::PATH, &[]);
    let made = visit.console.accounts.new_link(actor, id).await;
    reveal(&visit, post, made).await
}

async fn reveal(visit: &Visit, post: Post, made: Result<Invitation, AccountError>) -> Result<String, UiError> {
    match made {
        Ok(invitation) => post.reveal(invitation.path(), format!("/users/{}", invitation.user.id)).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Changes the role.
#[server(SetUserRole)]
pub(crate) async fn set_user_role(id: UserId, role: Role) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, SetUserRole::PATH, &[]);
    match visit.console.accounts.set_role(actor, id, role).await {
        Ok(UserView { role, .. }) => {
            let role = visit.texts.word("role", role.as_str());
            post.stay(visit.texts.fill("users.role_changed", &[("role", &role)])).await
        }
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Deactivates or activates.
#[server(SetUserActive)]
pub(crate) async fn set_user_active(id: UserId, active: bool) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, SetUserActive::PATH, &[]);
    let message = visit.texts.get(if active { "users.activated" } else { "users.deactivated" });
    match visit.console.accounts.set_active(actor, id, active).await {
        Ok(_) => post.stay(message).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Turns the second factor of somebody off who has lost the device.
#[server(ResetUserFactor)]
pub(crate) async fn reset_user_factor(id: UserId) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, ResetUserFactor::PATH, &[]);
    match visit.console.accounts.reset_factor(actor, id).await {
        Ok(()) => post.stay(visit.texts.get("users.factor_reset")).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Ends one session of a user.
#[server(EndUserSession)]
pub(crate) async fn end_user_session(id: UserId, session: String) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, EndUserSession::PATH, &[]);
    match visit.console.accounts.end_session(actor, id, &session).await {
        Ok(()) => post.stay(visit.texts.get("sessions.ended")).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Signs a user out everywhere.
#[server(EndUserSessions)]
pub(crate) async fn end_user_sessions(id: UserId) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, EndUserSessions::PATH, &[]);
    match visit.console.accounts.end_sessions(actor, id).await {
        Ok(()) => post.stay(visit.texts.get("sessions.all_ended")).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

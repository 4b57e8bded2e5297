//! Where the forms of one's own profile post to.

use callsheet::accounts::NewFactor;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::entry::renew_session;
use crate::context::Visit;
use crate::error::UiError;
use crate::forms::Post;

/// Changes the password; other sessions end.
#[server(ChangePassword)]
pub(crate) async fn change_password(
    present: String,
    password: String,
    #[server(rename = "passwordAgain")] password_again: String,
) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, ChangePassword::PATH, &[]);
    let session = visit.own_session();
    match visit.console.accounts.change_password(actor, &session, &present, &password, &password_again).await {
        Ok(()) => {
            renew_session(&visit).await?;
            post.stay(visit.texts.get("profile.password_changed")).await
        }
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Makes a secret for the person's device.
#[server(StartFactor)]
pub(crate) async fn start_factor() -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, StartFactor::PATH, &[]);
    match visit.console.accounts.start_factor(actor).await {
        Ok(()) => post.go("/profile#two-factor".to_owned()).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Turns the second factor on; its recovery codes are shown once.
#[server(ConfirmFactor)]
pub(crate) async fn confirm_factor(code: String) -> Result<NewFactor, UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, ConfirmFactor::PATH, &[]);
    match visit.console.accounts.confirm_factor(actor, &code).await {
        Ok(new) => post.reveal(new, "/profile#two-factor".to_owned()).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Turns the second factor off.
#[server(TurnOffFactor)]
pub(crate) async fn turn_off_factor(present: String) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, TurnOffFactor::PATH, &[]);
    match visit.console.accounts.turn_off_factor(actor, &present).await {
        Ok(()) => post.stay(visit.texts.get("two_factor.turned_off")).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Ends one of one's own sessions.
#[server(EndOwnSession)]
pub(crate) async fn end_own_session(session: String) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, EndOwnSession::PATH, &[]);
    match visit.console.accounts.end_own_session(actor, &session).await {
        Ok(()) => post.stay(visit.texts.get("sessions.ended")).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Ends all of one's own sessions but this one.
#[server(EndOtherSessions)]
pub(crate) async fn end_other_sessions() -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, EndOtherSessions::PATH, &[]);
    match visit.console.accounts.end_other_sessions(actor, &visit.own_session()).await {
        Ok(()) => {
            renew_session(&visit).await?;
            post.stay(visit.texts.get("sessions.others_ended")).await
        }
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

//! Where set-up, sign-in and sign-out post to.

use callsheet::accounts::User;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::context::{SESSION_USER, Visit};
use crate::error::UiError;
use crate::forms::{Done, Post};
use crate::request::local_path;

/// Creates the first admin and signs in.
#[server(SetUp)]
pub(crate) async fn set_up(
    token: String,
    name: String,
    password: String,
    #[server(rename = "passwordAgain")] password_again: String,
) -> Result<(), UiError> {
    let visit = Visit::current();
    let post = Post::new(&visit, SetUp::PATH, &[("name", &name)]);
    match visit.console.accounts.set_up(&token, &name, &password, &password_again, &visit.client).await {
        Ok(user) => {
            open_session(&visit, &user).await?;
            let message = visit.texts.fill("setup.done", &[("name", &user.name)]);
            post.succeed((), Done { message, page: "/".to_owned() }).await
        }
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Signs in and goes on to the page that was asked for.
#[server(SignIn)]
pub(crate) async fn sign_in(name: String, password: String, #[server(default)] next: String) -> Result<(), UiError> {
    let visit = Visit::current();
    let post = Post::new(&visit, SignIn::PATH, &[("name", &name)]);
    match visit.console.accounts.log_in(&name, &password, &visit.client).await {
        Ok(user) => {
            open_session(&visit, &user).await?;
            post.go(local_path(&next).unwrap_or_else(|| "/".to_owned())).await
        }
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Ends the browser's session.
#[server(SignOut)]
pub(crate) async fn sign_out() -> Result<(), UiError> {
    let visit = Visit::current();
    let post = Post::new(&visit, SignOut::PATH, &[]);
    if let Some(session) = &visit.session
        && let Err(error) = session.flush().await
    {
        return post.fail(UiError::fault(visit.texts, &error)).await;
    }
    post.go("/login".to_owned()).await
}

/// Starts a fresh session for the user: what an earlier owner of the cookie knew is worth nothing.
async fn open_session(visit: &Visit, user: &User) -> Result<(), UiError> {
    let Some(session) = &visit.session else { return Err(UiError::internal(visit.texts)) };
    let opened = async {
        session.cycle_id().await?;
        session.insert(SESSION_USER, user.id).await
    };
    opened.await.map_err(|error| UiError::fault(visit.texts, &error))
}

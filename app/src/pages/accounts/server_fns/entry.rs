//! Set-up, invitation, sign-in in one step or two, sign-out; and what a browser's session keeps between two steps.

use callsheet::accounts::{AccountError, AuthorizationRequest, SignedIn, User};
use callsheet::model::{Millis, UserId};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use serde::{Deserialize, Serialize};

use crate::context::{SESSION_ADDRESS, SESSION_AGENT, SESSION_USER, Visit};
use crate::error::UiError;
use crate::forms::{Done, Post};
use crate::request::local_path;

/// Whose password fits, while a code is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in super::super) struct Pending {
    user: UserId,
    until: Millis,
    next: String,
}

impl Pending {
    const KEY: &str = "second_step";

    /// What the session keeps, while it holds.
    pub(in super::super) async fn of(visit: &Visit) -> Option<Self> {
        let kept = visit.session.as_ref()?.get::<Self>(Self::KEY).await.ok()??;
        (visit.console.clock.now() < kept.until).then_some(kept)
    }
}

/// Longest address, in bytes, to return to from the provider.
const LONGEST_NEXT: usize = 1000;

/// What is kept while the browser is at the provider of single sign-on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in super::super) struct Away {
    pub(in super::super) ticket: AuthorizationRequest,
    pub(in super::super) next: String,
}

impl Away {
    const KEY: &str = "single_sign_on";

    pub(in super::super) fn keep(self, visit: &Visit) -> Result<(), UiError> {
        // A long address does not fit into a cookie.
        let next = if self.next.len() > LONGEST_NEXT { "/".to_owned() } else { self.next };
        visit.form_cookie.put(Self::KEY, &Self { next, ..self }).map_err(|error| UiError::fault(visit.texts, &error))
    }

    /// Takes it: one answer of the provider counts.
    pub(in super::super) fn take(visit: &Visit) -> Option<Self> {
        visit.form_cookie.take(Self::KEY)
    }
}

/// Starts a fresh session for the user: what an earlier owner of the cookie knew is worth nothing.
pub(in super::super) async fn open_session(visit: &Visit, user: &User) -> Result<(), UiError> {
    let Some(session) = &visit.session else { return Err(UiError::internal(visit.texts)) };
    let opened = async {
        session.cycle_id().await?;
        session.remove::<Pending>(Pending::KEY).await?;
        session.insert(SESSION_ADDRESS, &visit.client).await?;
        session.insert(SESSION_AGENT, &visit.agent).await?;
        session.insert(SESSION_USER, user.id).await
    };
    opened.await.map_err(|error| UiError::fault(visit.texts, &error))
}

/// Gives the browser's session another cookie: whoever has a copy of this one is out too.
pub(super) async fn renew_session(visit: &Visit) -> Result<(), UiError> {
    let Some(session) = &visit.session else { return Err(UiError::internal(visit.texts)) };
    session.cycle_id().await.map_err(|error| UiError::fault(visit.texts, &error))
}

/// What follows a password that fits: the page that was asked for, or the second step.
async fn go_on(visit: &Visit, post: Post, signed_in: SignedIn, next: &str) -> Result<(), UiError> {
    match signed_in {
        SignedIn::Done(user) => {
            open_session(visit, &user).await?;
            post.go(local_path(next).unwrap_or_else(|| "/".to_owned())).await
        }
        SignedIn::SecondStep { user, until } => {
            let Some(session) = &visit.session else { return Err(UiError::internal(visit.texts)) };
            let kept = async {
                session.cycle_id().await?;
                session.insert(Pending::KEY, Pending { user, until, next: next.to_owned() }).await
            };
            kept.await.map_err(|error| UiError::fault(visit.texts, &error))?;
            post.go("/login/code".to_owned()).await
        }
    }
}

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

/// Sets the password of whom a link was made for, and signs in.
#[server(AcceptLink)]
pub(crate) async fn accept_link(
    token: String,
    password: String,
    #[server(rename = "passwordAgain")] password_again: String,
) -> Result<(), UiError> {
    let visit = Visit::current();
    let post = Post::new(&visit, AcceptLink::PATH, &[]);
    match visit.console.accounts.accept_link(&token, &password, &password_again, &visit.client).await {
        Ok(signed_in) => go_on(&visit, post, signed_in, "/").await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Signs in, or goes on to the second step.
#[server(SignIn)]
pub(crate) async fn sign_in(name: String, password: String, #[server(default)] next: String) -> Result<(), UiError> {
    let visit = Visit::current();
    let post = Post::new(&visit, SignIn::PATH, &[("name", &name)]);
    match visit.console.accounts.log_in(&name, &password, &visit.client).await {
        Ok(signed_in) => go_on(&visit, post, signed_in, &next).await,
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// The second step.
#[server(EnterCode)]
pub(crate) async fn enter_code(code: String) -> Result<(), UiError> {
    let visit = Visit::current();
    let post = Post::new(&visit, EnterCode::PATH, &[]);
    let Some(Pending { user, until, next }) = Pending::of(&visit).await else {
        let error = UiError::of(visit.texts, &AccountError::SecondStepOver);
        return post.fail_on(error, "/login".to_owned()).await;
    };
    match visit.console.accounts.second_step(user, until, &code, &visit.client).await {
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
    if let Some(actor) = &visit.actor
        && let Err(problem) = visit.console.accounts.end_own_session(actor, &visit.own_session()).await
    {
        return post.fail(UiError::of(visit.texts, &problem)).await;
    }
    if let Some(session) = &visit.session
        && let Err(error) = session.flush().await
    {
        return post.fail(UiError::fault(visit.texts, &error)).await;
    }
    post.go("/login".to_owned()).await
}

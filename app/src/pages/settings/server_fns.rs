//! Where the forms of *Settings* post to.

use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::single_sign_on_test;
use crate::context::Visit;
use crate::error::UiError;
use crate::forms::{Done, Post};

const PAGE: &str = "/settings";

/// Adds a host that serves recorded video.
#[server(AddVodDomain)]
pub(crate) async fn add_vod_domain(name: String, path: String) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, AddVodDomain::PATH, &[("name", &name), ("path", &path)]);
    let added = visit.console.stats.add_vod_domain(actor, &name, &path).await;
    let texts = visit.texts;
    post.answer(added.map(|domain| domain.display), |name| Done {
        message: texts.fill("settings.vod_added", &[("name", name)]),
        page: PAGE.to_owned(),
    })
    .await
    .map(drop)
}

/// Removes one.
#[server(RemoveVodDomain)]
pub(crate) async fn remove_vod_domain(name: String) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, RemoveVodDomain::PATH, &[]);
    let message = visit.texts.fill("settings.vod_removed", &[("name", &name)]);
    let removed = visit.console.stats.remove_vod_domain(actor, &name).await;
    post.answer(removed, |()| Done { message, page: PAGE.to_owned() }).await
}

/// Starts a test of single sign-on.
#[server(TestSingleSignOn)]
pub(crate) async fn test_single_sign_on() -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, TestSingleSignOn::PATH, &[]);
    match single_sign_on_test::start(&visit, actor).await {
        Ok(true) => post.go(single_sign_on_test::LEAVE.to_owned()).await,
        Ok(false) => post.go(single_sign_on_test::PAGE.to_owned()).await,
        Err(error) => post.fail(error).await,
    }
}

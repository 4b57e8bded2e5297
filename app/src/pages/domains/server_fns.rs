//! Where the forms of *Domain Management* post to.

use callsheet::domains::NewDomain;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::context::Visit;
use crate::error::UiError;
use crate::forms::{Done, Post};
use crate::request::page_of;

/// Creates a domain group. Play domains: one a line, or apart by commas or spaces.
#[server(CreateDomain)]
pub(crate) async fn create_domain(
    #[server(rename = "pushDomain")] push_domain: String,
    #[server(rename = "playDomains")] play_domains: String,
) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let typed = [("pushDomain", push_domain.as_str()), ("playDomains", play_domains.as_str())];
    let post = Post::new(&visit, CreateDomain::PATH, &typed);
    let play: Vec<&str> = play_domains.split([',', '\n', ' ', '，', '、']).map(str::trim).collect();
    let created = async { visit.console.domains.create(actor, NewDomain::parse(&push_domain, &play)?).await };
    match created.await {
        Ok(domain) => {
            let message = visit.texts.fill("domains.created", &[("name", &domain.push_display)]);
            post.succeed((), Done { message, page: page_of(&domain.push) }).await
        }
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Enables or disables a domain group, and stays on the page.
#[server(SetDomainEnabled)]
pub(crate) async fn set_domain_enabled(push: String, enabled: bool) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, SetDomainEnabled::PATH, &[]);
    match visit.console.domains.set_enabled(actor, &push, enabled).await {
        Ok(domain) => {
            let key = if enabled { "domains.is_enabled" } else { "domains.is_disabled" };
            let message = visit.texts.fill(key, &[("name", &domain.push_display)]);
            post.stay(message).await
        }
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Deletes a disabled domain group whose name was typed.
#[server(DeleteDomain)]
pub(crate) async fn delete_domain(push: String, confirm: String) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, DeleteDomain::PATH, &[("confirm", &confirm)]);
    let message = visit.texts.fill("domains.deleted", &[("name", &push)]);
    let outcome = visit.console.domains.delete(actor, &push, &confirm).await;
    post.answer(outcome, |()| Done { message, page: "/domains".to_owned() }).await
}

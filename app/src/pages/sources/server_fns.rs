//! Where the forms of *Sources* post to.

use callsheet::model::SourceId;
use callsheet::sources::Adapter;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use crate::context::Visit;
use crate::error::UiError;
use crate::forms::{Done, Post};

/// Adds an external media server. A `generic` one gets a signing secret, which is shown once.
#[server(CreateSource)]
pub(crate) async fn create_source(
    adapter: String,
    name: String,
    #[server(rename = "defaultDomain")] default_domain: String,
) -> Result<Option<String>, UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let typed = [("adapter", adapter.as_str()), ("name", name.as_str()), ("defaultDomain", default_domain.as_str())];
    let post = Post::new(&visit, CreateSource::PATH, &typed);
    match visit.console.sources.create(actor, &adapter, &name, Some(&default_domain)).await {
        Ok(created) => {
            let page = format!("/sources/{}", created.view.id);
            let signs = created.view.adapter == Adapter::Generic;
            post.reveal(signs.then(|| created.secret.expose().to_owned()), page).await
        }
        Err(problem) => post.fail(UiError::of(visit.texts, &problem)).await,
    }
}

/// Removes an external media server.
#[server(DeleteSource)]
pub(crate) async fn delete_source(id: SourceId) -> Result<(), UiError> {
    let visit = Visit::current();
    let actor = visit.actor()?;
    let post = Post::new(&visit, DeleteSource::PATH, &[]);
    let message = visit.texts.get("sources.removed");
    let outcome = visit.console.sources.delete(actor, id).await;
    post.answer(outcome, |()| Done { message, page: "/sources".to_owned() }).await
}

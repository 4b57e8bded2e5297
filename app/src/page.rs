//! How a page is answered: who is not signed in goes to the login and comes back, what fails says so with its status.

use callsheet::model::Actor;
use leptos::prelude::*;
use leptos_meta::Title;

use crate::components::{Note, Tone};
use crate::context::Visit;
use crate::error::UiError;
use crate::forms::Flash;
use crate::request::{login_page, set_status};
use crate::texts::Texts;

/// A page for people who are signed in. `body` gets the request, the person, and what the last form left.
pub(crate) fn page<F, Fut>(body: F) -> AnyView
where
    F: FnOnce(Visit, Actor, Flash) -> Fut + Send + 'static,
    Fut: Future<Output = Result<AnyView, UiError>> + Send + 'static,
{
    let visit = Visit::current();
    let Some(actor) = visit.actor.clone() else {
        return send_to(&login_page(visit.address));
    };
    Suspend::new(async move {
        let texts = visit.texts;
        let flash = Flash::take(&visit).await;
        let notes = notes(&flash);
        match body(visit, actor, flash).await {
            Ok(view) => view! { {notes} {view} }.into_any(),
            Err(error) => failure(texts, &error),
        }
    })
    .into_any()
}

/// A page for people who are not signed in yet: one card in the middle. Who is signed in already goes to the overview.
pub(crate) fn open_page<F, Fut>(body: F) -> AnyView
where
    F: FnOnce(Visit, Flash) -> Fut + Send + 'static,
    Fut: Future<Output = Result<AnyView, UiError>> + Send + 'static,
{
    let visit = Visit::current();
    if visit.actor.is_some() {
        return send_to("/");
    }
    Suspend::new(async move {
        let texts = visit.texts;
        let flash = Flash::take(&visit).await;
        let notes = notes(&flash);
        match body(visit, flash).await {
            Ok(view) => view! { <section class="card"><div class="body">{notes} {view}</div></section> }.into_any(),
            Err(error) => view! { <section class="card">{failure(texts, &error)}</section> }.into_any(),
        }
    })
    .into_any()
}

/// Another page instead of this one, whether or not the client says that it reads HTML.
pub(crate) fn send_to(page: &str) -> AnyView {
    leptos_axum::redirect(page);
    set_status(302);
    ().into_any()
}

/// Good news, and errors that belong to no field.
fn notes(flash: &Flash) -> AnyView {
    let good = flash.message(None).map(|text| view! { <Note tone=Tone::Ok>{text}</Note> });
    let bad = flash.error.clone().filter(|error| error.field.is_none());
    let bad = bad.map(|error| view! { <Note tone=Tone::Bad>{error.message}</Note> });
    view! { {good} {bad} }.into_any()
}

/// The page in place of one that cannot be shown, with its HTTP status.
pub(crate) fn failure(texts: Texts, error: &UiError) -> AnyView {
    set_status(error.status);
    let failure = Failure::of(texts, error);
    view! { <Title text=failure.title.clone()/> {failure.view(texts)} }.into_any()
}

/// What a person is told in place of a page.
pub(crate) struct Failure {
    pub(crate) title: String,
    message: String,
    remedy: String,
}

impl Failure {
    pub(crate) fn of(texts: Texts, error: &UiError) -> Self {
        let (title, remedy) = match error.status {
            403 if error.code == "cross_origin" => ("failure.forbidden", "failure.cross_origin_remedy"),
            403 => ("failure.forbidden", "failure.forbidden_remedy"),
            404 => ("failure.not_found", "failure.not_found_remedy"),
            503 => ("failure.unavailable", "failure.unavailable_remedy"),
            _ => ("failure.internal", "failure.internal_remedy"),
        };
        Self { title: texts.get(title), message: error.message.clone(), remedy: texts.get(remedy) }
    }

    pub(crate) fn view(self, texts: Texts) -> AnyView {
        let Self { title, message, remedy } = self;
        view! {
            <div class="empty-state">
                <h1>{title}</h1>
                <p>{message}</p>
                <p>{remedy}</p>
                <div class="row"><a class="btn" href="/">{texts.get("failure.home")}</a></div>
            </div>
        }
        .into_any()
    }
}

//! *API*: the description of the REST API, for people. What it says is English in every language; the frame is not.

mod operations;
mod shapes;

use leptos::prelude::*;
use serde_json::{Map, Value};

use crate::components::Head;
use crate::context::{ApiDescription, Visit};
use crate::page::page;

/// `/api`; each operation and each shape has an anchor by its name.
#[component]
pub(crate) fn ApiPage() -> impl IntoView {
    let ApiDescription(api) = expect_context();
    page(move |visit, _, _| async move {
        let texts = visit.texts;
        let of_tag = |tag: &'static Value| operations::of_tag(texts, api, tag);
        Ok(view! {
            <Head title=texts.get("nav.api")/>
            {introduction(&visit, api)}
            {entries(&api["tags"]).map(of_tag).collect_view()}
            {shapes::all(texts, api)}
        }
        .into_any())
    })
}

/// What the API is, how to sign in, and where the description lies for programs.
fn introduction(visit: &Visit, api: &'static Value) -> AnyView {
    let texts = visit.texts;
    let example = format!("curl -H \"Authorization: Bearer $TOKEN\" {}", visit.whole("/api/v1/domains"));
    let tags = entries(&api["tags"]).map(|tag| {
        let name = text(&tag["name"]);
        view! { <li lang="en"><a href=format!("#{name}")>{name}</a></li> }
    });
    view! {
        <section class="card" id="about">
            <header><h2>{texts.get("api.about")}</h2></header>
            <div class="body">
                <div class="stack" lang="en">{told(text(&api["info"]["description"]))}</div>
                <h3>{texts.get("api.sign_in")}</h3>
                <p>{texts.get("api.sign_in_how")}</p>
                <pre>{example}</pre>
                <p>{texts.get("api.openapi")} " " <a href="/api/openapi.json"><code>"/api/openapi.json"</code></a></p>
                <nav aria-label=texts.get("api.contents")>
                    <ul class="row">{tags.collect_view()}<li><a href="#shapes">{texts.get("api.schemas")}</a></li></ul>
                </nav>
            </div>
        </section>
    }
    .into_any()
}

fn text(value: &'static Value) -> &'static str {
    value.as_str().unwrap_or_default()
}

fn entries(value: &'static Value) -> impl Iterator<Item = &'static Value> {
    value.as_array().into_iter().flatten()
}

fn fields(value: &'static Value) -> impl Iterator<Item = (&'static str, &'static Value)> {
    value.as_object().into_iter().flat_map(Map::iter).map(|(name, value)| (name.as_str(), value))
}

/// The name of what a reference leads to.
fn referred(schema: &'static Value) -> Option<&'static str> {
    text(&schema["$ref"]).rsplit('/').next().filter(|name| !name.is_empty())
}

/// Paragraphs, in which `words` between backticks are code.
fn told(text: &'static str) -> AnyView {
    let paragraphs = text.split("\n\n").filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| view! { <p>{line(paragraph)}</p> }).collect_view().into_any()
}

/// The same of one line.
fn line(text: &'static str) -> AnyView {
    if text.is_empty() {
        return ().into_any();
    }
    let parts = text.split('`').enumerate().map(|(at, part)| match at % 2 {
        0 => part.into_any(),
        _ => view! { <code>{part}</code> }.into_any(),
    });
    parts.collect_view().into_any()
}

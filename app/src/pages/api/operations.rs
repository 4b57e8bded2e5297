//! Operations, tag by tag: what is asked and what is answered.

use leptos::prelude::*;
use serde_json::Value;

use super::{entries, fields, line, referred, shapes, text, told};
use crate::texts::Texts;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The operations of one tag.
pub(super) fn of_tag(texts: Texts, api: &'static Value, tag: &'static Value) -> AnyView {
    let name = text(&tag["name"]);
    let operations = fields(&api["paths"]).flat_map(|(path, item)| {
        let of_method = move |method: &'static str| item.get(method).map(|operation| (method, path, operation));
        METHODS.into_iter().filter_map(of_method)
    });
    let operations = operations
        .filter(|(_, _, operation)| entries(&operation["tags"]).any(|tag| tag == name))
        .map(|(method, path, operation)| one(texts, api, method, path, operation));
    view! {
        <section class="card" id=name>
            <header lang="en"><h2>{name}</h2> <p>{line(text(&tag["description"]))}</p></header>
            <div class="body">{operations.collect_view()}</div>
        </section>
    }
    .into_any()
}

fn one(
    texts: Texts,
    api: &'static Value,
    method: &'static str,
    path: &'static str,
    operation: &'static Value,
) -> AnyView {
    let (id, summary) = (text(&operation["operationId"]), text(&operation["summary"]));
    let anchor = format!("#{id}");
    view! {
        <article class="operation" id=id>
            <h3 lang="en"><a href=anchor><span class="method">{method.to_uppercase()}</span> " " <code>{path}</code></a> " " <span>{summary}</span></h3>
            <details class="disclosure">
                <summary>{texts.get("api.details")}<span class="visually-hidden" lang="en">" "{summary}</span></summary>
                <div class="stack">
                    <div lang="en">{told(text(&operation["description"]))}</div>
                    {parameters(texts, operation)}
                    {body(texts, operation)}
                    {answers(texts, api, operation)}
                </div>
            </details>
        </article>
    }
    .into_any()
}

fn parameters(texts: Texts, operation: &'static Value) -> Option<AnyView> {
    let rows: Vec<_> = entries(&operation["parameters"])
        .map(|parameter| {
            let required = parameter["required"] == true;
            view! {
                <tr>
                    <th scope="row"><code>{text(&parameter["name"])}</code><span class="secondary">{required.then(|| texts.get("api.required"))}</span></th>
                    <td data-label=texts.get("api.place")>{texts.word("api_place", text(&parameter["in"]))}</td>
                    <td data-label=texts.get("api.type") lang="en">{shapes::kind(&parameter["schema"])}</td>
                    <td data-label=texts.get("api.meaning") lang="en">{line(meaning(parameter))}</td>
                </tr>
            }
        })
        .collect();
    let table = view! {
        <div>
            <h4>{texts.get("api.parameters")}</h4>
            <table class="table">
                <thead><tr>
                    <th scope="col">{texts.get("api.name")}</th>
                    <th scope="col">{texts.get("api.place")}</th>
                    <th scope="col">{texts.get("api.type")}</th>
                    <th scope="col">{texts.get("api.meaning")}</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    };
    (!operation["parameters"].as_array()?.is_empty()).then(|| table.into_any())
}

/// Of the parameter, else of its type.
fn meaning(parameter: &'static Value) -> &'static str {
    match text(&parameter["description"]) {
        "" => text(&parameter["schema"]["description"]),
        description => description,
    }
}

fn body(texts: Texts, operation: &'static Value) -> Option<AnyView> {
    let body = operation.get("requestBody")?;
    let optional = (body["required"] != true).then(|| view! { <span class="muted">{texts.get("api.optional")}</span> });
    let forms = fields(&body["content"]).map(|(media_type, content)| {
        let example = content.get("example").map(|example| view! { <pre lang="en">{format!("{example:#}")}</pre> });
        view! { <p class="row"><code>{media_type}</code> <span lang="en">{shapes::kind(&content["schema"])}</span></p> {example} }
    });
    Some(
        view! { <div class="stack"><h4>{texts.get("api.body")} " " {optional}</h4> {forms.collect_view()}</div> }
            .into_any(),
    )
}

fn answers(texts: Texts, api: &'static Value, operation: &'static Value) -> AnyView {
    let rows: Vec<_> = fields(&operation["responses"])
        .map(|(status, answer)| {
            // What many operations have in common stands among the components.
            let answer = referred(answer).map_or(answer, |name| &api["components"]["responses"][name]);
            let forms = fields(&answer["content"]).map(|(media_type, content)| {
                let named = media_type != "application/json" && media_type != "application/problem+json";
                let media_type = named.then(|| view! { <code>{media_type}</code> " " });
                view! { <span class="secondary">{media_type} {shapes::kind(&content["schema"])}</span> }
            });
            let headers = fields(&answer["headers"]).map(|(name, header)| {
                view! { <span class="secondary"><code>{name}</code> ": " {line(text(&header["description"]))}</span> }
            });
            view! {
                <tr>
                    <th scope="row">{status}</th>
                    <td data-label=texts.get("api.meaning") lang="en">{line(text(&answer["description"]))} {headers.collect_view()}</td>
                    <td data-label=texts.get("api.type") lang="en">{forms.collect_view()}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <div>
            <h4>{texts.get("api.responses")}</h4>
            <table class="table">
                <thead><tr>
                    <th scope="col">{texts.get("api.status")}</th>
                    <th scope="col">{texts.get("api.meaning")}</th>
                    <th scope="col">{texts.get("api.type")}</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

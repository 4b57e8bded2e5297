//! Shapes of JSON: what a value may be, and the fields of objects.

use leptos::prelude::*;
use serde_json::Value;

use super::{entries, fields, line, referred, text};
use crate::texts::Texts;

/// Every named shape, folded.
pub(super) fn all(texts: Texts, api: &'static Value) -> AnyView {
    let shapes = fields(&api["components"]["schemas"]).map(|(name, schema)| {
        view! {
            <details class="disclosure schema">
                <summary lang="en">{name}</summary>
                <div class="stack" id=anchor(name)>
                    <p lang="en">{line(text(&schema["description"]))}</p>
                    {shape(texts, schema)}
                </div>
            </details>
        }
    });
    view! {
        <section class="card" id="shapes">
            <header><h2>{texts.get("api.schemas")}</h2> <p>{texts.get("api.schemas_help")}</p></header>
            <div class="body">{shapes.collect_view()}</div>
        </section>
    }
    .into_any()
}

fn anchor(name: &str) -> String {
    format!("shape-{name}")
}

/// The fields of an object, or what else it is.
fn shape(texts: Texts, schema: &'static Value) -> AnyView {
    let parts: Vec<_> = entries(&schema["allOf"]).collect();
    if !parts.is_empty() {
        let parts = parts.into_iter().map(|part| shape(texts, part));
        return parts.collect_view().into_any();
    }
    if !schema["properties"].is_object() {
        return view! { <p lang="en">{kind(schema)}</p> }.into_any();
    }
    let required = |name: &str| entries(&schema["required"]).any(|of| of == name);
    let rows: Vec<_> = fields(&schema["properties"])
        .map(|(name, property)| {
            let optional = (!required(name)).then(|| texts.get("api.may_be_absent"));
            view! {
                <tr>
                    <th scope="row"><code>{name}</code><span class="secondary">{optional}</span></th>
                    <td data-label=texts.get("api.type") lang="en">{kind(property)}</td>
                    <td data-label=texts.get("api.meaning") lang="en">{line(meaning(property))}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <table class="table">
            <thead><tr>
                <th scope="col">{texts.get("api.name")}</th>
                <th scope="col">{texts.get("api.type")}</th>
                <th scope="col">{texts.get("api.meaning")}</th>
            </tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

/// What is said of a field; of one that may be `null` it is said of the other choice.
fn meaning(property: &'static Value) -> &'static str {
    let choices = entries(&property["oneOf"]).map(|choice| text(&choice["description"]));
    [text(&property["description"])].into_iter().chain(choices).find(|told| !told.is_empty()).unwrap_or_default()
}

/// What a value may be, such as `string or null`, with bounds. Named shapes are links.
pub(super) fn kind(schema: &'static Value) -> AnyView {
    if let Some(name) = referred(schema) {
        return view! { <a href=format!("#{}", anchor(name))>{name}</a> }.into_any();
    }
    let choices: Vec<_> = entries(&schema["oneOf"]).collect();
    if !choices.is_empty() {
        return separated(" or ", choices.into_iter().map(kind));
    }
    let words: Vec<_> = entries(&schema["enum"]).map(text).collect();
    if !words.is_empty() {
        return separated(" · ", words.into_iter().map(|word| view! { <code>{word}</code> }.into_any()));
    }
    let mut types: Vec<&'static str> = match &schema["type"] {
        Value::Array(_) => entries(&schema["type"]).map(text).collect(),
        one => vec![text(one)],
    };
    types.retain(|name| !name.is_empty());
    if types.is_empty() {
        return "any JSON".into_any();
    }
    let kinds = types.into_iter().map(|name| match name {
        "array" => view! { "list of " {kind(&schema["items"])} }.into_any(),
        "object" if schema["additionalProperties"].is_object() => {
            view! { "object of " {kind(&schema["additionalProperties"])} }.into_any()
        }
        name => name.into_any(),
    });
    view! { {separated(" or ", kinds)} {bounds(schema)} }.into_any()
}

fn separated(by: &'static str, parts: impl Iterator<Item = AnyView>) -> AnyView {
    let parts = parts.enumerate().map(|(at, part)| view! { {(at > 0).then_some(by)} {part} });
    parts.collect_view().into_any()
}

/// Format, bounds and default of a value.
fn bounds(schema: &'static Value) -> Option<AnyView> {
    let format = match text(&schema["format"]) {
        // The width of a number is no news.
        "int32" | "int64" | "double" | "" => None,
        format => Some(format.to_owned()),
    };
    let range = match (schema.get("minimum"), schema.get("maximum")) {
        (Some(low), Some(high)) => Some(format!("{low} to {high}")),
        (Some(low), None) => Some(format!("from {low}")),
        (None, Some(high)) => Some(format!("up to {high}")),
        (None, None) => None,
    };
    let length = schema.get("maxLength").map(|most| format!("up to {most} characters"));
    let pattern = schema.get("pattern").map(|pattern| text(pattern).to_owned());
    let default = schema.get("default").map(|default| match default.as_str() {
        Some(word) => format!("default {word}"),
        None => format!("default {default}"),
    });
    let all: Vec<String> = [format, range, length, pattern, default].into_iter().flatten().collect();
    (!all.is_empty()).then(|| view! { <span class="muted">" (" {all.join(", ")} ")"</span> }.into_any())
}

//! *API keys*: what scripts sign in with. Admins alone see them.

mod detail;
mod new;
mod server_fns;

pub(crate) use detail::KeyPage;
pub(crate) use new::NewKeyPage;

use callsheet::keys::KeyView;
use leptos::prelude::*;

use crate::components::{Badge, Empty, Head, Tone};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;
use crate::texts::Texts;

/// Domains of a key that its row shows; the rest is on its page.
const SHOWN: usize = 3;

/// `/keys`.
#[component]
pub(crate) fn KeysPage() -> impl IntoView {
    page(|visit, actor, _| async move {
        let texts = visit.texts;
        let keys = visit.console.keys.list(&actor).await.map_err(|e| UiError::of(texts, &e))?;
        let create = move || view! { <a class="btn primary" href="/keys/new">{texts.get("keys.create")}</a> };
        let body = if keys.is_empty() {
            view! { <Empty title=texts.get("keys.none") text=texts.get("keys.none_text")>{create()}</Empty> }.into_any()
        } else {
            let rows: Vec<_> = keys.iter().map(|key| table_row(&visit, key)).collect();
            view! {
                <table class="table">
                    <thead><tr>
                        <th scope="col">{texts.get("keys.name")}</th>
                        <th scope="col">{texts.get("keys.role")}</th>
                        <th scope="col">{texts.get("keys.domains")}</th>
                        <th scope="col">{texts.get("keys.state")}</th>
                        <th scope="col">{texts.get("keys.last_used")}</th>
                        <th scope="col">{texts.get("domains.created_at")}</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            }
            .into_any()
        };
        let head_action = (!keys.is_empty()).then(create);
        Ok(view! {
            <Head title=texts.get("nav.keys")>
                <span class="spacer"></span>
                <a class="btn" href="/keys">{texts.get("list.refresh")}</a>
                {head_action}
            </Head>
            <section class="card" aria-label=texts.get("nav.keys")>{body}</section>
        }
        .into_any())
    })
}

fn table_row(visit: &Visit, key: &KeyView) -> impl IntoView + use<> {
    let texts = visit.texts;
    let until = (key.expires_at.is_some() && !key.expired).then(|| view! { {texts.get("keys.expires")} " " });
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/keys/{}", key.id)>{key.name.clone()}</a>
                <span class="secondary">{key.access_key.clone()}</span>
            </th>
            <td data-label=texts.get("keys.role")>{texts.word("role", key.role.as_str())}</td>
            <td data-label=texts.get("keys.domains")>{domains(texts, key, SHOWN)}</td>
            <td data-label=texts.get("keys.state")>{state(texts, key)}<span class="secondary">{until} {expiry(visit, key)}</span></td>
            <td data-label=texts.get("keys.last_used")>{last_used(visit, key)}</td>
            <td data-label=texts.get("domains.created_at")>{visit.times.at(key.created_at)}</td>
        </tr>
    }
}

/// A line for each of the first `most` domains.
fn domains(texts: Texts, key: &KeyView, most: usize) -> AnyView {
    let Some(domains) = &key.domains else { return texts.get("keys.all_domains").into_any() };
    let lines: Vec<_> = domains.iter().take(most).map(|name| view! { <div>{name.clone()}</div> }).collect();
    let more = domains.len().saturating_sub(most);
    let more = (more > 0).then(|| texts.fill("domains.more_play", &[("n", &more.to_string())]));
    view! { <div>{lines} {more}</div> }.into_any()
}

fn state(texts: Texts, key: &KeyView) -> AnyView {
    let (tone, text) = if key.expired { (Tone::Bad, "keys.expired") } else { (Tone::Ok, "keys.active") };
    view! { <Badge tone text=texts.get(text)/> }.into_any()
}

/// When it expires or has expired.
fn expiry(visit: &Visit, key: &KeyView) -> AnyView {
    match key.expires_at {
        None => visit.texts.get("keys.never_expires").into_any(),
        Some(at) => visit.times.at(at),
    }
}

fn last_used(visit: &Visit, key: &KeyView) -> AnyView {
    match key.last_used_at {
        Some(at) => visit.times.ago(at),
        None => view! { <span class="muted">{visit.texts.get("keys.never_used")}</span> }.into_any(),
    }
}

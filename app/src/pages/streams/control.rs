//! Stopping streams: what is forbidden, and the pages that ask before a publisher is dropped.

use callsheet::domains::DomainView;
use callsheet::model::{Action, Actor};
use callsheet::streams::{ForbiddenStream, SessionView};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use super::server_fns::{AllowStream, DisconnectStream, ForbidStream};
use crate::components::{Choice, Crumb, Head, Select};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;
use crate::request::page_of;

/// How long a stream can be forbidden for on the page: the key of the text, and seconds.
const LENGTHS: [(&str, &str); 4] = [("hour", "3600"), ("day", "86400"), ("week", "604800"), ("good", "")];

/// The links that lead to stopping a live stream.
pub(super) fn stop_links(visit: &Visit, row: &SessionView) -> AnyView {
    let texts = visit.texts;
    let link = |action: &str, key: &str| {
        let href = format!("{}/streams/{}/{}/{action}", page_of(&row.domain), row.app, row.stream);
        let name = format!(" {}/{}", row.app, row.stream);
        view! { <a class="btn small quiet" href=href>{texts.get(key)}<span class="visually-hidden">{name}</span></a> }
    };
    view! {
        <div class="row">{link("disconnect", "streams.disconnect")} {link("forbid", "streams.forbid")}</div>
    }
    .into_any()
}

/// What is forbidden in a domain; nothing where nothing is.
pub(super) fn forbidden_table(visit: &Visit, rows: &[ForbiddenStream], may_allow: bool) -> AnyView {
    if rows.is_empty() {
        return ().into_any();
    }
    let texts = visit.texts;
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let until = match row.until {
                Some(until) => visit.times.at(until).into_any(),
                None => texts.get("streams.for_good").into_any(),
            };
            let name = format!("{}/{}", row.app, row.stream);
            let allow = may_allow.then(|| {
                view! {
                    <td class="actions"><div class="row"><form method="post" action=AllowStream::PATH>
                        <input type="hidden" name="push" value=row.domain.clone()/>
                        <input type="hidden" name="app" value=row.app.clone()/>
                        <input type="hidden" name="stream" value=row.stream.clone()/>
                        <button class="btn small quiet">{texts.get("streams.allow")}<span class="visually-hidden">" "{name.clone()}</span></button>
                    </form></div></td>
                }
            });
            view! {
                <tr>
                    <th scope="row">{name.clone()}</th>
                    <td data-label=texts.get("streams.forbidden_until")>{until}</td>
                    {allow}
                </tr>
            }
        })
        .collect();
    view! {
        <section class="card">
            <header><h2>{texts.get("streams.forbidden")}</h2></header>
            <table class="table">
                <thead><tr>
                    <th scope="col">{texts.get("streams.stream")}</th>
                    <th scope="col">{texts.get("streams.forbidden_until")}</th>
                    {may_allow.then(|| view! { <th scope="col"><span class="visually-hidden">{texts.get("list.operations")}</span></th> })}
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

/// `/domains/{push}/streams/{app}/{stream}/disconnect`: asks, and tells what happens.
#[component]
pub(crate) fn DisconnectPage() -> impl IntoView {
    let [push, app, stream] = named();
    page(move |visit, actor, _| async move {
        let texts = visit.texts;
        let domain = find(&visit, &actor, &push).await?;
        Ok(view! {
            {head(&visit, &domain, texts.fill("streams.disconnect_title", &[("name", &format!("{app}/{stream}"))]))}
            <section class="card"><div class="body">
                <p>{texts.get("streams.disconnect_text")}</p>
                <form class="fields" method="post" action=DisconnectStream::PATH>
                    {hidden(&domain, &app, &stream)}
                    {buttons(&visit, &domain, "streams.disconnect")}
                </form>
            </div></section>
        }
        .into_any())
    })
}

/// `/domains/{push}/streams/{app}/{stream}/forbid`: asks for how long, and tells what happens.
#[component]
pub(crate) fn ForbidPage() -> impl IntoView {
    let [push, app, stream] = named();
    page(move |visit, actor, flash| async move {
        let texts = visit.texts;
        let domain = find(&visit, &actor, &push).await?;
        let form = flash.of(ForbidStream::PATH);
        let lengths =
            LENGTHS.map(|(key, seconds)| Choice { value: seconds.to_owned(), text: texts.word("ban_length", key) });
        let chosen = form.typed("seconds").unwrap_or_else(|| LENGTHS[0].1.to_owned());
        Ok(view! {
            {head(&visit, &domain, texts.fill("streams.forbid_title", &[("name", &format!("{app}/{stream}"))]))}
            <section class="card"><div class="body">
                <p>{texts.get("streams.forbid_text")}</p>
                <form class="fields" method="post" action=ForbidStream::PATH>
                    {hidden(&domain, &app, &stream)}
                    <Select name="seconds" label=texts.get("streams.forbid_length") choices=Vec::from(lengths) value=chosen
                        error=form.wrong("seconds")/>
                    {buttons(&visit, &domain, "streams.forbid")}
                </form>
            </div></section>
        }
        .into_any())
    })
}

/// Push domain, application and stream of the page's address.
fn named() -> [String; 3] {
    let params = use_params_map().get_untracked();
    ["push", "app", "stream"].map(|name| params.get(name).unwrap_or_default())
}

async fn find(visit: &Visit, actor: &Actor, push: &str) -> Result<DomainView, UiError> {
    let domain = visit.console.domains.get(actor, push).await.map_err(|e| UiError::of(visit.texts, &e))?;
    actor.check_domain(Action::ManageStreams, &domain.push).map_err(|e| UiError::of(visit.texts, &e))?;
    Ok(domain)
}

fn head(visit: &Visit, domain: &DomainView, title: String) -> AnyView {
    let texts = visit.texts;
    let back = page_of(&domain.push);
    let crumbs = vec![
        Crumb { href: "/domains".to_owned(), text: texts.get("nav.domains") },
        Crumb { href: back.clone(), text: domain.push_display.clone() },
        Crumb { href: format!("{back}/streams"), text: texts.get("domain.streams") },
    ];
    view! { <Head title crumbs/> }.into_any()
}

fn hidden(domain: &DomainView, app: &str, stream: &str) -> AnyView {
    view! {
        <input type="hidden" name="push" value=domain.push.clone()/>
        <input type="hidden" name="app" value=app.to_owned()/>
        <input type="hidden" name="stream" value=stream.to_owned()/>
    }
    .into_any()
}

fn buttons(visit: &Visit, domain: &DomainView, key: &str) -> AnyView {
    view! {
        <div class="row">
            <button class="btn danger primary">{visit.texts.get(key)}</button>
            <a class="btn quiet" href=format!("{}/streams", page_of(&domain.push))>{visit.texts.get("form.cancel")}</a>
        </div>
    }
    .into_any()
}

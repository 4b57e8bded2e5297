//! Pages that create and delete a domain group.

use callsheet::model::Action;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use super::server_fns::{CreateDomain, DeleteDomain};
use crate::components::{Crumb, Field, Head, Note, Tone};
use crate::error::UiError;
use crate::page::page;
use crate::request::page_of;

/// `/domains/new`.
#[component]
pub(crate) fn NewDomainPage() -> impl IntoView {
    page(|visit, actor, flash| async move {
        let texts = visit.texts;
        actor.check(Action::ManageDomains).map_err(|e| UiError::of(texts, &e))?;
        let form = flash.of(CreateDomain::PATH);
        let crumbs = vec![Crumb { href: "/domains".to_owned(), text: texts.get("nav.domains") }];
        Ok(view! {
            <Head title=texts.get("domains.create") crumbs/>
            <section class="card"><div class="body">
                <form class="fields" method="post" action=CreateDomain::PATH>
                    <Field name="pushDomain" label=texts.get("domains.push") help=texts.get("domains.push_help")
                        placeholder="push.example.com" inputmode="url" autocomplete="off" required=true autofocus=form.error.is_none()
                        value=form.typed("pushDomain").unwrap_or_default() error=form.wrong("pushDomain")/>
                    <Field name="playDomains" label=texts.get("domains.play") help=texts.get("domains.play_help")
                        placeholder="play.example.com" required=true lines=true
                        value=form.typed("playDomains").unwrap_or_default() error=form.wrong("playDomains")/>
                    <div class="row">
                        <button class="btn primary">{texts.get("domains.create_submit")}</button>
                        <a class="btn quiet" href="/domains">{texts.get("form.cancel")}</a>
                    </div>
                </form>
            </div></section>
        }
        .into_any())
    })
}

/// `/domains/{push}/delete`: asks for the name.
#[component]
pub(crate) fn DeleteDomainPage() -> impl IntoView {
    let push = use_params_map().get_untracked().get("push").unwrap_or_default();
    page(move |visit, actor, flash| async move {
        let texts = visit.texts;
        actor.check_domain(Action::ManageDomains, &push).map_err(|e| UiError::of(texts, &e))?;
        let domain = visit.console.domains.get(&actor, &push).await.map_err(|e| UiError::of(texts, &e))?;
        let back = page_of(&domain.push);
        let name = domain.push_display.clone();
        let crumbs = vec![
            Crumb { href: "/domains".to_owned(), text: texts.get("nav.domains") },
            Crumb { href: back.clone(), text: name.clone() },
        ];
        let form = flash.of(DeleteDomain::PATH);
        let body = if domain.enabled {
            view! {
                <Note tone=Tone::Warn>{texts.get("domains.delete_enabled")}</Note>
                <a class="btn" href=back>{texts.get("domains.back")}</a>
            }
            .into_any()
        } else {
            view! {
                <p>{texts.get("domains.delete_text")}</p>
                <form class="fields" method="post" action=DeleteDomain::PATH>
                    <input type="hidden" name="push" value=domain.push.clone()/>
                    <Field name="confirm" label=texts.fill("domains.delete_confirm", &[("name", &name)]) autocomplete="off"
                        required=true autofocus=form.error.is_none() value=form.typed("confirm").unwrap_or_default()
                        error=form.wrong("confirm")/>
                    <div class="row">
                        <button class="btn danger primary">{texts.get("domains.delete_submit")}</button>
                        <a class="btn quiet" href=back>{texts.get("form.cancel")}</a>
                    </div>
                </form>
            }
            .into_any()
        };
        Ok(view! {
            <Head title=texts.fill("domains.delete_title", &[("name", &name)]) crumbs/>
            <section class="card"><div class="body">{body}</div></section>
        }
        .into_any())
    })
}

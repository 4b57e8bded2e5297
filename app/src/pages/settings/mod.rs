//! *Settings*: the VOD domains, which are kept here, and what the configuration says.

mod server_fns;
mod single_sign_on;
mod single_sign_on_test;

use callsheet::Settings;
use callsheet::model::Action;
use callsheet::stats::{KEPT_DAYS, VodDomain};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use server_fns::{AddVodDomain, RemoveVodDomain};

pub(crate) use single_sign_on::{LeavePage, SingleSignOnPage};
pub(crate) use single_sign_on_test::finish_test;

use crate::components::{Empty, Field, Head};
use crate::context::Visit;
use crate::error::UiError;
use crate::forms::Flash;
use crate::page::page;

/// `/settings`; `?vod=` prefills the form that adds a VOD domain.
#[component]
pub(crate) fn SettingsPage() -> impl IntoView {
    let wanted = use_query_map().get_untracked().get("vod").unwrap_or_default();
    page(move |visit, actor, flash| async move {
        let texts = visit.texts;
        let domains = visit.console.stats.vod_domains(&actor).await.map_err(|e| UiError::of(texts, &e))?;
        let settings = visit.console.settings(&actor).map_err(|e| UiError::of(texts, &e))?;
        let may_change = actor.check(Action::ManageDomains).is_ok();
        let form = flash.of(AddVodDomain::PATH);
        Ok(view! {
            <Head title=texts.get("nav.settings")/>
            <section class="card" id="vod-domains">
                <header><h2>{texts.get("settings.vod_domains")}</h2> <p>{texts.get("settings.vod_domains_help")}</p></header>
                {list(&visit, &domains, may_change)}
                {may_change.then(|| add(&visit, &form, wanted))}
            </section>
            {configured(&visit, settings)}
            {actor.check(Action::ManageAccounts).is_ok().then(|| sign_on(&visit))}
        }
        .into_any())
    })
}

fn list(visit: &Visit, domains: &[VodDomain], may_change: bool) -> AnyView {
    let texts = visit.texts;
    if domains.is_empty() {
        return view! { <Empty title=texts.get("settings.no_vod_domains") text=texts.get("settings.no_vod_domains_text")/> }
            .into_any();
    }
    let operations = may_change.then(|| view! { <th scope="col" class="actions">{texts.get("list.operations")}</th> });
    let rows: Vec<_> = domains.iter().map(|domain| row(visit, domain, may_change)).collect();
    view! {
        <table class="table">
            <thead><tr>
                <th scope="col">{texts.get("settings.vod_name")}</th>
                <th scope="col">{texts.get("settings.vod_path")}</th>
                <th scope="col">{texts.get("domains.created_at")}</th>
                {operations}
            </tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn row(visit: &Visit, domain: &VodDomain, may_change: bool) -> impl IntoView + use<> {
    let texts = visit.texts;
    let usage = format!("/statistics/usage?domain={}", domain.name);
    let remove = may_change.then(|| {
        view! {
            <td class="actions">
                <details class="confirm">
                    <summary class="btn small quiet">{texts.get("settings.remove")}<span class="visually-hidden">" "{domain.display.clone()}</span></summary>
                    <form class="stack" method="post" action=RemoveVodDomain::PATH>
                        <input type="hidden" name="name" value=domain.name.clone()/>
                        <p>{texts.fill("settings.remove_text", &[("name", &domain.display)])}</p>
                        <div><button class="btn danger">{texts.get("settings.remove_submit")}</button></div>
                    </form>
                </details>
            </td>
        }
    });
    view! {
        <tr>
            <th scope="row"><a href=usage>{domain.display.clone()}</a></th>
            <td class="path" data-label=texts.get("settings.vod_path")><code>{domain.path.clone()}</code></td>
            <td data-label=texts.get("domains.created_at")>{visit.times.at(domain.created_at)}</td>
            {remove}
        </tr>
    }
}

/// Folded, unless somebody is about to use it. `wanted`: the name to start with.
fn add(visit: &Visit, form: &Flash, wanted: String) -> AnyView {
    let texts = visit.texts;
    let open = form.error.is_some() || !wanted.is_empty();
    let path_first = !wanted.is_empty() && form.error.is_none();
    view! {
        <div class="body" id="add-vod-domain">
            <details class="disclosure" open=open>
                <summary>{texts.get("settings.vod_add")}</summary>
                <form class="fields" method="post" action=AddVodDomain::PATH>
                    <Field name="name" label=texts.get("settings.vod_name") help=texts.get("settings.vod_name_help") placeholder="vod.example.com"
                        autocomplete="off" inputmode="url" required=true value=form.typed("name").unwrap_or(wanted) error=form.wrong("name")/>
                    <Field name="path" label=texts.get("settings.vod_path") help=texts.get("settings.vod_path_help") placeholder="films/public"
                        autocomplete="off" required=true autofocus=path_first value=form.typed("path").unwrap_or_default() error=form.wrong("path")/>
                    <div><button class="btn primary">{texts.get("settings.vod_add_submit")}</button></div>
                </form>
            </details>
        </div>
    }
    .into_any()
}

/// The way to the page of single sign-on.
fn sign_on(visit: &Visit) -> impl IntoView + use<> {
    let texts = visit.texts;
    let provider = visit.console.accounts.provider().map(|provider| provider.config().issuer.clone());
    let state = provider.unwrap_or_else(|| texts.get("sso.none"));
    view! {
        <section class="card">
            <header><h2>{texts.get("sso.title")}</h2> <p>{state}</p></header>
            <div class="body"><div><a class="btn" href=single_sign_on_test::PAGE>{texts.get("sso.open")}</a></div></div>
        </section>
    }
}

/// What is set in the configuration, with the key that changes it.
fn configured(visit: &Visit, settings: &Settings) -> AnyView {
    let texts = visit.texts;
    let retention = settings.retention;
    let days = |n: i64| view! { {texts.count("statistics.days", n)} }.into_any();
    let codes = |all: &[String]| {
        let all = all.iter().map(|one| view! { <code>{one.clone()}</code> });
        view! { <span class="row">{all.collect_view()}</span> }.into_any()
    };
    let networks = match settings.allowed_networks.as_slice() {
        [] => view! { {texts.get("settings.no_networks")} }.into_any(),
        all => codes(all),
    };
    let rows: Vec<_> = [
        ("time_zone", view! { {settings.time_zone.clone()} }.into_any()),
        ("retention_days", days(retention.days)),
        ("attempt_body_days", days(retention.attempt_body_days)),
        ("allowed_networks", networks),
        ("retry_schedule", view! { {tries(visit, &settings.retry_schedule)} }.into_any()),
        ("slot_label", view! { {texts.word("slot_label", settings.shown.label.as_str())} }.into_any()),
        ("traffic_base", view! { {texts.word("traffic_base", settings.shown.base.as_str())} }.into_any()),
        ("resolution_classes", view! { {settings.resolution_classes.clone()} }.into_any()),
    ]
    .into_iter()
    .map(|(key, value)| {
        let [name, help] = ["setting", "setting_help"].map(|vocabulary| texts.word(vocabulary, key));
        view! {
            <tr>
                <th scope="row">{name}<span class="secondary">{help}</span></th>
                <td data-label=texts.get("settings.value")>{value}</td>
                <td data-label=texts.get("settings.key")><code>{key}</code></td>
            </tr>
        }
    })
    .collect();
    let points = texts.fill("settings.points", &[("days", &texts.count("statistics.days", KEPT_DAYS))]);
    view! {
        <section class="card" id="configuration">
            <header><h2>{texts.get("settings.configuration")}</h2> <p>{texts.get("settings.configuration_help")}</p></header>
            <table class="table settings">
                <thead><tr>
                    <th scope="col">{texts.get("settings.setting")}</th>
                    <th scope="col">{texts.get("settings.value")}</th>
                    <th scope="col">{texts.get("settings.key")}</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
            <div class="body"><p class="muted">{points}</p></div>
        </section>
    }
    .into_any()
}

/// `12 tries: at once, then after 5 s, 30 s, …`.
fn tries(visit: &Visit, schedule: &[u32]) -> String {
    let texts = visit.texts;
    let wait = |seconds: &u32| match seconds {
        0 => texts.get("settings.at_once"),
        _ => visit.times.length(i64::from(*seconds) * 1000),
    };
    let waits: Vec<String> = schedule.iter().map(wait).collect();
    let count = i64::try_from(schedule.len()).unwrap_or(i64::MAX);
    texts.fill(
        "settings.tries",
        &[("tries", &texts.count("settings.n_tries", count)), ("waits", &waits.join(&texts.get("settings.comma")))],
    )
}

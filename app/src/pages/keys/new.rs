//! `/keys/new`: what the key may do, where, and for how long.

use callsheet::domains::DomainFilter;
use callsheet::model::{Action, PageRequest, Role};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

use super::server_fns::{CreateKey, EXPIRY_DAYS};
use crate::components::{Choice, Crumb, Field, Head, Narrow, Select};
use crate::error::UiError;
use crate::forms::Flash;
use crate::page::page;
use crate::texts::Texts;

/// Domains with a box of their own; others are typed.
const BOXES: i64 = 200;
/// Of more boxes than these, a field finds the one.
const MANY: usize = 8;

/// The page.
#[component]
pub(crate) fn NewKeyPage() -> impl IntoView {
    page(|visit, actor, flash| async move {
        let texts = visit.texts;
        actor.check(Action::ManageAccounts).map_err(|e| UiError::of(texts, &e))?;
        let form = flash.of(CreateKey::PATH);
        let (filter, page) = (DomainFilter::default(), PageRequest { number: 1, size: BOXES });
        let list = visit.console.domains.list(&actor, filter, page).await.map_err(|e| UiError::of(texts, &e))?;
        let known: Vec<_> = list.rows.into_iter().map(|row| (row.domain.push, row.domain.push_display)).collect();
        let roles =
            Role::ALL.iter().map(|role| Choice { value: role.to_string(), text: texts.word("role", role.as_str()) });
        let days = EXPIRY_DAYS
            .iter()
            .map(|days| Choice { value: days.to_string(), text: texts.count("statistics.days", *days) });
        let choice = |value: &str, key: &str| Choice { value: value.to_owned(), text: texts.get(key) };
        let expiry = days.chain([choice("date", "keys.on_a_day"), choice("never", "keys.never_expires")]).collect();
        let crumbs = vec![Crumb { href: "/keys".to_owned(), text: texts.get("nav.keys") }];
        Ok(view! {
            <Head title=texts.get("keys.create") crumbs/>
            <section class="card"><div class="body">
                <form class="fields" method="post" action=CreateKey::PATH>
                    <Field name="name" label=texts.get("keys.name") help=texts.get("keys.name_help") autocomplete="off"
                        required=true autofocus=form.error.is_none() value=form.typed("name").unwrap_or_default() error=form.wrong("name")/>
                    <Select name="role" label=texts.get("keys.role") choices=roles.collect()
                        value=form.typed("role").unwrap_or_else(|| Role::Operator.to_string()) error=form.wrong("role")/>
                    {reach(texts, &form, &known)}
                    <Select name="expiry" label=texts.get("keys.expires") choices=expiry
                        value=form.typed("expiry").unwrap_or_else(|| EXPIRY_DAYS[1].to_string())/>
                    <div class="expiry-date">
                        <Field name="expiresAt" label=texts.get("keys.last_day") kind="date" class="narrow"
                            help=texts.get("keys.last_day_help") value=form.typed("expiresAt").unwrap_or_default()
                            error=form.wrong("expiresAt")/>
                    </div>
                    <div class="row">
                        <button class="btn primary">{texts.get("keys.create_submit")}</button>
                        <a class="btn quiet" href="/keys">{texts.get("form.cancel")}</a>
                    </div>
                </form>
            </div></section>
        }
        .into_any())
    })
}

/// All domains, or those that are ticked and typed. `known`: push domains, ASCII and as written.
fn reach(texts: Texts, form: &Flash, known: &[(String, String)]) -> AnyView {
    let some = form.typed("reach").is_some_and(|reach| reach == "some");
    let ticked = form.typed("domains").unwrap_or_default();
    let wrong = form.wrong("domains");
    let boxes: Vec<_> = known
        .iter()
        .map(|(name, display)| {
            let checked = ticked.lines().any(|line| line == name);
            view! {
                <label class="checkbox">
                    <input type="checkbox" name="domains[]" value=name.clone() checked=checked autocomplete="off"/>{display.clone()}
                </label>
            }
        })
        .collect();
    let find = (boxes.len() > MANY).then(|| view! { <Narrow label=texts.get("statistics.find_domain")/> });
    let boxes = (!boxes.is_empty()).then(|| {
        view! {
            <div class="checkbox-list">
                {find}
                <fieldset><legend class="visually-hidden">{texts.get("keys.domains")}</legend>{boxes}</fieldset>
            </div>
        }
    });
    view! {
        <fieldset class="field domain-access">
            <legend>{texts.get("keys.domains")}</legend>
            <label class="checkbox">
                <input type="radio" name="reach" value="all" checked=!some autocomplete="off"/>{texts.get("keys.all_domains")}
            </label>
            <label class="checkbox">
                <input type="radio" name="reach" value="some" checked=some autocomplete="off"/>{texts.get("keys.some_domains")}
            </label>
            <div class="stack domain-choice">
                {wrong.map(|text| view! { <p class="error-text" role="alert">{text}</p> })}
                {boxes}
                <Field name="moreDomains" label=texts.get("keys.more_domains") help=texts.get("keys.more_domains_help") lines=true
                    value=form.typed("moreDomains").unwrap_or_default()/>
            </div>
        </fieldset>
    }
    .into_any()
}

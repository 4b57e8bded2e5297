//! `/audit`: the entries, newest first, each with what changed behind a fold.

use std::collections::HashMap;

use callsheet::audit::AuditRow;
use callsheet::model::{Actor, DeliveryId, Page, RecoveryId};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::change::{Change, Detail};
use super::filter::{self, Filters};
use super::{action, actor};
use crate::components::{Empty, Head, listed};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;
use crate::query::{Mistakes, both, page_of_list};
use crate::request::{encode, page_of};

const DAY_MS: i64 = 86_400_000;

/// The page.
#[component]
pub(crate) fn AuditPage() -> impl IntoView {
    let request = page_of_list(use_query_map().get_untracked().get("page"));
    page(move |visit, actor, _| async move {
        let texts = visit.texts;
        let filters = Filters::of_query(visit.address.split_once('?').map_or("", |(_, query)| query));
        let (body, wrong) = match both(filters.parse(&visit.times.zone), request) {
            Ok((asked, request)) => {
                let list = visit.console.audit.list(&actor, &asked, request).await;
                let list = list.map_err(|e| UiError::of(texts, &e))?;
                (body(&visit, &actor, &filters, &list).await, Mistakes::default())
            }
            Err(wrong) => (wrong.instead(texts, "/audit", &filters.query()), wrong),
        };
        let form = filter::form(&visit, &filters, &wrong);
        let exports = ["csv", "xlsx"].map(|kind| {
            let name = kind.to_uppercase();
            let href = format!("/audit.{kind}{}", encode(&filters.query()));
            view! { <a class="btn" href=href download="" title=texts.fill("audit.export", &[("kind", &name)])>{name.clone()}</a> }
        });
        let kept = texts.count("audit.kept", visit.console.retention.audit_days);
        Ok(view! {
            <Head title=texts.get("nav.audit")>
                <span class="spacer"></span>
                <a class="btn" href=visit.address.clone()>{texts.get("list.refresh")}</a>
                {(wrong == Mistakes::default()).then_some(exports)}
            </Head>
            {form}
            <section class="card" aria-label=texts.get("nav.audit")>{body}</section>
            <p class="muted">{kept}</p>
        }
        .into_any())
    })
}

async fn body(visit: &Visit, actor: &Actor, filters: &Filters, list: &Page<AuditRow>) -> AnyView {
    let texts = visit.texts;
    let mut links = Links::default();
    let mut rows = Vec::with_capacity(list.rows.len());
    for row in &list.rows {
        let href = links.of(visit, actor, row).await;
        rows.push(table_row(visit, row, href));
    }
    let table = || {
        view! {
            <table class="table">
                <thead><tr>
                    <th scope="col">{texts.get("audit.action")}</th>
                    <th scope="col">{texts.get("audit.target")}</th>
                    <th scope="col">{texts.get("audit.actor")}</th>
                    <th scope="col">{texts.get("sources.when")}</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    };
    let none = || {
        if filters.any() {
            view! {
                <Empty title=texts.get("list.no_match") text=texts.get("audit.no_match_text")>
                    <a class="btn" href="/audit">{texts.get("list.clear")}</a>
                </Empty>
            }
            .into_any()
        } else {
            view! { <Empty title=texts.get("audit.none") text=texts.get("audit.none_text")/> }.into_any()
        }
    };
    listed(list, "/audit".to_owned(), filters.query(), table, none)
}

fn table_row(visit: &Visit, row: &AuditRow, href: Option<String>) -> impl IntoView + use<> {
    let texts = visit.texts;
    let target = match href {
        Some(href) => view! { <a href=href>{row.target.clone()}</a> }.into_any(),
        None => row.target.clone().into_any(),
    };
    view! {
        <tr id=row.id.to_string()>
            <th scope="row">{action(texts, &row.action)} {fold(visit, row)}</th>
            <td data-label=texts.get("audit.target")>{target}</td>
            <td data-label=texts.get("audit.actor")>{actor(texts, row)}<span class="secondary">{texts.detail(&row.address)}</span></td>
            <td data-label=texts.get("sources.when")>{visit.times.at(row.at)}</td>
        </tr>
    }
}

/// What changed, as a table; what else there is to know above it.
fn fold(visit: &Visit, row: &AuditRow) -> Option<AnyView> {
    let texts = visit.texts;
    let Detail { facts, changes } = Detail::of(&visit.times, row);
    if facts.is_empty() && changes.is_empty() {
        return None;
    }
    let facts = facts.into_iter().map(|(field, value)| view! { <p>{field} ": " {value}</p> });
    let facts: Vec<_> = facts.collect();
    let (old, new) = (changes.iter().any(|c| c.before.is_some()), changes.iter().any(|c| c.after.is_some()));
    let table = (!changes.is_empty()).then(|| {
        let lines: Vec<_> = changes
            .into_iter()
            .map(|Change { field, before, after }| {
                view! {
                    <tr>
                        <th scope="row">{field}</th>
                        {old.then(|| view! { <td>{before}</td> })}
                        {new.then(|| view! { <td>{after}</td> })}
                    </tr>
                }
            })
            .collect();
        view! {
            <table class="changes">
                <thead><tr>
                    <th scope="col">{texts.get("audit.field")}</th>
                    {old.then(|| view! { <th scope="col">{texts.get("audit.before")}</th> })}
                    {new.then(|| view! { <th scope="col">{texts.get("audit.after")}</th> })}
                </tr></thead>
                <tbody>{lines}</tbody>
            </table>
        }
    });
    let fold = view! {
        <details class="disclosure audit-details">
            <summary>{texts.get("audit.details")}</summary>
            {facts} {table}
        </details>
    };
    Some(fold.into_any())
}

/// The pages of targets. Each is looked up once.
#[derive(Default)]
struct Links {
    /// By action's group and target; `None`: it is gone.
    known: HashMap<(String, String), Option<String>>,
}

impl Links {
    /// Where the target can be seen, if it is still there.
    async fn of(&mut self, visit: &Visit, actor: &Actor, row: &AuditRow) -> Option<String> {
        let group = row.action.split('.').next().unwrap_or_default().to_owned();
        let place = (group, row.target.clone());
        if let Some(known) = self.known.get(&place) {
            return known.clone();
        }
        let href = find(visit, actor, &place.0, row).await;
        self.known.insert(place, href.clone());
        href
    }
}

/// What cannot be looked up has no link: the entry says all there is to say.
async fn find(visit: &Visit, actor: &Actor, group: &str, row: &AuditRow) -> Option<String> {
    let (console, target) = (&visit.console, row.target.as_str());
    // What passes its retention is removed; until then it is there.
    let kept = row.at > visit.times.now - console.retention.days * DAY_MS;
    match group {
        "domain" | "callback" | "recording" => {
            console.domains.get(actor, target).await.ok().map(|domain| page_of(&domain.push))
        }
        "delivery" => target.parse::<DeliveryId>().ok().filter(|_| kept).map(|id| format!("/deliveries/{id}")),
        "recovery" => target.parse::<RecoveryId>().ok().filter(|_| kept).map(|id| format!("/recoveries/{id}")),
        "key" => console.keys.named(actor, target).await.ok().map(|key| format!("/keys/{}", key.id)),
        "source" => {
            let sources = console.sources.list(actor).await.ok()?;
            sources.into_iter().find(|source| source.name == target).map(|source| format!("/sources/{}", source.id))
        }
        "user" => {
            let users = console.accounts.list(actor).await.ok()?;
            users.into_iter().find(|user| user.name == target).map(|user| format!("/users/{}", user.id))
        }
        _ => None,
    }
}

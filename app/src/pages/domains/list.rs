//! `/domains`: the list with its search, its status filter and its pages.

use callsheet::callbacks::HealthState;
use callsheet::domains::{CallbackMark, Cnames, DomainFilter, DomainRow};
use callsheet::model::{Action, Actor, DomainName};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::parts::enable_form;
use crate::components::{Badge, Choice, Empty, Head, Select, Tone, listed};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;
use crate::query::{Fault, Mistakes, both, page_of_list};
use crate::request::encode;
use crate::request::page_of;
use crate::texts::{Texts, number};

#[component]
pub(crate) fn DomainsPage() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let text = query.get("q").unwrap_or_default().trim().to_owned();
    let status = query.get("status").unwrap_or_default().trim().to_owned();
    let request = page_of_list(query.get("page"));
    page(move |visit, actor, _| async move {
        let texts = visit.texts;
        let may_create = actor.check(Action::ManageDomains).is_ok();
        let query = vec![("q", text.clone()), ("status", status.clone())];
        let reload = format!("/domains{}", encode(&query));
        let statuses = ["", "enabled", "disabled"].map(|value| Choice {
            value: value.to_owned(),
            text: texts.get(match value {
                "enabled" => "domains.enabled",
                "disabled" => "domains.disabled",
                _ => "domains.all",
            }),
        });
        let (body, wrong) = match both(filter(&text, &status), request) {
            Ok((filter, request)) => {
                let filtered = !text.is_empty() || filter.enabled.is_some();
                let list = visit.console.domains.list(&actor, filter, request).await;
                let list = list.map_err(|e| UiError::of(texts, &e))?;
                let table = || table(&visit, &actor, &list.rows);
                let body = listed(&list, "/domains".to_owned(), query, table, || none(texts, filtered, may_create));
                (body, Mistakes::default())
            }
            Err(wrong) => (wrong.instead(texts, "/domains", &query), wrong),
        };
        Ok(view! {
            <Head title=texts.get("domains.title")>
                <span class="spacer"></span>
                {may_create.then(|| view! { <a class="btn primary" href="/domains/new">{texts.get("domains.create")}</a> })}
            </Head>
            {wrong.note(texts)}
            <form class="filters" method="get" action="/domains" role="search">
                <div class="field grow">
                    <label for="q">{texts.get("domains.search")}</label>
                    <input class="input" type="search" id="q" name="q" value=text placeholder="push.example.com" spellcheck="false"/>
                </div>
                <Select name="status" label=texts.get("domains.status") choices=Vec::from(statuses) value=status mistake=wrong.of("status")/>
                <button class="btn">{texts.get("list.filter")}</button>
                <a class="btn" href=reload>{texts.get("list.refresh")}</a>
            </form>
            <section class="card" aria-label=texts.get("domains.title")>{body}</section>
        }
        .into_any())
    })
}

fn filter(text: &str, status: &str) -> Result<DomainFilter, Mistakes> {
    let mut wrong = Mistakes::default();
    let enabled = wrong.read(("status", "domains.status"), Fault::Choice, status, |typed| match typed {
        "enabled" => Some(true),
        "disabled" => Some(false),
        _ => None,
    });
    wrong.or(DomainFilter { text: text.to_owned(), enabled, only: None })
}

/// In place of rows.
fn none(texts: Texts, filtered: bool, may_create: bool) -> AnyView {
    if filtered {
        return view! {
            <Empty title=texts.get("list.no_match") text=texts.get("domains.no_match_text")>
                <a class="btn" href="/domains">{texts.get("list.clear")}</a>
            </Empty>
        }
        .into_any();
    }
    let create =
        may_create.then(|| view! { <a class="btn primary" href="/domains/new">{texts.get("domains.create")}</a> });
    view! { <Empty title=texts.get("domains.none") text=texts.get("domains.none_text")>{create}</Empty> }.into_any()
}

fn table(visit: &Visit, actor: &Actor, rows: &[DomainRow]) -> AnyView {
    let texts = visit.texts;
    let rows: Vec<_> = rows.iter().map(|row| table_row(visit, actor, row)).collect();
    view! {
        <table class="table">
            <thead><tr>
                <th scope="col">{texts.get("domains.domain")}</th>
                {cnames(visit).map(|_| view! { <th scope="col">{texts.get("domains.cname")}</th> })}
                <th scope="col">{texts.get("domains.status")}</th>
                <th scope="col">{texts.get("domains.callbacks")}</th>
                <th scope="col" class="numeric">{texts.get("domains.live")}</th>
                <th scope="col">{texts.get("domains.created_at")}</th>
                <th scope="col"><span class="visually-hidden">{texts.get("list.operations")}</span></th>
            </tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn table_row(visit: &Visit, actor: &Actor, row: &DomainRow) -> impl IntoView + use<> {
    let texts = visit.texts;
    let domain = &row.domain;
    let href = page_of(&domain.push);
    let play = domain.play.first().map(|p| p.display.clone()).unwrap_or_default();
    let more = domain.play.len().saturating_sub(1);
    let more = (more > 0).then(|| texts.fill("domains.more_play", &[("n", &more.to_string())]));
    let (tone, state) = if domain.enabled { (Tone::Ok, "domains.enabled") } else { (Tone::Off, "domains.disabled") };
    let marks: Vec<_> = row.callbacks.iter().map(|mark| callback_mark(visit, mark)).collect();
    let operations = actor.check_domain(Action::ManageDomains, &domain.push).is_ok().then(|| {
        let delete = (!domain.enabled).then(|| {
            view! {
                <a class="btn small quiet" href=format!("{href}/delete")>
                    {texts.get("domains.delete")}<span class="visually-hidden">" "{domain.push_display.clone()}</span>
                </a>
            }
        });
        view! { {enable_form(visit, domain, "btn small quiet")} {delete} }
    });
    view! {
        <tr>
            <th scope="row">
                <a href=href.clone()>{domain.push_display.clone()}</a>
                <span class="secondary">{play} " " {more}</span>
            </th>
            {cnames(visit).map(|[push, play]| view! {
                <td data-label=texts.get("domains.cname")>{push}<span class="secondary">{play}</span></td>
            })}
            <td data-label=texts.get("domains.status")><Badge tone text=texts.get(state)/></td>
            <td data-label=texts.get("domains.callbacks")><div class="badge-list">{marks}</div></td>
            <td data-label=texts.get("domains.live") class="numeric">{number(row.live)}</td>
            <td data-label=texts.get("domains.created_at")>{visit.times.at(domain.created_at)}</td>
            <td class="actions"><div class="row">
                <a class="btn small quiet" href=href>
                    {texts.get("domains.manage")}<span class="visually-hidden">" "{domain.push_display.clone()}</span>
                </a>
                {operations}
            </div></td>
        </tr>
    }
}

/// Where push and play domains point in DNS, if the settings say.
fn cnames(visit: &Visit) -> Option<[String; 2]> {
    let Cnames { push, play } = &visit.console.cnames;
    let name = |name: &Option<DomainName>| name.as_ref().map(|n| n.ascii().to_owned()).unwrap_or_default();
    (push.is_some() || play.is_some()).then(|| [name(push), name(play)])
}

fn callback_mark(visit: &Visit, mark: &CallbackMark) -> impl IntoView + use<> {
    let texts = visit.texts;
    let kind = texts.word("kind", mark.kind.as_str());
    let (tone, state) = match (&mark.paused, mark.state) {
        _ if !mark.enabled => (Tone::Off, texts.get("domains.mark_off")),
        (Some(reason), _) => {
            (Tone::Bad, texts.fill("domains.mark_paused", &[("reason", &texts.word("class", reason))]))
        }
        (None, HealthState::Failing) => {
            (Tone::Bad, mark.last_error.as_ref().map_or_else(String::new, |class| texts.word("class", class)))
        }
        (None, HealthState::Retrying) => (Tone::Warn, texts.get("domains.mark_retrying")),
        (None, HealthState::Unrecovered) => (Tone::Warn, texts.get("domains.mark_unrecovered")),
        (None, HealthState::Healthy | HealthState::Unused) => (Tone::Ok, texts.get("domains.mark_on")),
    };
    view! { <Badge tone text=texts.fill("domains.mark", &[("kind", &kind), ("state", &state)])/> }
}

//! `/deliveries` and `/domains/{push}/deliveries`.

use callsheet::deliveries::{DeliveryError, DeliveryRow, RecoveryState};
use callsheet::model::{Action, Actor, Page, PageRequest, StoreError};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::filter::{self, Filters, Purpose};
use super::server_fns::ResendDeliveries;
use super::state_badge;
use crate::components::{Badge, Empty, Head, Live, PickAll, Tone, listed};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;
use crate::pages::domains::domain_head;
use crate::query::{Mistakes, both, page_of_list};
use crate::request::{encode, page_of, set_status};
use crate::texts::number;

/// `/deliveries`: of all domains.
#[component]
pub(crate) fn DeliveriesPage() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let (filters, request) = (Filters::of(&query), page_of_list(query.get("page")));
    page(move |visit, actor, _| async move {
        let texts = visit.texts;
        let actions = actions(&visit, &actor, &filters);
        let recoveries = running(&visit, &actor).await?;
        let log = log(&visit, &actor, filters, request, "/deliveries".to_owned(), Purpose::Log).await?;
        Ok(view! {
            <Head title=texts.get("nav.deliveries")><span class="spacer"></span> {actions}</Head>
            {recoveries}
            {log}
        }
        .into_any())
    })
}

/// `/domains/{push}/deliveries`: of one domain.
#[component]
pub(crate) fn DomainDeliveriesPage() -> impl IntoView {
    let push = use_params_map().get_untracked().get("push").unwrap_or_default();
    let query = use_query_map().get_untracked();
    let (filters, request) = (Filters::of(&query), page_of_list(query.get("page")));
    page(move |visit, actor, _| async move {
        let domain = visit.console.domains.get(&actor, &push).await.map_err(|e| UiError::of(visit.texts, &e))?;
        let path = format!("{}/deliveries", page_of(&domain.push));
        let filters = filters.in_domain(&domain.push);
        let actions = actions(&visit, &actor, &filters);
        let log = log(&visit, &actor, filters, request, path, Purpose::DomainLog).await?;
        Ok(view! {
            {domain_head(&visit, &actor, &domain, "/deliveries")}
            <div class="row toolbar"><span class="spacer"></span> {actions}</div>
            {log}
        }
        .into_any())
    })
}

/// *Refresh*, and *Recover* with the filters of the list.
fn actions(visit: &Visit, actor: &Actor, filters: &Filters) -> AnyView {
    let texts = visit.texts;
    let recover = actor.check(Action::ManageDeliveries).is_ok().then(|| {
        let href = format!("/recoveries{}", encode(&filters.recoverable().query()));
        view! { <a class="btn" href=href>{texts.get("recovery.open")}</a> }
    });
    view! { <a class="btn" href=visit.address.clone()>{texts.get("list.refresh")}</a> {recover} }.into_any()
}

/// A line for each recovery that runs.
async fn running(visit: &Visit, actor: &Actor) -> Result<AnyView, UiError> {
    let texts = visit.texts;
    let recoveries = visit.console.recoveries.list(actor).await.map_err(|e| UiError::of(texts, &e))?;
    let running = recoveries.into_iter().filter(|recovery| recovery.state == RecoveryState::Running);
    let lines: Vec<_> = running
        .map(|recovery| {
            let (done, total) = (number(recovery.handled()), number(recovery.total));
            let text = texts.fill("recovery.is_running", &[("done", &done), ("total", &total)]);
            view! {
                <p class="notice" data-waits>
                    <span>{text} " " <a href=format!("/recoveries/{}", recovery.id)>{texts.get("recovery.show")}</a></span>
                </p>
            }
        })
        .collect();
    Ok(view! { <div id="recoveries" data-live>{lines}</div> }.into_any())
}

/// Filters and rows.
async fn log(
    visit: &Visit,
    actor: &Actor,
    filters: Filters,
    request: Result<PageRequest, Mistakes>,
    path: String,
    purpose: Purpose,
) -> Result<AnyView, UiError> {
    let texts = visit.texts;
    let form = |wrong: &Mistakes| filter::form(visit, &filters, wrong, path.clone(), purpose);
    let with_domain = purpose == Purpose::Log;
    let own = if with_domain { filters.clone() } else { filters.in_domain("") };
    let refused = |wrong: &Mistakes| {
        let label = texts.get("nav.deliveries");
        let body = wrong.instead(texts, &path, &own.query());
        view! {
            {form(wrong)}
            <section class="card" aria-label=label>{body}</section>
        }
        .into_any()
    };
    let (asked, request) = match both(filters.parse(&visit.times.zone), request) {
        Ok(asked) => asked,
        Err(wrong) => return Ok(refused(&wrong)),
    };
    let list = visit.console.deliveries.list(actor, asked, request).await;
    let list = match list {
        Ok(list) => list,
        Err(error @ DeliveryError::Store(StoreError::SearchTooLong)) => {
            let error = UiError::of(texts, &error);
            set_status(error.status);
            // The filters stay, so that their time can be shortened.
            return Ok(view! {
                {form(&Mistakes::default())}
                <section class="card">
                    <Empty title=texts.get("deliveries.too_long") text=error.message/>
                </section>
            }
            .into_any());
        }
        Err(error) => return Err(UiError::of(texts, &error)),
    };
    if list.total == 0
        && with_domain
        && let Err(wrong) = filters.found_nothing(visit, actor).await
    {
        return Ok(refused(&wrong));
    }
    let table = || {
        let resends = match filters.domain_of_list() {
            Some(domain) => actor.check_domain(Action::ManageDeliveries, domain).is_ok(),
            None => actor.check(Action::ManageDeliveries).is_ok(),
        };
        let rows = rows(visit, &list, with_domain, resends);
        if resends { selection(visit, rows) } else { rows }
    };
    let none = || {
        if own.any() {
            let clear = view! { <a class="btn" href=path.clone()>{texts.get("list.clear")}</a> };
            let text = texts.get("deliveries.no_match_text");
            view! { <Empty title=texts.get("list.no_match") text>{clear}</Empty> }.into_any()
        } else {
            view! { <Empty title=texts.get("deliveries.none") text=texts.get("deliveries.none_text")/> }.into_any()
        }
    };
    let body = listed(&list, path.clone(), own.query(), table, none);
    Ok(view! {
        {form(&Mistakes::default())}
        <Live/>
        <section class="card" id="log" data-live aria-label=texts.get("nav.deliveries")>{body}</section>
    }
    .into_any())
}

/// The rows as a form: the bar shows as soon as a box is ticked, and style sheets count the boxes.
fn selection(visit: &Visit, rows: AnyView) -> AnyView {
    let texts = visit.texts;
    let text = texts.get("deliveries.selected");
    let (before, after) = text.split_once("%{n}").unwrap_or((&text, ""));
    view! {
        <form class="bulk-select" method="post" action=ResendDeliveries::PATH>
            {rows}
            <div class="bulk-actions">
                <span>{before.to_owned()}<span class="count"></span>{after.to_owned()}</span>
                <button class="btn primary">{texts.get("delivery.resend")}</button>
                <PickAll label=texts.get("deliveries.select_all")/>
            </div>
        </form>
    }
    .into_any()
}

/// `resends`: each row has a box to select it.
fn rows(visit: &Visit, list: &Page<DeliveryRow>, with_domain: bool, resends: bool) -> AnyView {
    let texts = visit.texts;
    let rows: Vec<_> = list.rows.iter().map(|row| table_row(visit, row, with_domain, resends)).collect();
    let select = resends.then(|| {
        view! { <th scope="col" class="select-cell"><span class="visually-hidden">{texts.get("deliveries.select")}</span></th> }
    });
    view! {
        <table class="table">
            <thead><tr>
                {select}
                <th scope="col">{texts.get("deliveries.event")}</th>
                <th scope="col">{texts.get("streams.stream")}</th>
                <th scope="col">{texts.get("deliveries.state")}</th>
                <th scope="col" class="numeric">{texts.get("deliveries.attempts")}</th>
                <th scope="col">{texts.get("deliveries.last_status")}</th>
                <th scope="col">{texts.get("deliveries.last_attempt")}</th>
                <th scope="col">{texts.get("deliveries.next_attempt")}</th>
            </tr></thead>
            <tbody data-keyed>{rows}</tbody>
        </table>
    }
    .into_any()
}

fn table_row(visit: &Visit, row: &DeliveryRow, with_domain: bool, resends: bool) -> impl IntoView + use<> {
    let texts = visit.texts;
    let last = match (row.last_status, &row.last_error) {
        (Some(status), None) => view! { <Badge tone=Tone::Ok text=status.to_string()/> }.into_any(),
        (Some(status), Some(_)) => view! { <Badge tone=Tone::Bad text=status.to_string()/> }.into_any(),
        (None, Some(class)) => view! { <Badge tone=Tone::Bad text=texts.word("class", class)/> }.into_any(),
        (None, None) => view! { <span class="muted">"–"</span> }.into_any(),
    };
    let dash = || view! { <span class="muted">"–"</span> }.into_any();
    let name = format!("{} {}/{}", row.event, row.app, row.stream);
    let say = format!("{name}: {}", texts.word("state", row.state.as_str()));
    let pick = resends.then(|| {
        let label = texts.fill("deliveries.select_one", &[("name", &name)]);
        view! {
            <td class="select-cell"><label>
                <input type="checkbox" name="ids[]" value=row.id.to_string() autocomplete="off" aria-label=label/>
            </label></td>
        }
    });
    view! {
        <tr id=row.id.to_string()>
            {pick}
            <th scope="row">
                <a href=format!("/deliveries/{}", row.id)>{row.event.as_str()}</a>
                <span class="secondary">{visit.times.at(row.happened_at)}</span>
            </th>
            <td data-label=texts.get("streams.stream")>
                <a href=format!("/sessions/{}", row.session)>{row.app.clone()}"/"{row.stream.clone()}</a>
                {with_domain.then(|| view! { <span class="secondary">{row.domain.clone()}</span> })}
            </td>
            <td data-label=texts.get("deliveries.state") data-say=say data-waits=row.state.waits()>
                {state_badge(texts, row.state.as_str())}
                {row.out_of_order.then(|| view! { <span class="secondary">{texts.get("deliveries.out_of_order")}</span> })}
            </td>
            <td data-label=texts.get("deliveries.attempts") class="numeric">{row.attempts}</td>
            <td data-label=texts.get("deliveries.last_status")>{last}</td>
            <td data-label=texts.get("deliveries.last_attempt")>{row.last_attempt_at.map_or_else(dash, |at| visit.times.ago(at))}</td>
            <td data-label=texts.get("deliveries.next_attempt")>{row.next_attempt_at.map_or_else(dash, |at| visit.times.until(at))}</td>
        </tr>
    }
}

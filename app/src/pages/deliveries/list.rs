//! `/deliveries` and `/domains/{push}/deliveries`.

use callsheet::deliveries::DeliveryRow;
use callsheet::model::{Actor, Page, PageRequest};
use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::filter::{self, Filters};
use super::state_badge;
use crate::components::{Badge, Empty, Head, Pager, Tone};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;
use crate::pages::domains::domain_head;
use crate::request::encode;
use crate::request::page_of;

/// `/deliveries`: of all domains.
#[component]
pub(crate) fn DeliveriesPage() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let (filters, request) = (Filters::of(&query), request(query.get("page")));
    page(move |visit, actor, _| async move {
        let texts = visit.texts;
        let reload = format!("/deliveries{}", encode(&filters.query()));
        let log = log(&visit, &actor, filters, request, "/deliveries".to_owned(), true).await?;
        Ok(view! {
            <Head title=texts.get("nav.deliveries")>
                <span class="spacer"></span>
                <a class="btn" href=reload>{texts.get("list.refresh")}</a>
            </Head>
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
    let (filters, request) = (Filters::of(&query), request(query.get("page")));
    page(move |visit, actor, _| async move {
        let domain = visit.console.domains.get(&actor, &push).await.map_err(|e| UiError::of(visit.texts, &e))?;
        let path = format!("{}/deliveries", page_of(&domain.push));
        let filters = filters.in_domain(&domain.push);
        let log = log(&visit, &actor, filters, request, path, false).await?;
        Ok(view! { {domain_head(&visit, &actor, &domain, "/deliveries")} {log} }.into_any())
    })
}

fn request(page: Option<String>) -> PageRequest {
    PageRequest::of_console(page.and_then(|n| n.parse().ok()).unwrap_or(1))
}

/// Filters and rows. `with_domain`: the list is of several domains.
async fn log(
    visit: &Visit,
    actor: &Actor,
    filters: Filters,
    request: PageRequest,
    path: String,
    with_domain: bool,
) -> Result<AnyView, UiError> {
    let texts = visit.texts;
    let asked = filters.parse(&visit.times.zone);
    let list = visit.console.deliveries.list(actor, asked, request).await.map_err(|e| UiError::of(texts, &e))?;
    let form = filter::form(visit, &filters, path.clone(), with_domain);
    let own = if with_domain { filters.clone() } else { filters.in_domain("") };
    let filtered = own.any();
    let body = if list.rows.is_empty() && filtered {
        view! {
            <Empty title=texts.get("list.no_match") text=texts.get("deliveries.no_match_text")>
                <a class="btn" href=path>{texts.get("list.clear")}</a>
            </Empty>
        }
        .into_any()
    } else if list.rows.is_empty() {
        view! { <Empty title=texts.get("deliveries.none") text=texts.get("deliveries.none_text")/> }.into_any()
    } else {
        rows(visit, &list, path, own.query(), with_domain)
    };
    Ok(view! { {form} <section class="card" aria-label=texts.get("nav.deliveries")>{body}</section> }.into_any())
}

fn rows(
    visit: &Visit,
    list: &Page<DeliveryRow>,
    path: String,
    query: Vec<(&'static str, String)>,
    with_domain: bool,
) -> AnyView {
    let texts = visit.texts;
    let rows: Vec<_> = list.rows.iter().map(|row| table_row(visit, row, with_domain)).collect();
    view! {
        <table class="table">
            <thead><tr>
                <th scope="col">{texts.get("deliveries.event")}</th>
                <th scope="col">{texts.get("streams.stream")}</th>
                <th scope="col">{texts.get("deliveries.state")}</th>
                <th scope="col" class="num">{texts.get("deliveries.attempts")}</th>
                <th scope="col">{texts.get("deliveries.last_status")}</th>
                <th scope="col">{texts.get("deliveries.last_attempt")}</th>
                <th scope="col">{texts.get("deliveries.next_attempt")}</th>
            </tr></thead>
            <tbody>{rows}</tbody>
        </table>
        <Pager number=list.number size=list.size total=list.total path query/>
    }
    .into_any()
}

fn table_row(visit: &Visit, row: &DeliveryRow, with_domain: bool) -> impl IntoView + use<> {
    let texts = visit.texts;
    let last = match (row.last_status, &row.last_error) {
        (Some(status), None) => view! { <Badge tone=Tone::Ok text=status.to_string()/> }.into_any(),
        (Some(status), Some(_)) => view! { <Badge tone=Tone::Bad text=status.to_string()/> }.into_any(),
        (None, Some(class)) => view! { <Badge tone=Tone::Bad text=texts.word("class", class)/> }.into_any(),
        (None, None) => view! { <span class="muted">"–"</span> }.into_any(),
    };
    let dash = || view! { <span class="muted">"–"</span> }.into_any();
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/deliveries/{}", row.id)>{row.event.as_str()}</a>
                <span class="second">{visit.times.at(row.happened_at)}</span>
            </th>
            <td data-label=texts.get("streams.stream")>
                <a href=format!("/sessions/{}", row.session)>{row.app.clone()}"/"{row.stream.clone()}</a>
                {with_domain.then(|| view! { <span class="second">{row.domain.clone()}</span> })}
            </td>
            <td data-label=texts.get("deliveries.state")>
                {state_badge(texts, row.state.as_str())}
                {row.out_of_order.then(|| view! { <span class="second">{texts.get("deliveries.out_of_order")}</span> })}
            </td>
            <td data-label=texts.get("deliveries.attempts") class="num">{row.attempts}</td>
            <td data-label=texts.get("deliveries.last_status")>{last}</td>
            <td data-label=texts.get("deliveries.last_attempt")>{row.last_attempt_at.map_or_else(dash, |at| visit.times.ago(at))}</td>
            <td data-label=texts.get("deliveries.next_attempt")>{row.next_attempt_at.map_or_else(dash, |at| visit.times.until(at))}</td>
        </tr>
    }
}

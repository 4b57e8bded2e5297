//! `/deliveries/{id}`: where a delivery stands and when its next attempt is.

use callsheet::deliveries::DeliveryDetail;
use callsheet::model::{Action, DeliveryId};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use super::attempts::attempts;
use super::by_hand::by_hand;
use super::server_fns::{CancelDelivery, ResendDelivery};
use super::state_badge;
use crate::components::{Crumb, Head, Live, copyable};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;
use crate::request::page_of;

#[component]
pub(crate) fn DeliveryPage() -> impl IntoView {
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    page(move |visit, actor, _| async move {
        let texts = visit.texts;
        let id: DeliveryId = id.parse().map_err(|_| UiError::not_found(texts))?;
        let detail = visit.console.deliveries.get(&actor, id).await.map_err(|e| UiError::of(texts, &e))?;
        let row = &detail.delivery;
        let operations = actor.check_domain(Action::ManageDeliveries, &row.domain).is_ok().then(|| {
            let cancel = row.state.waits().then(|| {
                view! {
                    <form method="post" action=CancelDelivery::PATH>
                        <input type="hidden" name="id" value=id.to_string()/>
                        <button class="btn">{texts.get("delivery.cancel")}</button>
                    </form>
                }
            });
            view! {
                {cancel}
                <form method="post" action=ResendDelivery::PATH>
                    <input type="hidden" name="id" value=id.to_string()/>
                    <button class="btn primary">{texts.get("delivery.resend")}</button>
                </form>
            }
        });
        let crumbs = vec![Crumb { href: "/deliveries".to_owned(), text: texts.get("nav.deliveries") }];
        let state = state_badge(texts, row.state.as_str());
        let waits = row.state.waits();
        let say = format!("{}: {}", row.event, texts.word("state", row.state.as_str()));
        Ok(view! {
            <Head title=row.event.as_str() crumbs>
                <span id="state" data-live><span data-say=say data-waits=waits>{state}</span></span>
                <span class="spacer"></span>
                <a class="btn" href=format!("/deliveries/{id}")>{texts.get("list.refresh")}</a>
                <span class="row" id="operations" data-live>{operations}</span>
            </Head>
            <Live/>
            {facts(&visit, &detail)}
            {attempts(&visit, &detail)}
            {by_hand(&visit, &detail)}
        }
        .into_any())
    })
}

fn facts(visit: &Visit, detail: &DeliveryDetail) -> AnyView {
    let texts = visit.texts;
    let row = &detail.delivery;
    let id = row.id.to_string();
    let address = match &detail.address {
        Some(address) => view! { <code>{address.clone()}</code> }.into_any(),
        None => view! { <span class="muted">{texts.get("delivery.no_address")}</span> }.into_any(),
    };
    let next = match row.next_attempt_at {
        Some(at) => {
            let (n, max) = ((detail.tries + 1).to_string(), detail.max_tries.to_string());
            let left = (detail.max_tries - detail.tries - 1).max(0).to_string();
            let tries = texts.fill("delivery.try_of", &[("n", &n), ("max", &max), ("left", &left)]);
            view! { <strong>{visit.times.until(at)}</strong> <span class="muted">{tries}</span> }.into_any()
        }
        None => view! { <span class="muted">{texts.get("delivery.no_next")}</span> }.into_any(),
    };
    let order = row
        .out_of_order
        .then(|| view! { <dt>{texts.get("delivery.order")}</dt><dd>{texts.get("delivery.out_of_order")}</dd> });
    view! {
        <section class="card"><div class="body"><dl class="description-list">
            <dt>{texts.get("delivery.id")}</dt><dd>{copyable(texts, &id, "webhook-id")}</dd>
            <dt>{texts.get("streams.stream")}</dt>
            <dd>
                <a href=page_of(&row.domain)>{row.domain.clone()}</a> "/"
                <a href=format!("/sessions/{}", row.session)>{row.app.clone()}"/"{row.stream.clone()}</a>
            </dd>
            <dt>{texts.get("delivery.happened_at")}</dt><dd>{visit.times.at(row.happened_at)}</dd>
            <dt>{texts.get("callback.address")}</dt><dd>{address}</dd>
            <dt>{texts.get("deliveries.next_attempt")}</dt><dd id="next" data-live>{next}</dd>
            {order}
        </dl></div></section>
    }
    .into_any()
}

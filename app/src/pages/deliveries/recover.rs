//! `/recoveries`: what was not delivered goes out again. Count and start.

use callsheet::deliveries::{Recoverable, Recovery};
use callsheet::model::Action;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_query_map;

use super::filter::{self, Filters, Purpose};
use super::recovery::{crumbs, goes_on, outcome_line, state_badge, state_of};
use super::server_fns::StartRecovery;
use crate::components::{Empty, Head, Live, Note, Tone};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;
use crate::query::Mistakes;
use crate::request::encode;
use crate::texts::number;

/// Where the form starts when nothing is asked yet.
const DAY_MS: i64 = 86_400_000;

/// `/recoveries`: the filters, what they find, and the latest recoveries.
#[component]
pub(crate) fn RecoverPage() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let (filters, since) = (Filters::of(&query), query.get("since"));
    page(move |visit, actor, _| async move {
        let texts = visit.texts;
        actor.check(Action::ManageDeliveries).map_err(|e| UiError::of(texts, &e))?;
        let zone = visit.times.zone.clone();
        let filters = if since.is_none() { filters.from(visit.times.now - DAY_MS, &zone) } else { filters };
        let found = match filters.parse_recoverable(&zone) {
            Err(wrong) => Err(wrong),
            Ok(asked) => {
                let found = visit.console.recoveries.count(&actor, asked).await;
                let found = found.map_err(|e| UiError::of(texts, &e))?;
                let known = if found.total == 0 { filters.found_nothing(&visit, &actor).await } else { Ok(()) };
                known.map(|()| offer(&visit, &filters, found))
            }
        };
        let (found, wrong) = match found {
            Ok(found) => (found, Mistakes::default()),
            Err(wrong) => {
                let instead = wrong.instead(texts, "/recoveries", &[]);
                (view! { <section class="card">{instead}</section> }.into_any(), wrong)
            }
        };
        let recoveries = visit.console.recoveries.list(&actor).await.map_err(|e| UiError::of(texts, &e))?;
        Ok(view! {
            <Head title=texts.get("recovery.title") crumbs=crumbs(texts, false)/>
            <p class="lead">{texts.get("recovery.lead")}</p>
            {filter::form(&visit, &filters, &wrong, "/recoveries".to_owned(), Purpose::Recovery)}
            {found}
            {latest(&visit, &recoveries)}
        }
        .into_any())
    })
}

/// What was found, and the button that starts.
fn offer(visit: &Visit, filters: &Filters, found: Recoverable) -> AnyView {
    let texts = visit.texts;
    if found.total == 0 {
        return view! {
            <section class="card">
                <Empty title=texts.get("recovery.nothing") text=texts.get("recovery.nothing_text")/>
            </section>
        }
        .into_any();
    }
    let off = (found.callback_off > 0)
        .then(|| view! { <Note tone=Tone::Warn>{texts.count("recovery.off", found.callback_off)}</Note> });
    let start = (found.total > found.callback_off).then(|| {
        let query = encode(&filters.query());
        view! {
            <form method="post" action=StartRecovery::PATH>
                <input type="hidden" name="query" value=query.trim_start_matches('?').to_owned()/>
                <button class="btn primary">{texts.get("recovery.start")}</button>
            </form>
        }
    });
    view! {
        <section class="card recovery-preview" aria-labelledby="found">
            <div class="body">
                <h2 id="found">{texts.count("recovery.found", found.total)}</h2>
                {off}
                <div class="row">
                    {start}
                    <a class="btn" href=format!("/deliveries{}", encode(&filters.query()))>{texts.get("recovery.view")}</a>
                </div>
            </div>
        </section>
    }
    .into_any()
}

fn latest(visit: &Visit, recoveries: &[Recovery]) -> AnyView {
    let texts = visit.texts;
    if recoveries.is_empty() {
        return ().into_any();
    }
    let rows: Vec<_> = recoveries
        .iter()
        .map(|recovery| {
            let done =
                texts.fill("recovery.of", &[("done", &number(recovery.handled())), ("total", &number(recovery.total))]);
            let say = format!("{}: {}", texts.get("recovery.one"), state_of(texts, recovery).1);
            view! {
                <tr id=recovery.id.to_string()>
                    <th scope="row">
                        <a href=format!("/recoveries/{}", recovery.id)>{visit.times.at(recovery.started_at)}</a>
                        <span class="secondary">{recovery.started_by.clone()}</span>
                    </th>
                    <td data-label=texts.get("deliveries.state") data-say=say
                        data-waits=goes_on(recovery)>{state_badge(texts, recovery)}</td>
                    <td data-label=texts.get("recovery.processed")>{done}</td>
                    <td data-label=texts.get("recovery.outcome")>{outcome_line(texts, recovery)}</td>
                    <td data-label=texts.get("recovery.skipped") class="numeric">{number(recovery.left_out)}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <Live/>
        <section class="card" id="recoveries" data-live>
            <header><h2>{texts.get("recovery.latest")}</h2></header>
            <table class="table">
                <thead><tr>
                    <th scope="col">{texts.get("recovery.started_at")}</th>
                    <th scope="col">{texts.get("deliveries.state")}</th>
                    <th scope="col">{texts.get("recovery.processed")}</th>
                    <th scope="col">{texts.get("recovery.outcome")}</th>
                    <th scope="col" class="numeric">{texts.get("recovery.skipped")}</th>
                </tr></thead>
                <tbody data-keyed>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

//! `/recoveries`: what was not delivered goes out again. Count, start, watch, cancel.

use callsheet::deliveries::{DeliveryFilter, Recoverable, Recovery, RecoveryState};
use callsheet::model::{Action, Actor, RecoveryId};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::filter::{self, Filters, Purpose};
use super::server_fns::{CancelRecovery, StartRecovery};
use crate::components::{Badge, Crumb, Empty, Head, Live, Note, Tone};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;
use crate::query::Mistakes;
use crate::request::encode;
use crate::texts::{Texts, number};

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

fn crumbs(texts: Texts, below: bool) -> Vec<Crumb> {
    let mut crumbs = vec![Crumb { href: "/deliveries".to_owned(), text: texts.get("nav.deliveries") }];
    if below {
        crumbs.push(Crumb { href: "/recoveries".to_owned(), text: texts.get("recovery.title") });
    }
    crumbs
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
        <section class="card found" aria-labelledby="found">
            <div class="body">
                <h2 id="found">{texts.count("recovery.found", found.total)}</h2>
                {off}
                <div class="row">
                    {start}
                    <a class="btn" href=format!("/deliveries{}", encode(&filters.query()))>{texts.get("recovery.see")}</a>
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
            let say =
                format!("{}: {}", texts.get("recovery.one"), texts.word("recovery_state", recovery.state.as_str()));
            view! {
                <tr id=recovery.id.to_string()>
                    <th scope="row">
                        <a href=format!("/recoveries/{}", recovery.id)>{visit.times.at(recovery.started_at)}</a>
                        <span class="second">{recovery.started_by.clone()}</span>
                    </th>
                    <td data-label=texts.get("deliveries.state") data-say=say
                        data-waits=recovery.state == RecoveryState::Running>{state_badge(texts, recovery.state)}</td>
                    <td data-label=texts.get("recovery.queued")>{done}</td>
                    <td data-label=texts.get("recovery.left_out") class="num">{number(recovery.left_out)}</td>
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
                    <th scope="col">{texts.get("recovery.queued")}</th>
                    <th scope="col" class="num">{texts.get("recovery.left_out")}</th>
                </tr></thead>
                <tbody data-keyed>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

fn state_badge(texts: Texts, state: RecoveryState) -> AnyView {
    let tone = match state {
        RecoveryState::Running => Tone::Warn,
        RecoveryState::Done => Tone::Ok,
        RecoveryState::Cancelled => Tone::Off,
    };
    view! { <Badge tone text=texts.word("recovery_state", state.as_str())/> }.into_any()
}

/// `/recoveries/{id}`: how far it is.
#[component]
pub(crate) fn RecoveryPage() -> impl IntoView {
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    page(move |visit, actor, _| async move {
        let texts = visit.texts;
        let id: RecoveryId = id.parse().map_err(|_| UiError::not_found(texts))?;
        let recovery = visit.console.recoveries.get(&actor, id).await.map_err(|e| UiError::of(texts, &e))?;
        let running = recovery.state == RecoveryState::Running;
        let say = format!("{}: {}", texts.get("recovery.one"), texts.word("recovery_state", recovery.state.as_str()));
        let state = state_badge(texts, recovery.state);
        let operations = cancel(&visit, &actor, &recovery);
        let body = view! {
            <div class="stack" id="progress" data-live>{progress(&visit, &recovery)}</div>
            {facts(&visit, &recovery)}
        };
        Ok(view! {
            <Head title=texts.get("recovery.one") crumbs=crumbs(texts, true)>
                <span id="state" data-live><span data-say=say data-waits=running>{state}</span></span>
                <span class="spacer"></span>
                <a class="btn" href=format!("/recoveries/{id}")>{texts.get("list.refresh")}</a>
                <span id="operations" data-live>{operations}</span>
            </Head>
            <Live/>
            <section class="card"><div class="body">{body}</div></section>
        }
        .into_any())
    })
}

fn cancel(visit: &Visit, actor: &Actor, recovery: &Recovery) -> AnyView {
    let texts = visit.texts;
    if recovery.state != RecoveryState::Running || actor.check(Action::ManageDeliveries).is_err() {
        return ().into_any();
    }
    view! {
        <form method="post" action=CancelRecovery::PATH>
            <input type="hidden" name="id" value=recovery.id.to_string()/>
            <button class="btn danger">{texts.get("recovery.cancel")}</button>
        </form>
    }
    .into_any()
}

fn progress(visit: &Visit, recovery: &Recovery) -> AnyView {
    let texts = visit.texts;
    let (handled, total) = (recovery.handled(), recovery.total);
    // Over less than a second it says nothing.
    let lasts = recovery.ended_at.unwrap_or(visit.times.now) - recovery.started_at;
    let pace = (lasts >= 1_000).then(|| {
        let pace = format!("{:.1}", recovery.per_second(visit.times.now));
        view! { <span class="muted">{texts.fill("recovery.pace", &[("n", &pace)])}</span> }
    });
    let left_out =
        (recovery.left_out > 0).then(|| view! { <p>{texts.count("recovery.were_left_out", recovery.left_out)}</p> });
    // Deliveries that a person resent or that changed otherwise before their turn.
    let changed = (total - handled).max(0);
    let changed = (recovery.state == RecoveryState::Done && changed > 0)
        .then(|| view! { <p>{texts.count("recovery.changed", changed)}</p> });
    let cancelled =
        (recovery.state == RecoveryState::Cancelled).then(|| view! { <p>{texts.get("recovery.go_out")}</p> });
    view! {
        <p><strong>{texts.fill("recovery.of", &[("done", &number(handled)), ("total", &number(total))])}</strong>
            " " {pace}</p>
        <progress max=total.max(1).to_string() value=handled.to_string() aria-label=texts.get("recovery.progress")></progress>
        {left_out}
        {changed}
        {cancelled}
    }
    .into_any()
}

fn facts(visit: &Visit, recovery: &Recovery) -> AnyView {
    let texts = visit.texts;
    let asked: Vec<_> = asked(visit, &recovery.filter)
        .into_iter()
        .map(|(name, value)| view! { <dt>{name}</dt><dd>{value}</dd> })
        .collect();
    let ended = match recovery.ended_at {
        Some(at) => visit.times.at(at),
        None => view! { <span class="muted">"–"</span> }.into_any(),
    };
    // In the log they have other states by now.
    let of_log = DeliveryFilter { state: None, ..recovery.filter.clone() };
    let log = format!("/deliveries{}", encode(&Filters::of_filter(&of_log, &visit.times.zone).query()));
    view! {
        <dl class="facts">
            <dt>{texts.get("recovery.started_at")}</dt>
            <dd>{visit.times.at(recovery.started_at)} <span class="muted">{recovery.started_by.clone()}</span></dd>
            <dt>{texts.get("recovery.ended_at")}</dt><dd id="ended" data-live>{ended}</dd>
            {asked}
        </dl>
        <div><a class="btn" href=log>{texts.get("recovery.see")}</a></div>
    }
    .into_any()
}

/// What a filter asks for, by the names of its fields.
fn asked(visit: &Visit, filter: &DeliveryFilter) -> Vec<(String, AnyView)> {
    let texts = visit.texts;
    let word = |value: String| view! { <span>{value}</span> }.into_any();
    let code = |value: String| view! { <code>{value}</code> }.into_any();
    let state = match filter.state {
        Some(state) => texts.word("state", state.as_str()),
        None => texts.get("recovery.all_states"),
    };
    [
        ("deliveries.state", Some(word(state))),
        ("deliveries.since", filter.since.map(|at| visit.times.at(at))),
        ("deliveries.until", filter.until.map(|at| visit.times.at(at))),
        ("domains.domain", filter.domain.clone().map(code)),
        ("streams.stream", filter.stream.clone().map(code)),
        ("deliveries.kind", filter.kind.map(|kind| word(texts.word("kind", kind.as_str())))),
        ("deliveries.event", filter.event.map(|event| word(texts.word("event", event.as_str())))),
        ("deliveries.status", filter.status.map(|status| code(status.to_string()))),
        ("deliveries.error", filter.error_class.as_deref().map(|class| word(texts.word("class", class)))),
        ("deliveries.text", filter.text.clone().map(code)),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((texts.get(key), value?)))
    .collect()
}

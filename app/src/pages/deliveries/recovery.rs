//! `/recoveries/{id}`: the progress of a recovery and the outcome of its deliveries. Watch and cancel.

use callsheet::deliveries::{DeliveryFilter, DeliveryState, Recovery, RecoveryOutcome, RecoveryState};
use callsheet::model::{Action, Actor, RecoveryId};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use super::filter::Filters;
use super::server_fns::CancelRecovery;
use crate::components::{Badge, Crumb, Head, Live, Tone};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;
use crate::request::encode;
use crate::texts::{Texts, number};

/// Something may still change by itself.
pub(super) fn goes_on(recovery: &Recovery) -> bool {
    recovery.state == RecoveryState::Running || recovery.outcome.is_some_and(|outcome| outcome.waiting > 0)
}

/// The state in a word. A recovery has not ended when all its deliveries are queued, but when their outcome is known.
pub(super) fn state_of(texts: Texts, recovery: &Recovery) -> (Tone, String) {
    let (tone, word) = match (recovery.state, recovery.outcome) {
        (RecoveryState::Running, _) => (Tone::Warn, "running"),
        (RecoveryState::Cancelled, _) => (Tone::Off, "cancelled"),
        (RecoveryState::Done, Some(outcome)) if outcome.waiting > 0 => (Tone::Warn, "sending"),
        (RecoveryState::Done, Some(outcome)) if outcome.failed > 0 => (Tone::Bad, "failed"),
        (RecoveryState::Done, Some(outcome)) if outcome.cancelled > 0 || recovery.left_out > 0 => (Tone::Warn, "done"),
        (RecoveryState::Done, Some(_)) => (Tone::Ok, "done"),
        // Nothing is known of what was queued.
        (RecoveryState::Done, None) => (Tone::Plain, "done"),
    };
    (tone, texts.word("recovery_state", word))
}

pub(super) fn state_badge(texts: Texts, recovery: &Recovery) -> AnyView {
    let (tone, text) = state_of(texts, recovery);
    view! { <Badge tone text/> }.into_any()
}

/// `/recoveries/{id}`: how far it is.
#[component]
pub(crate) fn RecoveryPage() -> impl IntoView {
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    page(move |visit, actor, _| async move {
        let texts = visit.texts;
        let id: RecoveryId = id.parse().map_err(|_| UiError::not_found(texts))?;
        let recovery = visit.console.recoveries.get(&actor, id).await.map_err(|e| UiError::of(texts, &e))?;
        let waits = goes_on(&recovery);
        let say = format!("{}: {}", texts.get("recovery.one"), state_of(texts, &recovery).1);
        let state = state_badge(texts, &recovery);
        let operations = cancel(&visit, &actor, &recovery);
        let body = view! {
            <div class="stack" id="progress" data-live>{progress(&visit, &recovery)}</div>
            {facts(&visit, &recovery)}
            <div class="row" id="links" data-live>{links(&visit, &actor, &recovery)}</div>
        };
        Ok(view! {
            <Head title=texts.get("recovery.one") crumbs=crumbs(texts, true)>
                <span id="state" data-live><span data-say=say data-waits=waits>{state}</span></span>
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
        (recovery.left_out > 0).then(|| view! { <p>{texts.count("recovery.were_skipped", recovery.left_out)}</p> });
    // Deliveries that a person resent or that changed otherwise before their turn.
    let changed = (total - handled).max(0);
    let changed = (recovery.state == RecoveryState::Done && changed > 0)
        .then(|| view! { <p>{texts.count("recovery.changed", changed)}</p> });
    let cancelled = (recovery.state == RecoveryState::Cancelled)
        .then(|| view! { <p>{texts.get("recovery.was_cancelled_text")}</p> });
    view! {
        <p><strong>{texts.fill("recovery.of", &[("done", &number(handled)), ("total", &number(total))])}</strong>
            " " {pace}</p>
        <progress max=total.max(1).to_string() value=handled.to_string() aria-label=texts.get("recovery.progress")></progress>
        {outcome(texts, recovery)}
        {left_out}
        {changed}
        {cancelled}
    }
    .into_any()
}

/// Lists the outcomes of the queued deliveries, each with its number.
fn outcome(texts: Texts, recovery: &Recovery) -> AnyView {
    let badges: Vec<_> = parts(texts, recovery).into_iter().map(|(tone, text)| view! { <Badge tone text/> }).collect();
    (!badges.is_empty()).then(|| view! { <div class="row" id="outcome">{badges}</div> }).into_any()
}

/// The same in a line.
pub(super) fn outcome_line(texts: Texts, recovery: &Recovery) -> String {
    let parts = parts(texts, recovery);
    if parts.is_empty() {
        return "–".to_owned();
    }
    parts.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" · ")
}

fn parts(texts: Texts, recovery: &Recovery) -> Vec<(Tone, String)> {
    let Some(RecoveryOutcome { delivered, failed, waiting, cancelled }) = recovery.outcome else { return Vec::new() };
    [
        (Tone::Ok, "recovery.delivered", delivered),
        (Tone::Bad, "recovery.failed_again", failed),
        (Tone::Warn, "recovery.waiting", waiting),
        (Tone::Off, "recovery.cancelled", cancelled),
    ]
    .into_iter()
    .filter(|(_, _, number)| *number > 0)
    .map(|(tone, key, number)| (tone, texts.count(key, number)))
    .collect()
}

/// To what the recovery chose, and to a next one of what failed again.
fn links(visit: &Visit, actor: &Actor, recovery: &Recovery) -> AnyView {
    let texts = visit.texts;
    let chosen = ("recovery", recovery.id.to_string());
    let see = (recovery.handled() > 0).then(|| {
        let query = match recovery.outcome {
            Some(_) => encode(std::slice::from_ref(&chosen)),
            // One of before its deliveries were kept: by its filter, but for the state, which is another by now.
            None => {
                let of_log = DeliveryFilter { state: None, ..recovery.filter.clone() };
                encode(&Filters::of_filter(&of_log, &visit.times.zone).query())
            }
        };
        let href = format!("/deliveries{query}");
        view! { <a class="btn" href=href>{texts.get("recovery.view")}</a> }
    });
    let failed = recovery.outcome.is_some_and(|outcome| outcome.failed > 0);
    let again = (failed && actor.check(Action::ManageDeliveries).is_ok()).then(|| {
        let failed = ("state", DeliveryState::Failed.to_string());
        // With an empty start, for without any the page looks back for a day.
        let href = format!("/recoveries{}&since=", encode(&[chosen, failed]));
        view! { <a class="btn" href=href>{texts.get("recovery.again")}</a> }
    });
    view! { {see} {again} }.into_any()
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
    view! {
        <dl class="description-list">
            <dt>{texts.get("recovery.started_at")}</dt>
            <dd>{visit.times.at(recovery.started_at)} <span class="muted">{recovery.started_by.clone()}</span></dd>
            <dt>{texts.get("recovery.ended_at")}</dt><dd id="ended" data-live>{ended}</dd>
        </dl>
        <section class="stack" aria-labelledby="chosen">
            <h2 id="chosen">{texts.get("recovery.chosen")}</h2>
            <dl class="description-list">{asked}</dl>
        </section>
    }
    .into_any()
}

/// Lists the fields of a filter that are set, with their labels.
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

/// Returns the breadcrumbs of *Recover*, or of a page below it.
pub(super) fn crumbs(texts: Texts, below: bool) -> Vec<Crumb> {
    let mut crumbs = vec![Crumb { href: "/deliveries".to_owned(), text: texts.get("nav.deliveries") }];
    if below {
        crumbs.push(Crumb { href: "/recoveries".to_owned(), text: texts.get("recovery.title") });
    }
    crumbs
}

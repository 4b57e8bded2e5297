//! The callbacks that need a look.

use callsheet::callbacks::{CallbacksAtAGlance, TroubledCallback};
use callsheet::model::{Action, Actor};
use leptos::prelude::*;

use crate::context::Visit;
use crate::pages::callbacks::{failures_link, health_badge};
use crate::request::{encode, page_of};

/// All of them, or a sentence that there are none.
pub(super) fn card(visit: &Visit, actor: &Actor, callbacks: &CallbacksAtAGlance) -> AnyView {
    let texts = visit.texts;
    let number = i64::try_from(callbacks.troubled.len()).unwrap_or(i64::MAX);
    let body = match (number, callbacks.any_on) {
        (0, true) => {
            view! { <div class="body"><p class="muted">{texts.get("overview.all_healthy")}</p></div> }.into_any()
        }
        (0, false) => view! {
            <div class="body"><p class="muted">
                {texts.get("overview.no_callback")} " " <a href="/domains">{texts.get("overview.to_domains")}</a>
            </p></div>
        }
        .into_any(),
        _ => table(visit, actor, &callbacks.troubled),
    };
    view! {
        <section class="card" id="trouble">
            <header>
                <h2>{texts.get("overview.failing")}</h2>
                {(number > 0).then(|| view! { <p>{texts.count("overview.failing_count", number)}</p> })}
            </header>
            {body}
        </section>
    }
    .into_any()
}

fn table(visit: &Visit, actor: &Actor, troubled: &[TroubledCallback]) -> AnyView {
    let texts = visit.texts;
    view! {
        <table class="table">
            <thead><tr>
                <th scope="col">{texts.get("domains.domain")}</th>
                <th scope="col">{texts.get("overview.callback")}</th>
                <th scope="col">{texts.get("overview.health")}</th>
                <th scope="col">{texts.get("overview.error")}</th>
                <th scope="col"><span class="visually-hidden">{texts.get("list.operations")}</span></th>
            </tr></thead>
            <tbody>{troubled.iter().map(|callback| row(visit, actor, callback)).collect::<Vec<_>>()}</tbody>
        </table>
    }
    .into_any()
}

fn row(visit: &Visit, actor: &Actor, callback: &TroubledCallback) -> AnyView {
    let texts = visit.texts;
    let TroubledCallback { domain, kind, state, error, unrecovered, retrying, pause } = callback;
    let recovers = actor.check_domain(Action::ManageDeliveries, domain).is_ok();
    let failures = (*unrecovered > 0).then(|| {
        let href = failures_link(domain, *kind, recovers);
        view! { <a href=href>{texts.count("health.unrecovered_count", *unrecovered)}</a> }
    });
    let retries = (*retrying > 0).then(|| texts.count("health.retrying_count", *retrying));
    let both = (failures.is_some() && retries.is_some()).then_some(" · ");
    let left = (failures.is_some() || retries.is_some())
        .then(|| view! { <span class="secondary">{failures} {both} {retries}</span> });
    let paused = pause.as_ref().map(|pause| {
        view! {
            <span class="secondary">
                {texts.get("callback.paused")} " · " {texts.get("callback.next_probe")} " " {visit.times.until(pause.probe_at)}
            </span>
        }
    });
    let error = error.as_ref().map_or_else(|| "–".to_owned(), |class| texts.word("class", class));
    let log = format!("{}/deliveries{}", page_of(domain), encode(&[("kind", kind.to_string())]));
    view! {
        <tr>
            <th scope="row"><a href=format!("{}#callback-{kind}", page_of(domain))>{domain.clone()}</a></th>
            <td data-label=texts.get("overview.callback")>{texts.word("kind", kind.as_str())}</td>
            <td data-label=texts.get("overview.health")>{health_badge(texts, *state)} {left}</td>
            <td data-label=texts.get("overview.error")>{error} {paused}</td>
            <td class="actions"><a href=log>{texts.get("health.log")}</a></td>
        </tr>
    }
    .into_any()
}

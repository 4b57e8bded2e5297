//! `/deliveries/{id}`: what was sent, what came back, when the next attempt is, and how to try it by hand.

use callsheet::deliveries::{AttemptView, DeliveryDetail};
use callsheet::model::{Action, DeliveryId};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos_router::hooks::use_params_map;

use super::server_fns::{CancelDelivery, ResendDelivery};
use super::state_badge;
use crate::components::{Badge, CopyButton, Crumb, Head, Tone, copyable};
use crate::context::Visit;
use crate::error::UiError;
use crate::page::page;
use crate::pages::callbacks::phases_of;
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
        Ok(view! {
            <Head title=row.event.as_str() crumbs>
                {state}
                <span class="spacer"></span>
                <a class="btn" href=format!("/deliveries/{id}")>{texts.get("list.refresh")}</a>
                {operations}
            </Head>
            {facts(&visit, &detail)}
            {attempts(&visit, &detail)}
            {replay(&visit, &detail)}
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
    let next = row.next_attempt_at.map(|at| {
        let tries = texts.fill(
            "delivery.try_of",
            &[("n", &(detail.tries + 1).to_string()), ("max", &detail.max_tries.to_string())],
        );
        view! { <dt>{texts.get("deliveries.next_attempt")}</dt><dd><strong>{visit.times.until(at)}</strong> <span class="muted">{tries}</span></dd> }
    });
    let order = row
        .out_of_order
        .then(|| view! { <dt>{texts.get("delivery.order")}</dt><dd>{texts.get("delivery.out_of_order")}</dd> });
    view! {
        <section class="card"><div class="body"><dl class="facts">
            <dt>{texts.get("delivery.id")}</dt><dd>{copyable(texts, &id, "webhook-id")}</dd>
            <dt>{texts.get("streams.stream")}</dt>
            <dd>
                <a href=page_of(&row.domain)>{row.domain.clone()}</a> "/"
                <a href=format!("/sessions/{}", row.session)>{row.app.clone()}"/"{row.stream.clone()}</a>
            </dd>
            <dt>{texts.get("delivery.happened_at")}</dt><dd>{visit.times.at(row.happened_at)}</dd>
            <dt>{texts.get("callback.address")}</dt><dd>{address}</dd>
            {next}
            {order}
        </dl></div></section>
    }
    .into_any()
}

fn attempts(visit: &Visit, detail: &DeliveryDetail) -> AnyView {
    let texts = visit.texts;
    let items: Vec<_> = detail
        .attempts
        .iter()
        .enumerate()
        .map(|(place, attempt)| one_attempt(visit, detail, attempt, place == 0))
        .collect();
    let body = if items.is_empty() {
        let key = if detail.delivery.state.waits() { "delivery.not_sent_yet" } else { "delivery.never_sent" };
        view! {
            <div class="body">
                <p class="muted">{texts.get(key)}</p>
                <div><h3>{texts.get("delivery.body")}</h3><pre tabindex="0">{detail.body.clone()}</pre></div>
            </div>
        }
        .into_any()
    } else {
        items.into_any()
    };
    view! {
        <section class="card">
            <header><h2>{texts.get("deliveries.attempts")}</h2><p>{texts.get("delivery.attempts_help")}</p></header>
            {body}
        </section>
    }
    .into_any()
}

fn one_attempt(visit: &Visit, detail: &DeliveryDetail, attempt: &AttemptView, open: bool) -> AnyView {
    let texts = visit.texts;
    let class = attempt.error_class.as_deref().unwrap_or_default();
    let outcome = match (attempt.status, attempt.succeeded) {
        (Some(status), true) => view! { <Badge tone=Tone::Ok text=status.to_string()/> }.into_any(),
        (Some(status), false) => view! { <Badge tone=Tone::Bad text=status.to_string()/> }.into_any(),
        (None, _) => view! { <Badge tone=Tone::Bad text=texts.word("class", class)/> }.into_any(),
    };
    let error = attempt.error.clone().map(|text| {
        view! { <p class="wrong">{texts.word("class", class)} " (" <code>{class.to_owned()}</code> "): " {text}</p> }
    });
    let request = format!("POST {}\n{}\n\n{}", attempt.address, header_lines(&attempt.request_headers), detail.body);
    let response = attempt.status.map_or_else(
        || view! { <p class="muted">{texts.get("delivery.no_answer")}</p> }.into_any(),
        |status| {
            let text = format!("{status}\n{}\n\n{}", header_lines(&attempt.response_headers), attempt.response_body);
            view! { <pre tabindex="0">{text}</pre> }.into_any()
        },
    );
    view! {
        <details class="attempt" open=open>
            <summary>
                <strong>{attempt.number}</strong>
                <span>{visit.times.at(attempt.started_at)}</span>
                <span>{outcome}</span>
                <span class="num">{visit.times.took(attempt.millis)}</span>
                <span class="muted">{phases_of(visit, &attempt.phases)}</span>
            </summary>
            <div class="body stack">
                {error}
                <div class="two">
                    <div><h3>{texts.get("delivery.request")}</h3><pre tabindex="0">{request}</pre></div>
                    <div><h3>{texts.get("delivery.response")}</h3>{response}</div>
                </div>
            </div>
        </details>
    }
    .into_any()
}

fn header_lines(headers: &[(String, String)]) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
}

/// The command that repeats the last request, and how to check its signature.
fn replay(visit: &Visit, detail: &DeliveryDetail) -> AnyView {
    let texts = visit.texts;
    let last = detail.attempts.first();
    let address = last.map(|a| a.address.clone()).or_else(|| detail.address.clone()).unwrap_or_default();
    let headers = last.map(|a| a.request_headers.clone()).unwrap_or_default();
    let command = curl(&address, &headers, &detail.body);
    let check = "from standardwebhooks import Webhook\nWebhook(secret).verify(body, headers)";
    view! {
        <section class="card">
            <header><h2>{texts.get("delivery.by_hand")}</h2><p>{texts.get("delivery.by_hand_help")}</p></header>
            <div class="body">
                <div class="stack">
                    <pre tabindex="0">{command.clone()}</pre>
                    <div>
                        <CopyButton text=command label=texts.get("delivery.copy_curl") done=texts.get("copy.done") what=String::new()/>
                    </div>
                </div>
                <details class="more">
                    <summary>{texts.get("delivery.signature")}</summary>
                    <div class="stack">
                        <p>{texts.get("delivery.signature_text")}</p>
                        <pre tabindex="0">{check}</pre>
                    </div>
                </details>
            </div>
        </section>
    }
    .into_any()
}

/// A `curl` command for a POSIX shell.
fn curl(address: &str, headers: &[(String, String)], body: &str) -> String {
    let mut command = format!("curl -i -X POST {}", quote(address));
    for (name, value) in headers {
        command.push_str(&format!(" \\\n  -H {}", quote(&format!("{name}: {value}"))));
    }
    command.push_str(&format!(" \\\n  --data-binary {}", quote(body)));
    command
}

/// A text as one word of a POSIX shell, whatever is in it.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_survives_quotes() {
        let headers = vec![("x-note".to_owned(), "it's".to_owned())];
        let command = curl("https://example.com/a?b=1&c=$HOME", &headers, "{\"a\":\"'; rm -rf ~ #\"}");
        assert!(command.starts_with("curl -i -X POST 'https://example.com/a?b=1&c=$HOME'"));
        assert!(command.contains(r"'x-note: it'\''s'"));
        assert!(command.ends_with(r#"--data-binary '{"a":"'\''; rm -rf ~ #"}'"#));
    }
}

//! The attempts of a delivery: when, how long each phase took, what was sent and what came back.

use axum::http::StatusCode;
use callsheet::deliveries::{AttemptView, DeliveryDetail, PhaseView};
use leptos::prelude::*;

use crate::components::{Badge, Tone};
use crate::context::Visit;

/// The card with all attempts. They are append-only, so the page only ever adds to it.
pub(super) fn attempts(visit: &Visit, detail: &DeliveryDetail) -> AnyView {
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
            <div class="body" id="not-sent">
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
            <header><h2>{texts.get("delivery.attempts")}</h2><p>{texts.count("delivery.attempts_help", visit.console.retention.attempt_body_days)}</p></header>
            <div id="attempts" data-live data-keyed>{body}</div>
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
    // The failed phase tells the detail.
    let error = attempt.error.as_deref().map(|error| {
        let text = texts.remedy(class, error);
        view! {
            <p class="error-text"><strong>{texts.word("class", class)}</strong> " (" <code>{class.to_owned()}</code> ") " {text}</p>
        }
    });
    let first_line = view! { <b>"POST"</b> " " <code>{attempt.address.clone()}</code> }.into_any();
    let is_broken = attempt.succeeded && attempt.phases.iter().any(|phase| !phase.ok);
    let note = is_broken.then(|| view! { <p class="muted">{texts.get("delivery.broken_response")}</p> });
    let removed = |key| {
        let text = texts.count(key, visit.console.retention.attempt_body_days);
        view! { <p class="removed">{text}</p> }.into_any()
    };
    let request = match &attempt.traffic {
        Some(traffic) => message(first_line, headers(&traffic.request_headers), &detail.body),
        None => message(first_line, removed("delivery.headers_removed"), &detail.body),
    };
    let response = match attempt.status {
        None => view! { <p class="muted">{texts.get("delivery.no_response")}</p> }.into_any(),
        Some(status) => {
            let reason = u16::try_from(status).ok().and_then(|code| StatusCode::from_u16(code).ok());
            let reason = reason.and_then(|status| status.canonical_reason()).unwrap_or_default();
            let first_line = view! { <b>{status}</b> " " {reason} }.into_any();
            match &attempt.traffic {
                Some(traffic) => message(first_line, headers(&traffic.response_headers), &traffic.response_body),
                None => message(first_line, removed("delivery.response_removed"), ""),
            }
        }
    };
    view! {
        <details class="attempt" id=format!("attempt-{}", attempt.number) open=open>
            <summary>
                <strong>{attempt.number}</strong>
                <span>{visit.times.at(attempt.started_at)}</span>
                <span>{outcome}</span>
                <span class="numeric">{visit.times.took(attempt.millis)}</span>
                {bar(&attempt.phases)}
            </summary>
            <div class="body stack">
                {error}
                {note}
                {timing(visit, &attempt.phases)}
                <div class="columns">
                    <div><h3>{texts.get("delivery.request")}</h3>{request}</div>
                    <div><h3>{texts.get("delivery.response")}</h3>{response}</div>
                </div>
            </div>
        </details>
    }
    .into_any()
}

fn headers(headers: &[(String, String)]) -> AnyView {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| view! { <div><dt>{name.clone()}</dt><dd>{value.clone()}</dd></div> })
        .collect();
    view! { <dl>{headers}</dl> }.into_any()
}

/// A request or an answer: its first line, headers, body.
fn message(first_line: AnyView, headers: AnyView, body: &str) -> AnyView {
    let body = (!body.is_empty()).then(|| view! { <pre tabindex="0">{body.to_owned()}</pre> });
    view! { <div class="http-message"><p>{first_line}</p>{headers}{body}</div> }.into_any()
}

/// How the time of an attempt was spent, as one bar. The numbers stand in [`timing`].
fn bar(phases: &[PhaseView]) -> AnyView {
    const WIDTH: f64 = 1000.0;
    /// A phase that took next to nothing is seen all the same.
    const LEAST: f64 = 6.0;
    let total: i64 = phases.iter().map(|phase| phase.micros).sum();
    let wide = |phase: &PhaseView| (WIDTH * phase.micros as f64 / total.max(1) as f64).max(LEAST);
    let all: f64 = phases.iter().map(wide).sum();
    let mut x = 0.0;
    let pieces: Vec<_> = phases
        .iter()
        .map(|phase| {
            let (start, width) = (x, WIDTH * wide(phase) / all);
            x += width;
            let (start, width) = (format!("{start:.1}"), format!("{width:.1}"));
            view! { <rect x=start y="0" width=width height="8" class=class_of(phase)></rect> }
        })
        .collect();
    view! { <svg class="phase-bar" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">{pieces}</svg> }
        .into_any()
}

/// Each phase with its colour, its time and what was found.
fn timing(visit: &Visit, phases: &[PhaseView]) -> AnyView {
    let texts = visit.texts;
    let lines: Vec<_> = phases
        .iter()
        .map(|phase| {
            let failed =
                (!phase.ok).then(|| view! { <span class="visually-hidden">{texts.get("phase.failed")}": "</span> });
            view! {
                <li>
                    <span class=format!("swatch {}", class_of(phase))></span>
                    <span>{texts.word("phase", &phase.phase)}</span>
                    <span class="muted">{failed}{texts.detail(&phase.detail)}</span>
                    <span class="duration">{visit.times.took_micros(phase.micros)}</span>
                </li>
            }
        })
        .collect();
    view! { <ol class="phases timing">{lines}</ol> }.into_any()
}

fn class_of(phase: &PhaseView) -> String {
    if phase.ok { format!("phase-{}", phase.phase) } else { "phase-failed".to_owned() }
}

//! Today's traffic and peak bandwidth.

use callsheet::model::{Actor, Problem, ProblemKind};
use callsheet::stats::{Metric, StatsError, UsageQuery, UsageView};
use leptos::prelude::*;

use crate::context::Visit;
use crate::error::UiError;
use crate::pages::statistics::{USAGE_PATH, point_label};
use crate::request::encode;
use crate::units::Quantity;

/// Traffic and peak bandwidth of the day, each a link to its chart. That they cannot be read keeps nobody from the rest of the page.
pub(super) async fn section(visit: &Visit, actor: &Actor) -> AnyView {
    let query = UsageQuery {
        metric: Metric::Bandwidth,
        domains: Vec::new(),
        range: visit.console.stats.last_days(1),
        granularity: None,
        compare: false,
    };
    match visit.console.stats.usage(actor, query).await {
        Ok(usage) => shown(visit, &usage),
        Err(error) => failed(visit, &error),
    }
}

fn failed(visit: &Visit, error: &StatsError) -> AnyView {
    if error.kind() == ProblemKind::Forbidden {
        return ().into_any();
    }
    let text = UiError::of(visit.texts, error).message;
    sentence(visit, view! { <p class="muted">{text}</p> }.into_any())
}

fn sentence(visit: &Visit, text: AnyView) -> AnyView {
    view! {
        <section class="card" id="traffic">
            <header><h2>{visit.texts.get("overview.traffic")}</h2></header>
            <div class="body">{text}</div>
        </section>
    }
    .into_any()
}

fn shown(visit: &Visit, usage: &UsageView) -> AnyView {
    let (texts, times) = (visit.texts, &visit.times);
    let Some(known) = usage.known else {
        let link = view! { <a href=USAGE_PATH>{texts.get("overview.to_usage")}</a> };
        return sentence(
            visit,
            view! { <p class="muted">{texts.get("overview.no_traffic")} " " {link}</p> }.into_any(),
        );
    };
    let traffic = usage.cards.traffic.now;
    let counted = if known.to > usage.range.from {
        texts.fill("overview.counted_until", &[("time", &times.in_form(known.to, "overview.clock"))])
    } else {
        texts.fill("overview.counted_before", &[("time", &times.in_form(known.to, "chart.minute"))])
    };
    let at = usage
        .cards
        .peak_at
        .map(|at| texts.fill("usage.peak_at", &[("time", &point_label(times, at, "overview.clock"))]));
    let tile = |metric: Metric, label: &str, quantity: Quantity, value: i64, note: String| {
        let scale = quantity.scale(value);
        let query = [("slot", "1d".to_owned()), ("metric", metric.to_string())];
        view! {
            <a class="stat-card" href=format!("{USAGE_PATH}{}", encode(&query))>
                <span>{texts.get(label)}</span>
                <b>{scale.number(value)}<small>" "{scale.unit()}</small></b>
                <span>{note}</span>
            </a>
        }
    };
    let bytes = Quantity::Bytes(times.shown.base);
    view! {
        <section class="stat-cards" id="traffic" aria-label=texts.get("overview.traffic")>
            {tile(Metric::Traffic, "overview.traffic", bytes, traffic, counted.clone())}
            {tile(Metric::Bandwidth, "overview.peak", Quantity::Bandwidth, usage.cards.peak.now, at.unwrap_or(counted))}
        </section>
    }
    .into_any()
}

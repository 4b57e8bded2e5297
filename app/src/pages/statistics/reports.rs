//! Reports for exports: exactly what a page shows for the same address.

use callsheet::Console;
use callsheet::model::Actor;
use callsheet::stats::calendar::Calendar;
use callsheet::stats::{Granularity, Shown, Slot, SlotLabel, TranscodingView, UsageView};
use leptos::prelude::*;

use super::filter::{found, shown};
pub use super::report::{Cell, Column, Fact, Report, Table};
use super::{transcoding, usage};
use crate::error::UiError;
use crate::texts::Texts;
use crate::times::Times;

/// What `/statistics/usage?query` shows.
///
/// # Errors
/// What the page would say instead.
pub async fn usage(console: &Console, actor: &Actor, texts: Texts, query: &str) -> Result<Report, UiError> {
    let times = times(console, texts);
    let ask = usage::Filters::of_query(query).ask(&Calendar::new(times.zone.clone()), times.now / 1000);
    let ask = ask.map_err(|wrong| wrong.error(texts))?;
    let chosen = ask.domains.clone();
    let usage = found(console.stats.usage(actor, ask).await, texts)?.map_err(|wrong| wrong.error(texts))?;
    Ok(usage::report(&times, &chosen, &usage))
}

/// What `/statistics/transcoding?query` shows.
///
/// # Errors
/// What the page would say instead.
pub async fn transcoding(console: &Console, actor: &Actor, texts: Texts, query: &str) -> Result<Report, UiError> {
    let times = times(console, texts);
    let filters = transcoding::Filters::of_query(query);
    let ask = filters.ask(&Calendar::new(times.zone.clone()), times.now / 1000);
    let ask = ask.map_err(|wrong| wrong.error(texts))?;
    let view = found(console.stats.transcoding(actor, ask).await, texts)?.map_err(|wrong| wrong.error(texts))?;
    Ok(transcoding::report(&times, &filters, &view))
}

/// A view of usage as a report. `chosen`: the domains that were asked for.
#[must_use]
pub fn of_usage(console: &Console, texts: Texts, chosen: &[String], usage: &UsageView) -> Report {
    usage::report(&times(console, texts), chosen, usage)
}

/// A view of transcoding as a report. `chosen`: the domains that were asked for.
#[must_use]
pub fn of_transcoding(console: &Console, texts: Texts, chosen: Vec<String>, found: &TranscodingView) -> Report {
    transcoding::report(&times(console, texts), &transcoding::Filters::of_domains(chosen), found)
}

/// Points of exports are labelled by their start, always: who joins them with other figures needs one rule.
fn times(console: &Console, texts: Texts) -> Times {
    let shown = Shown { label: SlotLabel::Start, ..console.shown };
    Times { zone: console.zone.clone(), now: console.clock.now(), texts, shown }
}

/// Links to the exports. `href`: of `csv` and `xlsx`.
pub(super) fn links(texts: Texts, href: impl Fn(&str) -> String) -> AnyView {
    let links = ["csv", "xlsx"].map(|kind| {
        let name = kind.to_uppercase();
        view! { <a class="btn" href=href(kind) download="" title=texts.fill("statistics.export", &[("kind", &name)])>{name.clone()}</a> }
    });
    links.into_any()
}

/// `22 Nov 2026`, or `16 Nov 2026 – 22 Nov 2026`.
fn days(times: &Times, slot: Slot) -> String {
    let (first, last) =
        (times.in_form(slot.from, "statistics.day_form"), times.in_form(usage::last_of(slot), "statistics.day_form"));
    if first == last { first } else { format!("{first} – {last}") }
}

/// `2026-11-16-2026-11-22`
pub(super) fn days_of_name(times: &Times, slot: Slot) -> String {
    format!("{}-{}", times.in_form(slot.from, "chart.day"), times.in_form(usage::last_of(slot), "chart.day"))
}

fn points(texts: Texts, granularity: Granularity) -> String {
    texts.get(match granularity {
        Granularity::Minutes => "statistics.points_minutes",
        Granularity::Hour => "statistics.points_hour",
        Granularity::Day => "statistics.points_day",
    })
}

/// What all figures of a page are of.
pub(super) fn slot_line(times: &Times, slot: Slot, zone: &str, granularity: Granularity) -> AnyView {
    let up_to = (slot.to * 1000 > times.now).then(|| {
        let now = times.in_form(times.now / 1000, "statistics.time_form");
        format!(" · {}", times.texts.fill("statistics.up_to", &[("time", &now)]))
    });
    view! { <b>{days(times, slot)}</b> " · " {zone.to_owned()} " · " {points(times.texts, granularity)} {up_to} }
        .into_any()
}

/// The same as facts of an export.
pub(super) fn scope_facts(
    times: &Times,
    slot: Slot,
    zone: &str,
    granularity: Granularity,
    chosen: &[String],
) -> Vec<Fact> {
    let texts = times.texts;
    let domains: Vec<String> = chosen.iter().map(|domain| shown(texts, domain)).collect();
    let domains = if domains.is_empty() { texts.get("statistics.all") } else { domains.join(", ") };
    vec![
        Fact::new(texts.get("statistics.zone"), zone),
        Fact::new(texts.get("statistics.slot"), days(times, slot)),
        Fact::new(texts.get("statistics.points"), points(texts, granularity)),
        Fact::new(texts.get("statistics.domains"), domains),
    ]
}

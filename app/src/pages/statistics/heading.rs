//! The heading of a statistics page: time range, time zone, bin length and export links. Exports show the same as facts.

use callsheet::stats::{Granularity, TimeRange};
use leptos::prelude::*;

use super::filter::display_name;
use super::report::Fact;
use crate::texts::Texts;
use crate::times::Times;

/// Renders links to the exports. `href` returns the address for `csv` or `xlsx`.
pub(super) fn links(texts: Texts, href: impl Fn(&str) -> String) -> AnyView {
    let links = ["csv", "xlsx"].map(|kind| {
        let name = kind.to_uppercase();
        view! { <a class="btn" href=href(kind) download="" title=texts.fill("statistics.export", &[("kind", &name)])>{name.clone()}</a> }
    });
    links.into_any()
}

/// Returns a text such as `22 Nov 2026` or `16 Nov 2026 – 22 Nov 2026`.
fn days(times: &Times, range: TimeRange) -> String {
    let (first, last) =
        (times.in_form(range.from, "statistics.day_form"), times.in_form(range.to - 1, "statistics.day_form"));
    if first == last { first } else { format!("{first} – {last}") }
}

/// Returns the days for a file name, such as `2026-11-16-2026-11-22`.
pub(super) fn file_name_days(times: &Times, range: TimeRange) -> String {
    format!("{}-{}", times.in_form(range.from, "chart.day"), times.in_form(range.to - 1, "chart.day"))
}

fn bin_length(texts: Texts, granularity: Granularity) -> String {
    texts.get(match granularity {
        Granularity::Minutes => "statistics.points_minutes",
        Granularity::Hour => "statistics.points_hour",
        Granularity::Day => "statistics.points_day",
    })
}

/// Renders the line above the figures.
pub(super) fn range_line(times: &Times, range: TimeRange, zone: &str, granularity: Granularity) -> AnyView {
    let up_to = (range.to * 1000 > times.now).then(|| {
        let now = times.in_form(times.now / 1000, "statistics.time_form");
        format!(" · {}", times.texts.fill("statistics.up_to", &[("time", &now)]))
    });
    view! { <b>{days(times, range)}</b> " · " {zone.to_owned()} " · " {bin_length(times.texts, granularity)} {up_to} }
        .into_any()
}

/// Returns the same as facts of an export, and the domains.
pub(super) fn scope_facts(
    times: &Times,
    range: TimeRange,
    zone: &str,
    granularity: Granularity,
    selected: &[String],
) -> Vec<Fact> {
    let texts = times.texts;
    let domains: Vec<String> = selected.iter().map(|domain| display_name(texts, domain)).collect();
    let domains = if domains.is_empty() { texts.get("statistics.all") } else { domains.join(", ") };
    vec![
        Fact::new(texts.get("statistics.zone"), zone),
        Fact::new(texts.get("statistics.slot"), days(times, range)),
        Fact::new(texts.get("statistics.points"), bin_length(texts, granularity)),
        Fact::new(texts.get("statistics.domains"), domains),
    ]
}

//! `/statistics/usage`: traffic, bandwidth, storage and files.

use std::ops::Range;

use callsheet::model::Action;
use callsheet::stats::calendar::Calendar;
use callsheet::stats::{BIN_S, BinLabel, Change, Granularity, Metric, TrafficBase, UsageBin, UsageQuery, UsageView};
use leptos::prelude::*;

use super::cards::{self, Card};
use super::chart::{self, Chart, Shape};
use super::filter::{self, Pairs, Scope, display_name, found, values};
use super::report::{Cell, Column, Fact, Report, Table};
use super::{heading, setup};
use crate::components::Head;
use crate::context::Visit;
use crate::page::page;
use crate::query::{Fault, Mistakes};
use crate::texts::{Texts, number};
use crate::times::Times;
use crate::units::Quantity;

pub(crate) const PATH: &str = "/statistics/usage";

/// The query parameters.
#[derive(Debug, Clone)]
pub(super) struct Filters {
    scope: Scope,
    metric: Metric,
    /// Whether the chart also shows the previous range.
    compare: bool,
    /// Errors in `metric` and `compare`.
    wrong: Mistakes,
}

impl Filters {
    pub(super) fn of_query(query: &str) -> Self {
        let mut wrong = Mistakes::default();
        let value = |name| values(query, name).next().unwrap_or_default();
        let metric =
            wrong.read(("metric", "usage.figure"), Fault::Choice, &value("metric"), |typed| typed.parse().ok());
        let compare = |typed: &str| typed.parse().ok();
        let compare = wrong.read(("compare", "usage.compare"), Fault::Choice, &value("compare"), compare);
        Self {
            scope: Scope::of_query(query, "1d"),
            metric: metric.unwrap_or(Metric::Bandwidth),
            compare: compare.unwrap_or_default(),
            wrong,
        }
    }

    pub(super) fn ask(&self, calendar: &Calendar, now: i64) -> Result<UsageQuery, Mistakes> {
        let mut wrong = self.wrong.clone();
        let range = self.scope.range(calendar, now, &mut wrong);
        let domains = self.scope.domains.clone();
        wrong.or(UsageQuery { metric: self.metric, domains, range, granularity: None, compare: self.compare })
    }

    /// Returns the parameters besides the scope.
    fn others(&self) -> Pairs {
        let compare = self.compare.then(|| ("compare", "true".to_owned()));
        [("metric", self.metric.as_str().to_owned())].into_iter().chain(compare).collect()
    }

    fn address(&self, path: &str) -> String {
        filter::href(path, &self.scope, &self.others())
    }

    fn with_metric(&self, metric: Metric) -> Self {
        Self { metric, ..self.clone() }
    }

    fn with_domain(&self, domain: &str) -> Self {
        Self { scope: self.scope.with_domain(domain), ..self.clone() }
    }

    fn with_compare(&self, compare: bool) -> Self {
        Self { compare, ..self.clone() }
    }
}

#[component]
pub(crate) fn UsagePage() -> impl IntoView {
    page(|visit, actor, _| async move {
        let texts = visit.texts;
        let calendar = Calendar::new(visit.times.zone.clone());
        let filters = Filters::of_query(visit.address.split_once('?').map_or("", |(_, query)| query));
        let asked = match filters.ask(&calendar, visit.times.now / 1000) {
            Ok(query) => found(visit.console.stats.usage(&actor, query).await, texts)?,
            Err(wrong) => Err(wrong),
        };
        let (usage, wrong) = match asked {
            Ok(usage) => (Some(usage), Mistakes::default()),
            Err(wrong) => (None, wrong),
        };
        let form = filter::form(&visit, &actor, &wrong, PATH, &filters.scope, &filters.others()).await?;
        let Some(usage) = usage else { return Ok(filter::refused(texts, &wrong, "usage.title", form, PATH)) };
        // No traffic in this range and no data before it.
        let is_empty = usage.cards.traffic == Change::default();
        let has_storage = usage.cards.storage.now > 0 || matches!(usage.metric, Metric::Storage | Metric::Files);
        let report = report(&visit.times, &filters.scope.domains, &usage);
        let links = heading::links(texts, |kind| filters.address(&format!("{PATH}.{kind}")));
        Ok(view! {
            <Head title=texts.get("usage.title")>
                <span class="spacer"></span>
                {(has_storage || !is_empty).then_some(links)}
            </Head>
            {form}
            <p class="time-range">{heading::range_line(&visit.times, usage.range, &usage.zone, usage.granularity)}</p>
            {(has_storage || !is_empty).then(|| cards::row(texts, &cards(&visit.times, &usage)))}
            {is_empty.then(|| setup::usage(texts, actor.check(Action::AddStatistics).is_ok()))}
            {(has_storage || !is_empty).then(|| chart(&visit.times, &filters, &usage, &report.tables[0]))}
            {top(&visit, &filters, &usage)}
        }
        .into_any())
    })
}

fn cards(times: &Times, usage: &UsageView) -> [Card; 4] {
    let (texts, figures) = (times.texts, &usage.cards);
    let at_peak =
        figures.peak_at.map(|at| texts.fill("usage.peak_at", &[("time", &point_label(times, at, "chart.minute"))]));
    let bytes = Quantity::Bytes(times.shown.base);
    [
        Card::new(texts.get("usage.traffic"), bytes, figures.traffic),
        Card { note: at_peak, ..Card::new(texts.get("usage.peak"), Quantity::Bandwidth, figures.peak) },
        Card::new(texts.get("usage.storage"), bytes, figures.storage),
        Card::new(texts.get("usage.files"), Quantity::Files, figures.files),
    ]
}

/// Returns the label of a five-minute bin: the time of its start or its end, in the form of the catalog text `form`.
pub(crate) fn point_label(times: &Times, at: i64, form: &str) -> String {
    times.in_form(if times.shown.label == BinLabel::End { at + BIN_S } else { at }, form)
}

/// Returns a column title with the unit, if there is one.
fn titled(texts: Texts, key: &str, unit: &str) -> String {
    if unit.is_empty() { texts.get(key) } else { format!("{}, {unit}", texts.get(key)) }
}

const fn key_of(metric: Metric) -> &'static str {
    match metric {
        Metric::Traffic => "usage.traffic",
        Metric::Bandwidth => "usage.bandwidth",
        Metric::Storage => "usage.storage",
        Metric::Files => "usage.files",
    }
}

/// Returns all figures of the page. `selected`: the domains of the filter.
pub(super) fn report(times: &Times, selected: &[String], usage: &UsageView) -> Report {
    let texts = times.texts;
    let p95 = usage.cards.p95.map(|p95| Card::new(texts.get("usage.percentile"), Quantity::Bandwidth, p95));
    let mut facts = heading::scope_facts(times, usage.range, &usage.zone, usage.granularity, selected);
    facts.push(Fact::new(texts.get("usage.figure"), texts.get(key_of(usage.metric))));
    facts.push(Fact::new(
        texts.get("statistics.units"),
        texts.get(match times.shown.base {
            TrafficBase::Thousand => "usage.units",
            TrafficBase::Binary => "usage.units_binary",
        }),
    ));
    facts.extend(cards(times, usage).iter().chain(&p95).map(|card| card.fact(texts)));
    Report {
        name: format!("usage-{}-{}", usage.metric, heading::file_name_days(times, usage.range)),
        title: texts.get("usage.title"),
        facts,
        tables: vec![bins(times, usage), top_table(texts, usage)],
    }
}

fn bins(times: &Times, usage: &UsageView) -> Table {
    let (texts, quantity) = (times.texts, Quantity::of(usage.metric, times.shown.base));
    let scale = quantity.scale(highest(usage));
    let exact = (!scale.is_whole()).then(|| quantity.scale(0));
    let key = key_of(usage.metric);
    // A day is always labelled with its date.
    let of_end = times.shown.label == BinLabel::End && usage.granularity != Granularity::Day;
    let side = if of_end { "statistics.end" } else { "statistics.start" };
    let starts = Calendar::new(times.zone.clone()).starts(usage.range, usage.granularity);
    let ends = starts.into_iter().skip(1).chain([usage.range.to]);
    let mut columns = vec![
        Column::new(format!("{} ({})", texts.get(side), usage.zone)),
        Column::drawn(titled(texts, key, scale.unit()), 1),
    ];
    columns.extend(exact.map(|exact| Column::new(titled(texts, key, exact.unit()))));
    if !usage.before.is_empty() {
        columns.push(Column::drawn(titled(texts, "usage.previous", scale.unit()), 2));
    }
    let form = if usage.granularity == Granularity::Day { "chart.day" } else { "chart.minute" };
    let rows = usage.bins.iter().zip(ends).enumerate().map(|(index, (bin, end))| {
        let at = if of_end { end } else { bin.at };
        let time = Cell::Time { at, text: times.in_form(at, form) };
        let mut row = vec![time, Cell::of(scale, bin.value)];
        row.extend(exact.map(|_| Cell::Whole(bin.value)));
        // A day of 25 hours has bins without counterpart in the previous day.
        row.extend(usage.before.get(index).map(|before| Cell::of(scale, before.value)));
        row
    });
    Table { title: texts.get(key), columns, rows: rows.collect() }
}

fn highest(usage: &UsageView) -> i64 {
    usage.bins.iter().map(|bin| bin.value).max().unwrap_or(0)
}

/// Returns the bins to draw: those with complete data. The current hour or day would look like a decline, so it is drawn only if it is
/// already the highest.
fn drawn(times: &Times, usage: &UsageView) -> Range<usize> {
    let Some(known) = usage.known else { return 0..0 };
    let bins = &usage.bins;
    let starts = Calendar::new(times.zone.clone()).starts(usage.range, usage.granularity);
    let first = bins.partition_point(|bin| bin.at < known.from);
    let complete = starts.iter().skip(1).chain([&usage.range.to]).take_while(|end| **end <= known.to).count();
    let highest = bins.iter().rposition(|bin| bin.value > 0 && bin.value == highest(usage));
    first..complete.max(highest.map_or(0, |place| place + 1)).min(bins.len())
}

fn chart(times: &Times, filters: &Filters, usage: &UsageView, table: &Table) -> AnyView {
    let texts = times.texts;
    let scale = Quantity::of(usage.metric, times.shown.base).scale(highest(usage));
    let tabs = [Metric::Bandwidth, Metric::Traffic, Metric::Storage, Metric::Files].map(|metric| {
        let current = (metric == usage.metric).then_some("true");
        let href = filters.with_metric(metric).address(PATH);
        view! { <a href=href aria-current=current>{texts.get(key_of(metric))}</a> }
    });
    let is_bandwidth = usage.metric == Metric::Bandwidth;
    let named = |key: &str, value: i64| format!("{} {}", texts.get(key), scale.text(value));
    let p95 = usage.cards.p95.filter(|_| is_bandwidth).map(|p95| p95.now);
    let level = p95.filter(|p95| *p95 > 0).map(|p95| (p95, named("usage.percentile", p95)));
    let highest = highest(usage);
    let drawn = drawn(times, usage);
    let some = |bins: Option<&[UsageBin]>| bins.unwrap_or_default().iter().any(|bin| bin.value > 0);
    let empty = !some(usage.bins.get(drawn.clone())) && !some(Some(&usage.before));
    let chart = Chart {
        shape: Shape::Line,
        table,
        scale,
        zone: &usage.zone,
        level,
        drawn: drawn.clone(),
        peak: (highest > 0).then(|| named(if is_bandwidth { "usage.peak_mark" } else { "usage.highest" }, highest)),
    };
    let said = p95.map(|p95| {
        view! { <p><span class="legend-line" aria-hidden="true"></span>{texts.get("usage.percentile")} " " <b>{Quantity::Bandwidth.text(p95)}</b></p> }
    });
    let compare = texts.get(if filters.compare { "usage.hide_comparison" } else { "usage.compare" });
    let compare =
        view! { <a class="btn small" href=filters.with_compare(!filters.compare).address(PATH)>{compare}</a> };
    view! {
        <section class="card" id="chart">
            <header>
                <h2 class="visually-hidden">{texts.get(key_of(usage.metric))}</h2>
                <nav class="segmented" aria-label=texts.get("usage.figure")>{tabs}</nav>
                {compare}
                <span class="spacer"></span>
                {said}
            </header>
            <div class="body">{if empty { chart::nothing(texts) } else { chart.view(texts) }}</div>
        </section>
    }
    .into_any()
}

/// Returns a share in thousandths, rounded half up.
fn share(part: i64, whole: i64) -> i64 {
    let (part, whole) = (i128::from(part), i128::from(whole.max(1)));
    i64::try_from((part * 2000 + whole) / (2 * whole)).unwrap_or(1000)
}

fn top_table(texts: Texts, usage: &UsageView) -> Table {
    let columns = [
        texts.get("usage.domain"),
        titled(texts, "usage.traffic", "B"),
        texts.get("usage.share"),
        titled(texts, "usage.peak", "bps"),
        texts.get("usage.requests"),
    ];
    let rows = usage.top.iter().map(|top| {
        vec![
            Cell::Text(display_name(texts, &top.domain)),
            Cell::Whole(top.traffic),
            Cell::Share(share(top.traffic, usage.cards.traffic.now)),
            Cell::Whole(top.peak),
            Cell::Whole(top.requests),
        ]
    });
    Table {
        title: texts.get("usage.top"),
        columns: columns.into_iter().map(Column::new).collect(),
        rows: rows.collect(),
    }
}

fn top(visit: &Visit, filters: &Filters, usage: &UsageView) -> AnyView {
    let texts = visit.texts;
    if usage.top.is_empty() {
        return ().into_any();
    }
    let label = |key: &str| texts.get(key);
    let rows: Vec<_> = usage
        .top
        .iter()
        .map(|top| {
            let href = filters.with_domain(&top.domain).address(PATH);
            let share = share(top.traffic, usage.cards.traffic.now);
            view! {
                <tr>
                    <th scope="row"><a href=href>{display_name(texts, &top.domain)}</a></th>
                    <td class="numeric" data-label=label("usage.traffic")>{Quantity::Bytes(visit.times.shown.base).text(top.traffic)}</td>
                    <td class="numeric" data-label=label("usage.share")>
                        {format!("{}.{}\u{a0}%", share / 10, share % 10)}
                        <svg class="share-bar" viewBox="0 0 1000 1" preserveAspectRatio="none" aria-hidden="true">
                            <rect width=share height="1"></rect>
                        </svg>
                    </td>
                    <td class="numeric" data-label=label("usage.peak")>{Quantity::Bandwidth.text(top.peak)}</td>
                    <td class="numeric" data-label=label("usage.requests")>{number(top.requests)}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <section class="card" id="top">
            <header><h2>{texts.get("usage.top")}</h2> <p>{texts.get("usage.top_by")}</p></header>
            <table class="table">
                <thead><tr>
                    <th scope="col">{label("usage.domain")}</th>
                    <th scope="col" class="numeric">{label("usage.traffic")}</th>
                    <th scope="col" class="numeric">{label("usage.share")}</th>
                    <th scope="col" class="numeric">{label("usage.peak")}</th>
                    <th scope="col" class="numeric">{label("usage.requests")}</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

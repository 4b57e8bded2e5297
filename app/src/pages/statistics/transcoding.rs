//! `/statistics/transcoding`: minutes and files by codec and resolution.

use callsheet::stats::calendar::Calendar;
use callsheet::stats::{Change, Codec, Granularity, Resolution, TranscodingCell, TranscodingQuery, TranscodingView};
use leptos::prelude::*;

use super::cards::{self, Card};
use super::chart::{self, Chart, Shape};
use super::filter::{self, Pairs, Scope, values};
use super::report::{Cell, Column, Fact, Report, Table};
use super::{heading, setup};
use crate::components::{Choice, Head, Select};
use crate::page::page;
use crate::query::{Fault, Mistakes};
use crate::texts::Texts;
use crate::times::Times;
use crate::units::{Quantity, hundredths};

const PATH: &str = "/statistics/transcoding";
/// Maximum number of series in the chart. Further kinds are summed in the last series.
const MAX_SERIES: usize = 8;

/// The quantity that the chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Minutes,
    Files,
}

impl Measure {
    const ALL: [Self; 2] = [Self::Minutes, Self::Files];

    /// Returns the value of the query parameter.
    const fn word(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Files => "files",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Minutes => "transcoding.minutes",
            Self::Files => "transcoding.files",
        }
    }

    const fn quantity(self) -> Quantity {
        match self {
            Self::Minutes => Quantity::Minutes,
            Self::Files => Quantity::Files,
        }
    }

    const fn of(self, cell: &TranscodingCell) -> i64 {
        match self {
            Self::Minutes => cell.centiminutes,
            Self::Files => cell.files,
        }
    }
}

/// A codec and a resolution class.
type Kind = (Codec, Resolution);

const fn kind_of(cell: &TranscodingCell) -> Kind {
    (cell.codec, cell.resolution)
}

/// Returns the value of the query parameter, such as `H.264 SD`.
fn word((codec, resolution): Kind) -> String {
    format!("{codec} {resolution}")
}

fn kind_of_word(text: &str) -> Option<Kind> {
    let (codec, resolution) = text.split_once(' ')?;
    Some((codec.parse().ok()?, resolution.parse().ok()?))
}

fn codec_name(texts: Texts, codec: Codec) -> String {
    texts.word("codec", codec.as_str())
}

fn resolution_name(texts: Texts, resolution: Resolution) -> String {
    texts.word("resolution", resolution.as_str())
}

fn kind_name(texts: Texts, (codec, resolution): Kind) -> String {
    format!("{} {}", codec_name(texts, codec), resolution_name(texts, resolution))
}

/// The query parameters.
pub(super) struct Filters {
    scope: Scope,
    measure: Measure,
    /// The kind that the chart shows; `None`: all.
    kind: Option<Kind>,
    /// Errors in `metric` and `kind`.
    wrong: Mistakes,
}

impl Filters {
    pub(super) fn of_query(query: &str) -> Self {
        let mut wrong = Mistakes::default();
        let value = |name| values(query, name).next().unwrap_or_default();
        let measure = |word: &str| Measure::ALL.into_iter().find(|m| m.word() == word);
        let measure = wrong.read(("metric", "usage.figure"), Fault::Choice, &value("metric"), measure);
        let kind = wrong.read(("kind", "transcoding.kind"), Fault::Choice, &value("kind"), kind_of_word);
        Self { scope: Scope::of_query(query, "30d"), measure: measure.unwrap_or(Measure::Minutes), kind, wrong }
    }

    /// Returns filters for all kinds, in minutes.
    pub(super) fn of_domains(domains: Vec<String>) -> Self {
        let mut scope = Scope::of_query("", "30d");
        scope.domains = domains;
        Self { scope, measure: Measure::Minutes, kind: None, wrong: Mistakes::default() }
    }

    pub(super) fn ask(&self, calendar: &Calendar, now: i64) -> Result<TranscodingQuery, Mistakes> {
        let mut wrong = self.wrong.clone();
        let range = self.scope.range(calendar, now, &mut wrong);
        wrong.or(TranscodingQuery { domains: self.scope.domains.clone(), range, codec: None, resolution: None })
    }

    fn others(&self, measure: Measure) -> Pairs {
        vec![("metric", measure.word().to_owned()), ("kind", self.kind.map(word).unwrap_or_default())]
    }

    fn address(&self, path: &str) -> String {
        filter::href(path, &self.scope, &self.others(self.measure))
    }
}

#[component]
pub(crate) fn TranscodingPage() -> impl IntoView {
    page(|visit, actor, _| async move {
        let texts = visit.texts;
        let calendar = Calendar::new(visit.times.zone.clone());
        let filters = Filters::of_query(visit.address.split_once('?').map_or("", |(_, query)| query));
        let asked = match filters.ask(&calendar, visit.times.now / 1000) {
            Ok(query) => filter::found(visit.console.stats.transcoding(&actor, query).await, texts)?,
            Err(wrong) => Err(wrong),
        };
        let (found, wrong) = match asked {
            Ok(found) => (Some(found), Mistakes::default()),
            Err(wrong) => (None, wrong),
        };
        let others = filters.others(filters.measure);
        let form = filter::form(&visit, &actor, &wrong, PATH, &filters.scope, &others).await?;
        let Some(found) = found else { return Ok(filter::refused(texts, &wrong, "transcoding.title", form, PATH)) };
        // No outputs in this range and no data before it.
        let is_empty = found.centiminutes == Change::default() && found.failed == Change::default();
        let report = report(&visit.times, &filters, &found);
        let links = heading::links(texts, |kind| filters.address(&format!("{PATH}.{kind}")));
        Ok(view! {
            <Head title=texts.get("transcoding.title")>
                <span class="spacer"></span>
                {(!is_empty).then_some(links)}
            </Head>
            {form}
            <p class="time-range">{heading::range_line(&visit.times, found.range, &found.zone, Granularity::Day)}</p>
            {(!is_empty).then(|| cards::row(texts, &cards(texts, &found)))}
            {match (is_empty, found.matrix.is_empty()) {
                (true, _) => setup::transcoding(texts),
                (false, true) => view! { <section class="card">{chart::nothing(texts)}</section> }.into_any(),
                (false, false) => view! {
                    {matrix(texts, &found)}
                    {chart(texts, &filters, &found, &report.tables[1])}
                }
                .into_any(),
            }}
        }
        .into_any())
    })
}

fn cards(texts: Texts, found: &TranscodingView) -> [Card; 3] {
    [
        Card::new(texts.get("transcoding.minutes"), Quantity::Minutes, found.centiminutes),
        Card::new(texts.get("transcoding.files"), Quantity::Files, found.files),
        Card::new(texts.get("transcoding.failed"), Quantity::Files, found.failed),
    ]
}

/// Returns all figures of the page: the matrix, then the days.
pub(super) fn report(times: &Times, filters: &Filters, found: &TranscodingView) -> Report {
    let texts = times.texts;
    let mut facts = heading::scope_facts(times, found.range, &found.zone, Granularity::Day, &filters.scope.domains);
    facts.push(Fact::new(texts.get("transcoding.chart_of"), chart_of(texts, filters)));
    facts.push(Fact::new(texts.get("statistics.units"), texts.get("transcoding.units")));
    facts.extend(cards(texts, found).iter().map(|card| card.fact(texts)));
    Report {
        name: format!("transcoding-{}", heading::file_name_days(times, found.range)),
        title: texts.get("transcoding.title"),
        facts,
        tables: vec![matrix_table(texts, found), days_table(times, filters, found)],
    }
}

fn chart_of(texts: Texts, filters: &Filters) -> String {
    let kind = filters.kind.map_or_else(|| texts.get("transcoding.all_kinds"), |kind| kind_name(texts, kind));
    format!("{}, {kind}", texts.get(filters.measure.key()))
}

fn matrix_table(texts: Texts, found: &TranscodingView) -> Table {
    let keys = ["transcoding.codec", "transcoding.resolution", "transcoding.minutes", "transcoding.files"];
    let minutes = Quantity::Minutes.scale(0);
    let rows = found.matrix.iter().map(|cell| {
        vec![
            Cell::Text(codec_name(texts, cell.codec)),
            Cell::Text(resolution_name(texts, cell.resolution)),
            Cell::of(minutes, cell.centiminutes),
            Cell::Whole(cell.files),
        ]
    });
    Table {
        title: texts.get("transcoding.matrix"),
        columns: keys.map(|key| Column::new(texts.get(key))).into(),
        rows: rows.collect(),
    }
}

/// Returns the kinds with their own series, largest first, and whether there are others.
fn drawn(filters: &Filters, found: &TranscodingView) -> (Vec<Kind>, bool) {
    if let Some(kind) = filters.kind {
        return (vec![kind], false);
    }
    let mut cells: Vec<_> = found.matrix.iter().collect();
    cells.sort_by_key(|cell| std::cmp::Reverse(filters.measure.of(cell)));
    let others = cells.len() > MAX_SERIES;
    let each = if others { MAX_SERIES - 1 } else { MAX_SERIES };
    (cells.into_iter().take(each).map(kind_of).collect(), others)
}

fn days_table(times: &Times, filters: &Filters, found: &TranscodingView) -> Table {
    let (texts, measure) = (times.texts, filters.measure);
    let scale = measure.quantity().scale(0);
    let (kinds, others) = drawn(filters, found);
    let all = filters.kind.is_none();
    let mut columns = vec![Column::new(format!("{} ({})", texts.get("statistics.day"), found.zone))];
    let names = kinds.iter().map(|kind| kind_name(texts, *kind)).chain(others.then(|| texts.get("transcoding.others")));
    columns.extend(names.zip(1..).map(|(name, series)| Column::drawn(name, series)));
    columns.extend(all.then(|| Column::new(texts.get("transcoding.total"))));
    let rows = found.days.iter().map(|day| {
        let of = |kind: Kind| day.cells.iter().filter(|cell| kind_of(cell) == kind).map(|cell| measure.of(cell)).sum();
        let each: Vec<i64> = kinds.iter().map(|kind| of(*kind)).collect();
        let total: i64 = day.cells.iter().map(|cell| measure.of(cell)).sum();
        let rest = total - each.iter().sum::<i64>();
        let figures = each.into_iter().chain(others.then_some(rest)).chain(all.then_some(total));
        let day = Cell::Time { at: day.at, text: times.in_form(day.at, "chart.day") };
        std::iter::once(day).chain(figures.map(|figure| Cell::of(scale, figure))).collect()
    });
    Table { title: chart_of(texts, filters), columns, rows: rows.collect() }
}

/// Renders the matrix of codecs and resolution classes. Each cell shows minutes above files.
fn matrix(texts: Texts, found: &TranscodingView) -> AnyView {
    let has = |test: &dyn Fn(&TranscodingCell) -> bool| found.matrix.iter().any(test);
    let codecs: Vec<Codec> = Codec::ALL.iter().copied().filter(|codec| has(&|cell| cell.codec == *codec)).collect();
    let classes: Vec<Resolution> =
        Resolution::ALL.iter().copied().filter(|class| has(&|cell| cell.resolution == *class)).collect();
    let sum = |test: &dyn Fn(&TranscodingCell) -> bool| {
        let cells = found.matrix.iter().filter(|cell| test(cell));
        cells.fold((0, 0), |(minutes, files), cell| (minutes + cell.centiminutes, files + cell.files))
    };
    let show = |(minutes, files): (i64, i64)| {
        if files == 0 {
            return view! { <span class="muted">"–"</span> }.into_any();
        }
        view! { {hundredths(minutes)}<span class="secondary">{texts.count("transcoding.n_files", files)}</span> }
            .into_any()
    };
    let total = texts.get("transcoding.total");
    let rows: Vec<_> = codecs
        .iter()
        .map(|codec| {
            let cells = classes.iter().map(|class| {
                let cell = show(sum(&|cell| cell.codec == *codec && cell.resolution == *class));
                view! { <td class="numeric" data-label=resolution_name(texts, *class)>{cell}</td> }
            });
            view! {
                <tr>
                    <th scope="row">{codec_name(texts, *codec)}</th>
                    {cells.collect::<Vec<_>>()}
                    <td class="numeric total" data-label=total.clone()>{show(sum(&|cell| cell.codec == *codec))}</td>
                </tr>
            }
        })
        .collect();
    let sums: Vec<_> = classes
        .iter()
        .map(|class| {
            view! { <td class="numeric" data-label=resolution_name(texts, *class)>{show(sum(&|cell| cell.resolution == *class))}</td> }
        })
        .collect();
    let heads: Vec<_> = classes
        .iter()
        .map(|class| view! { <th scope="col" class="numeric">{resolution_name(texts, *class)}</th> })
        .collect();
    view! {
        <section class="card" id="matrix">
            <header><h2>{texts.get("transcoding.matrix")}</h2> <p>{texts.get("transcoding.matrix_of")}</p></header>
            <table class="table matrix">
                <thead><tr>
                    <th scope="col">{texts.get("transcoding.codec")}</th>
                    {heads}
                    <th scope="col" class="numeric">{total.clone()}</th>
                </tr></thead>
                <tbody>
                    {rows}
                    <tr class="total">
                        <th scope="row">{total.clone()}</th>
                        {sums}
                        <td class="numeric total" data-label=total>{show(sum(&|_| true))}</td>
                    </tr>
                </tbody>
            </table>
        </section>
    }
    .into_any()
}

fn chart(texts: Texts, filters: &Filters, found: &TranscodingView, table: &Table) -> AnyView {
    let tabs = Measure::ALL.map(|measure| {
        let current = (measure == filters.measure).then_some("true");
        let href = filter::href(PATH, &filters.scope, &filters.others(measure));
        view! { <a href=href aria-current=current>{texts.get(measure.key())}</a> }
    });
    let all = Choice { value: String::new(), text: texts.get("transcoding.all_kinds") };
    let mut kinds: Vec<Kind> = found.matrix.iter().map(kind_of).chain(filters.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let kinds = kinds.into_iter().map(|kind| Choice { value: word(kind), text: kind_name(texts, kind) });
    let choices = std::iter::once(all).chain(kinds).collect();
    let mut kept = filters.scope.pairs();
    kept.push(("metric", filters.measure.word().to_owned()));
    let kept: Vec<_> =
        kept.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect();
    let chart = Chart {
        shape: Shape::Bars,
        table,
        scale: filters.measure.quantity().scale(0),
        zone: &found.zone,
        drawn: 0..table.rows.len(),
        level: None,
        peak: None,
    };
    view! {
        <section class="card" id="chart">
            <header>
                <h2 class="visually-hidden">{texts.get("transcoding.by_day")}</h2>
                <nav class="segmented" aria-label=texts.get("usage.figure")>{tabs}</nav>
                <span class="spacer"></span>
                <form class="series-form" method="get" action=format!("{PATH}#chart")>
                    {kept}
                    <Select name="kind" label=texts.get("transcoding.kind") value=filters.kind.map(word).unwrap_or_default() choices/>
                    <button class="btn">{texts.get("statistics.show")}</button>
                </form>
            </header>
            <div class="body">{chart.view(texts)}</div>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_written_and_parsed_unchanged() {
        for codec in Codec::ALL {
            for class in Resolution::ALL {
                assert_eq!(kind_of_word(&word((*codec, *class))), Some((*codec, *class)));
            }
        }
        assert_eq!(kind_of_word("H.264"), None);
        assert_eq!(kind_of_word("H.266 SD"), None);
    }
}

//! A chart and the table that it is drawn from.
//!
//! The server writes the table; `public/chart/chart.js` reads it and draws the same numbers. Without script, and for screen readers, the table
//! is what there is.

use leptos::nonce::use_nonce;
use leptos::prelude::*;

use super::report::{Cell, Column, Table};
use crate::texts::Texts;
use crate::units::Scale;

/// How a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One series as a line.
    Line,
    /// Series on top of each other, a bar for each day.
    Bars,
}

/// What a chart has beside its table.
pub(super) struct Chart<'a> {
    pub(super) shape: Shape,
    /// Its columns that are series are drawn.
    pub(super) table: &'a Table,
    pub(super) scale: Scale,
    /// IANA name.
    pub(super) zone: &'a str,
    /// The last point has not ended.
    pub(super) running: bool,
    /// A line across: its height, and what it is.
    pub(super) level: Option<(i64, String)>,
    /// The highest point is marked with this.
    pub(super) peak: Option<String>,
}

impl Chart<'_> {
    pub(super) fn view(&self, texts: Texts) -> AnyView {
        let shape = match self.shape {
            Shape::Line => "line",
            Shape::Bars => "bars",
        };
        let series = self.table.columns.iter().filter_map(|column| Some((column.series?, column.title.clone())));
        let legend: Vec<_> = series
            .map(|(series, title)| {
                view! { <li data-series=series><span class=format!("swatch series-{series}")></span>{title} " " <b></b></li> }
            })
            .collect();
        let (level, level_text) = self.level.clone().unzip();
        view! {
            <figure class="chart" data-chart=shape data-one=self.scale.one() data-zone=self.zone.to_owned() data-lang=texts.0.tag()
                data-running=self.running.then_some("") data-level=level data-level-text=level_text data-peak-text=self.peak.clone()>
                <figcaption>
                    <p class="moment">{texts.get("chart.hint")}</p>
                    <ul class="legend">{legend}</ul>
                    <button type="button" class="btn small" data-whole hidden>{texts.get("chart.whole")}</button>
                </figcaption>
                <div class="plot" role="img" aria-label=texts.fill("chart.label", &[("title", &self.table.title)])></div>
                <noscript><p class="muted">{texts.get("chart.no_script")}</p></noscript>
                <details class="more">
                    <summary>{texts.get("chart.as_table")}</summary>
                    {table(self.table)}
                </details>
            </figure>
            <script defer nonce=use_nonce() src="/chart/uplot-1.6.32.min.js"></script>
            <script type="module" nonce=use_nonce() src="/chart/chart.js"></script>
        }
        .into_any()
    }
}

/// A table of figures. Series and moments carry their exact values for the chart.
pub(super) fn table(table: &Table) -> AnyView {
    let head = |column: &Column| view! { <th scope="col" data-series=column.series>{column.title.clone()}</th> };
    let heads: Vec<_> = table.columns.iter().map(head).collect();
    let rows: Vec<_> =
        table.rows.iter().map(|row| view! { <tr>{row.iter().map(cell).collect::<Vec<_>>()}</tr> }).collect();
    view! {
        <div class="figures" role="region" tabindex="0" aria-label=table.title.clone()>
            <table>
                <thead><tr>{heads}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn cell(cell: &Cell) -> AnyView {
    match cell {
        Cell::Text(text) => view! { <th scope="row">{text.clone()}</th> }.into_any(),
        Cell::Time { at, text } => view! { <th scope="row" data-at=*at>{text.clone()}</th> }.into_any(),
        Cell::Whole(exact) | Cell::Decimal { exact, .. } => {
            view! { <td data-exact=*exact>{cell.text()}</td> }.into_any()
        }
    }
}

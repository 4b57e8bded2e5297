//! A chart and its table.
//!
//! The server writes the bins as JSON for `public/chart/chart.js`, and as a table for browsers without script and for screen readers. Browsers
//! with script keep the table as text until it is opened, because a month of rows costs more than its chart.

use std::ops::Range;

use html_escape::{encode_double_quoted_attribute, encode_text};
use leptos::nonce::use_nonce;
use leptos::prelude::*;

use super::report::{Cell, Table};
use crate::assets::AssetUrls;
use crate::texts::Texts;
use crate::units::Scale;

/// Type of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A line.
    Line,
    /// Stacked bars, one for each day.
    Bars,
}

/// A table and how to draw it.
pub(super) struct Chart<'a> {
    pub(super) shape: Shape,
    /// Columns with a series are drawn.
    pub(super) table: &'a Table,
    pub(super) scale: Scale,
    /// IANA name of the time zone.
    pub(super) zone: &'a str,
    /// The rows for which the first series is drawn. The others have no data yet, and must not appear as 0.
    pub(super) drawn: Range<usize>,
    /// A horizontal line: its value and label.
    pub(super) level: Option<(i64, String)>,
    /// Label of the highest bin.
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
        let script = expect_context::<AssetUrls>().chart;
        view! {
            <figure class="chart" data-chart=shape data-one=self.scale.one() data-zone=self.zone.to_owned() data-lang=texts.0.tag()
                data-level=level data-level-text=level_text data-peak-text=self.peak.clone()>
                <figcaption>
                    <p class="timestamp">{texts.get("chart.hint")}</p>
                    <ul class="legend">{legend}</ul>
                    <button type="button" class="btn small" data-whole hidden>{texts.get("chart.reset_zoom")}</button>
                </figcaption>
                <div class="plot" role="img" aria-label=texts.fill("chart.label", &[("title", &self.table.title)])></div>
                <noscript><p class="muted">{texts.get("chart.no_script")}</p></noscript>
                <script type="application/json" inner_html=bins(self.table, &self.drawn)></script>
                <details class="disclosure">
                    <summary>{texts.get("chart.as_table")}</summary>
                    <noscript class="rows" inner_html=table(self.table)></noscript>
                </details>
            </figure>
            <script type="module" nonce=use_nonce() src=script></script>
        }
        .into_any()
    }
}

/// Renders a message instead of a chart without data.
pub(super) fn nothing(texts: Texts) -> AnyView {
    view! { <div class="empty-state"><p><strong>{texts.get("chart.empty")}</strong></p><p>{texts.get("chart.empty_text")}</p></div> }
        .into_any()
}

/// Returns times and exact values as JSON: `{"at":[…],"series":[[…],…]}`. Values without data are null.
fn bins(table: &Table, known: &Range<usize>) -> String {
    let at = table.rows.iter().filter_map(|row| match row.first() {
        Some(Cell::Time { at, .. }) => Some(*at),
        _ => None,
    });
    let drawn = (0..table.columns.len()).filter(|column| table.columns[*column].series.is_some());
    let exact = |column: usize| table.rows.iter().map(move |row| row.get(column).and_then(Cell::exact));
    let mut series: Vec<Vec<_>> = drawn.map(|column| exact(column).collect()).collect();
    for (place, value) in series.iter_mut().take(1).flatten().enumerate() {
        *value = value.filter(|_| known.contains(&place));
    }
    serde_json::json!({ "at": at.collect::<Vec<_>>(), "series": series }).to_string()
}

/// Renders the table to a string, because hundreds of rows as view elements would take most of the time of a page. The closing tags of rows and
/// cells, which HTML allows to omit, would be a quarter of the text.
fn table(table: &Table) -> String {
    let mut html = String::with_capacity(1024 + table.rows.len() * 128);
    let title = encode_double_quoted_attribute(&table.title);
    let start = "<div class=\"chart-table\" role=\"region\" tabindex=\"0\" aria-label=\"";
    html.extend([start, &*title, "\"><table><thead><tr>"]);
    for column in &table.columns {
        let series = column.series.map(|series| format!(" data-series=\"{series}\""));
        let start = format!("<th scope=\"col\"{}>", series.unwrap_or_default());
        html.extend([&start, &*encode_text(&column.title), "</th>"]);
    }
    html.push_str("</tr></thead><tbody>");
    for row in &table.rows {
        html.push_str("<tr>");
        for cell in row {
            let start = match cell {
                Cell::Text(_) | Cell::Time { .. } => "<th scope=row>",
                Cell::Whole(_) | Cell::Share(_) | Cell::Decimal { .. } => "<td>",
            };
            html.extend([start, &*encode_text(&cell.text())]);
        }
    }
    html.push_str("</tbody></table></div>");
    html
}

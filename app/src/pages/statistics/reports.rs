//! Reports for exports, with the same figures as the page with the same query string.

use callsheet::Console;
use callsheet::model::Actor;
use callsheet::stats::calendar::Calendar;
use callsheet::stats::{BinLabel, FigureFormat, TranscodingView, UsageView};

use super::filter::found;
pub use super::report::{Cell, Column, Fact, Report, Table};
use super::{transcoding, usage};
use crate::error::UiError;
use crate::texts::Texts;
use crate::times::Times;

/// Returns the report of `/statistics/usage?query`.
///
/// # Errors
/// The error that the page would show.
pub async fn usage(console: &Console, actor: &Actor, texts: Texts, query: &str) -> Result<Report, UiError> {
    let times = times(console, texts);
    let ask = usage::Filters::of_query(query).ask(&Calendar::new(times.zone.clone()), times.now / 1000);
    let ask = ask.map_err(|wrong| wrong.error(texts))?;
    let selected = ask.domains.clone();
    let usage = found(console.stats.usage(actor, ask).await, texts)?.map_err(|wrong| wrong.error(texts))?;
    Ok(usage::report(&times, &selected, &usage))
}

/// Returns the report of `/statistics/transcoding?query`.
///
/// # Errors
/// The error that the page would show.
pub async fn transcoding(console: &Console, actor: &Actor, texts: Texts, query: &str) -> Result<Report, UiError> {
    let times = times(console, texts);
    let filters = transcoding::Filters::of_query(query);
    let ask = filters.ask(&Calendar::new(times.zone.clone()), times.now / 1000);
    let ask = ask.map_err(|wrong| wrong.error(texts))?;
    let view = found(console.stats.transcoding(actor, ask).await, texts)?.map_err(|wrong| wrong.error(texts))?;
    Ok(transcoding::report(&times, &filters, &view))
}

/// Converts a view of usage to a report. `selected`: the requested domains.
#[must_use]
pub fn of_usage(console: &Console, texts: Texts, selected: &[String], usage: &UsageView) -> Report {
    usage::report(&times(console, texts), selected, usage)
}

/// Converts a view of transcoding to a report. `selected`: the requested domains.
#[must_use]
pub fn of_transcoding(console: &Console, texts: Texts, selected: Vec<String>, found: &TranscodingView) -> Report {
    transcoding::report(&times(console, texts), &transcoding::Filters::of_domains(selected), found)
}

/// Exports always label bins with their start, so that scripts can join them with other data.
fn times(console: &Console, texts: Texts) -> Times {
    let shown = FigureFormat { label: BinLabel::Start, ..console.shown };
    Times { zone: console.zone.clone(), now: console.clock.now(), texts, shown }
}

//! The figures at the top of a page, each with its change from the previous range.

use callsheet::stats::Change;
use leptos::prelude::*;

use super::report::{Cell, Fact};
use crate::texts::{Texts, number};
use crate::units::Quantity;

/// A figure of the range with its label.
pub(super) struct Card {
    pub(super) label: String,
    pub(super) quantity: Quantity,
    pub(super) figure: Change,
    /// Additional text, such as the time of a peak.
    pub(super) note: Option<String>,
}

impl Card {
    pub(super) fn new(label: String, quantity: Quantity, figure: Change) -> Self {
        Self { label, quantity, figure, note: None }
    }

    /// Returns a fact of an export, such as `12.84 TB (+6.1 %)`.
    pub(super) fn fact(&self, texts: Texts) -> Fact {
        let change = change(self.figure).map(|change| format!("{change} {}", texts.get("statistics.vs_previous")));
        let notes: Vec<String> = self.note.clone().into_iter().chain(change).collect();
        let value = self.quantity.text(self.figure.now);
        let text = if notes.is_empty() { value } else { format!("{value} ({})", notes.join(", ")) };
        let scale = self.quantity.scale(0);
        let figure = Some((Cell::of(scale, self.figure.now), scale.unit()));
        Fact { figure, ..Fact::new(self.label.clone(), text) }
    }

    fn view(&self, texts: Texts) -> AnyView {
        let scale = self.quantity.scale(self.figure.now);
        let unit = scale.unit();
        let unit = (!unit.is_empty()).then(|| view! { <small>" "{unit}</small> });
        let note = self.note.clone().map(|note| view! { <span class="time">{note}</span> });
        let change = match change(self.figure) {
            Some(change) => {
                let before = self.quantity.text(self.figure.before.unwrap_or_default());
                let title = texts.fill("statistics.previous_was", &[("figure", &before)]);
                view! { <span title=title><b class="change">{change}</b> " " {texts.get("statistics.vs_previous")}</span> }
            }
            .into_any(),
            None => view! { <span><b class="change">"—"</b> " " {texts.get("statistics.no_previous")}</span> }.into_any(),
        };
        view! {
            <div class="stat-card">
                <span>{self.label.clone()}</span>
                <b>{scale.number(self.figure.now)}{unit}</b>
                {note}
                {change}
            </div>
        }
        .into_any()
    }
}

/// Renders all cards.
pub(super) fn row(texts: Texts, cards: &[Card]) -> AnyView {
    let cards: Vec<_> = cards.iter().map(|card| card.view(texts)).collect();
    view! { <section class="stat-cards" aria-label=texts.get("statistics.figures")>{cards}</section> }.into_any()
}

/// Returns the change, such as `+6.1 %`, or `None` if there is no previous figure.
fn change(figure: Change) -> Option<String> {
    let before = i128::from(figure.before.filter(|before| *before > 0)?);
    let thousandths = ((i128::from(figure.now) - before) * 2000 + before).div_euclid(2 * before);
    let thousandths = i64::try_from(thousandths).ok()?;
    let sign = match thousandths {
        0 => "±",
        1.. => "+",
        _ => "−",
    };
    let size = thousandths.unsigned_abs();
    Some(format!("{sign}{}.{}\u{a0}%", number(i64::try_from(size / 10).ok()?), size % 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_percentage_of_the_previous_figure() {
        let of = |now, before| change(Change { now, before }).map(|text| text.replace('\u{a0}', " "));
        for (now, before, text) in [
            (1_061, 1_000, "+6.1 %"),
            (939, 1_000, "−6.1 %"),
            (1_000, 1_000, "±0.0 %"),
            (0, 7, "−100.0 %"),
            (50_000, 4, "+1,249,900.0 %"),
            (100_050, 100_000, "+0.1 %"),
            (99_951, 100_000, "±0.0 %"),
        ] {
            assert_eq!(of(now, Some(before)).as_deref(), Some(text), "{now} after {before}");
        }
        assert_eq!(of(7, None), None);
        assert_eq!(of(7, Some(0)), None);
    }
}

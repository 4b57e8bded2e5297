//! What a page of statistics shows, as facts and tables: the page draws them, exports write them down. So both say the same.

use crate::texts::number;
use crate::units::{Scale, hundredths};

/// All that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// For the file, without ending: letters, digits and dashes.
    pub name: String,
    pub title: String,
    /// Zone, slot, units, filters, and the figures of the cards.
    pub facts: Vec<Fact>,
    pub tables: Vec<Table>,
}

/// A line about all that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub label: String,
    pub text: String,
    /// A figure exactly, and its unit.
    pub figure: Option<(Cell, &'static str)>,
}

impl Fact {
    pub(crate) fn new(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self { label: label.into(), text: text.into(), figure: None }
    }
}

/// Columns and rows under a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub title: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

/// What stands above a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub title: String,
    /// Drawn as this series, from 1.
    pub(crate) series: Option<usize>,
}

impl Column {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), series: None }
    }

    pub(crate) fn drawn(title: impl Into<String>, series: usize) -> Self {
        Self { title: title.into(), series: Some(series) }
    }
}

/// What stands in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Text(String),
    /// A moment, Unix seconds, and its text in the console's zone.
    Time {
        at: i64,
        text: String,
    },
    Whole(i64),
    /// A part of a whole, in thousandths.
    Share(i64),
    /// A figure in hundredths of the column's unit, and exactly in the smallest unit.
    Decimal {
        hundredths: i64,
        exact: i64,
    },
}

impl Cell {
    pub(crate) fn of(scale: Scale, value: i64) -> Self {
        if scale.is_whole() {
            Self::Whole(value)
        } else {
            Self::Decimal { hundredths: scale.hundredths(value), exact: value }
        }
    }

    /// In the smallest unit; `None`: no figure.
    pub(crate) const fn exact(&self) -> Option<i64> {
        match self {
            Self::Text(_) | Self::Time { .. } | Self::Share(_) => None,
            Self::Whole(exact) | Self::Decimal { exact, .. } => Some(*exact),
        }
    }

    /// For people, thousands apart.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Time { text, .. } => text.clone(),
            Self::Whole(value) => number(*value),
            Self::Share(thousandths) => format!("{}.{} %", thousandths / 10, thousandths % 10),
            Self::Decimal { hundredths: value, .. } => hundredths(*value),
        }
    }
}

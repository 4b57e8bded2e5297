//! The contents of a statistics page as facts and tables, shared by the page and its exports.

use crate::texts::number;
use crate::units::{Scale, hundredths};

/// The contents of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// File name without extension: letters, digits and dashes.
    pub name: String,
    pub title: String,
    /// Time zone, range, units, filters, and the figures of the cards.
    pub facts: Vec<Fact>,
    pub tables: Vec<Table>,
}

/// A line above the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub label: String,
    pub text: String,
    /// Exact figure and its unit.
    pub figure: Option<(Cell, &'static str)>,
}

impl Fact {
    pub(crate) fn new(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self { label: label.into(), text: text.into(), figure: None }
    }
}

/// A table with a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub title: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

/// The heading of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub title: String,
    /// Number of the series in the chart, from 1.
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

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Text(String),
    /// A time in Unix seconds, and its text in the console's time zone.
    Time {
        at: i64,
        text: String,
    },
    Whole(i64),
    /// A share in thousandths.
    Share(i64),
    /// A figure in hundredths of the column's unit, and the exact figure in the smallest unit.
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

    /// Returns the exact figure in the smallest unit; `None` if the cell has none.
    pub(crate) const fn exact(&self) -> Option<i64> {
        match self {
            Self::Text(_) | Self::Time { .. } | Self::Share(_) => None,
            Self::Whole(exact) | Self::Decimal { exact, .. } => Some(*exact),
        }
    }

    /// Returns the text for display, with thousands separators.
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

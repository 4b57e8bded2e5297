//! Lists come in pages.

use serde::{Deserialize, Serialize};

/// Which page of a list, from 1, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// From 1.
    pub number: i64,
    /// Rows on a page.
    pub size: i64,
}

impl PageRequest {
    /// A page of the console: 20 rows.
    #[must_use]
    pub fn of_console(number: i64) -> Self {
        Self { number: number.clamp(1, 1_000_000), size: 20 }
    }

    /// Rows before this page.
    #[must_use]
    pub fn offset(self) -> i64 {
        (self.number - 1) * self.size
    }
}

/// One page and the length of the whole list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Rows in the whole list, or how many were counted before counting stopped.
    pub total: i64,
    /// There are no more than `total`.
    pub exact: bool,
    /// From 1.
    pub number: i64,
    /// Rows on a page.
    pub size: i64,
}

impl<T> Page<T> {
    /// How many pages there are; at least one. Where the total is not exact there are more, and this page is not the last.
    #[must_use]
    pub fn count(&self) -> i64 {
        ((self.total + self.size - 1) / self.size).max(1)
    }
}

//! Pages of lists.

use serde::{Deserialize, Serialize};

/// Requested page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// From 1.
    pub number: i64,
    /// Number of rows per page.
    pub size: i64,
}

impl PageRequest {
    /// Returns a page of the console with 20 rows.
    #[must_use]
    pub fn of_console(number: i64) -> Self {
        Self { number: number.clamp(1, 1_000_000), size: 20 }
    }

    /// Returns the number of rows before this page.
    #[must_use]
    pub fn offset(self) -> i64 {
        (self.number - 1) * self.size
    }
}

/// A page and the length of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Number of rows in the list, or a lower bound.
    pub total: i64,
    /// `total` is exact, not a lower bound.
    pub exact: bool,
    /// From 1.
    pub number: i64,
    /// Number of rows per page.
    pub size: i64,
}

impl<T> Page<T> {
    /// Returns the number of pages, at least one. If the total is not exact, there may be more.
    #[must_use]
    pub fn count(&self) -> i64 {
        ((self.total + self.size - 1) / self.size).max(1)
    }
}

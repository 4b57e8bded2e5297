//! Pagination.

use serde::{Deserialize, Serialize};

/// A requested page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// From 1.
    pub number: i64,
    /// Number of rows per page.
    pub size: i64,
}

impl PageRequest {
    /// Creates a request for a page of 20 rows.
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

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Rows of the whole list, or the limit at which counting stopped.
    pub total: i64,
    /// `total` is exact; otherwise there are more rows.
    pub exact: bool,
    /// From 1.
    pub number: i64,
    /// Number of rows per page.
    pub size: i64,
}

impl<T> Page<T> {
    /// Returns the number of pages, at least 1. If the total is not exact, there are more.
    #[must_use]
    pub fn count(&self) -> i64 {
        ((self.total + self.size - 1) / self.size).max(1)
    }
}

//! The audit log as rows of a file: exactly what the page lists for the same address, from the first to the last.

use callsheet::Console;
use callsheet::audit::{AuditFilter, AuditRow};
use callsheet::model::{Actor, AuditId, PageRequest};

use super::change::Detail;
use super::filter::Filters;
use super::{action, actor};
use crate::error::UiError;
use crate::pages::statistics::reports::Cell;
use crate::texts::Texts;
use crate::times::Times;

/// Characters of a cell: what Excel takes.
const CELL: usize = 32_000;

/// Rows of a sheet.
const SHEET_ROWS: i64 = 200_000;

/// Entries to be written down, read in batches.
pub struct AuditExport {
    console: Console,
    actor: Actor,
    filter: AuditFilter,
    times: Times,
    last: Option<AuditId>,
}

impl AuditExport {
    /// What `/audit?query` lists.
    ///
    /// # Errors
    /// A filter cannot be used.
    pub fn of_query(console: &Console, actor: &Actor, texts: Texts, query: &str) -> Result<Self, UiError> {
        let times = Times { zone: console.zone.clone(), now: console.clock.now(), texts, shown: console.shown };
        let filter = Filters::of_query(query).parse(&times.zone).map_err(|wrong| wrong.error(texts))?;
        Ok(Self { console: console.clone(), actor: actor.clone(), filter, times, last: None })
    }

    /// For the file, without ending.
    #[must_use]
    pub fn name(&self) -> String {
        format!("audit-{}", self.times.in_form(self.times.now / 1000, "chart.day"))
    }

    /// What stands above the columns.
    #[must_use]
    pub fn columns(&self) -> [String; 7] {
        let texts = self.times.texts;
        let zone = self.times.zone.iana_name().unwrap_or("UTC");
        [
            format!("{} ({zone})", texts.get("sources.when")),
            texts.get("audit.actor"),
            texts.get("audit.address"),
            texts.get("audit.action"),
            texts.get("audit.code"),
            texts.get("audit.target"),
            texts.get("audit.details"),
        ]
    }

    /// Whether all entries go into one sheet, which is made in memory.
    ///
    /// # Errors
    /// They do not, or what the page would say instead.
    pub async fn check_sheet(&self) -> Result<(), UiError> {
        let texts = self.times.texts;
        let first = PageRequest { number: 1, size: 1 };
        let page = self.console.audit.list(&self.actor, &self.filter, first).await;
        if page.map_err(|e| UiError::of(texts, &e))?.total <= SHEET_ROWS {
            return Ok(());
        }
        let message = texts.get("audit.too_many");
        Err(UiError { code: "audit_too_many".to_owned(), status: 422, message, field: None })
    }

    /// The next rows, newest first; none after the last.
    ///
    /// # Errors
    /// What the page would say instead.
    pub async fn next(&mut self) -> Result<Vec<[Cell; 7]>, UiError> {
        let batch = self.console.audit.batch(&self.actor, &self.filter, self.last).await;
        let batch = batch.map_err(|e| UiError::of(self.times.texts, &e))?;
        if let Some(row) = batch.last() {
            self.last = Some(row.id);
        }
        Ok(batch.iter().map(|row| self.cells(row)).collect())
    }

    fn cells(&self, row: &AuditRow) -> [Cell; 7] {
        let texts = self.times.texts;
        let at = row.at.div_euclid(1000);
        let text = |text: &str| Cell::Text(text.chars().take(CELL).collect());
        [
            Cell::Time { at, text: self.times.in_form(at, "audit.moment") },
            text(&actor(texts, row)),
            text(&row.address),
            text(&action(texts, &row.action)),
            text(&row.action),
            text(&row.target),
            text(&Detail::of(&self.times, row).line()),
        ]
    }
}

//! Writes a report as a workbook: facts on the first sheet, then one sheet per table.

use callsheet_app::reports::{Cell, Report, Table};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::escape_formula;

/// Excel's maximum length of a sheet name.
const MAX_SHEET_NAME: usize = 31;
// Column widths.
const LABELS: f64 = 26.0;
const FIGURES: f64 = 20.0;
const UNITS: f64 = 8.0;
const TEXTS: f64 = 48.0;

struct Formats {
    bold: Format,
    whole: Format,
    decimal: Format,
    share: Format,
    second: Format,
    minute: Format,
    day: Format,
}

impl Formats {
    fn new() -> Self {
        let number = |form| Format::new().set_num_format(form);
        Self {
            bold: Format::new().set_bold(),
            whole: number("#,##0"),
            decimal: number("#,##0.00"),
            share: number("0.0 %"),
            second: number("yyyy-mm-dd hh:mm:ss"),
            minute: number("yyyy-mm-dd hh:mm"),
            day: number("yyyy-mm-dd"),
        }
    }
}

/// A workbook with one table that is written incrementally.
pub(super) struct Sheet {
    workbook: Workbook,
    formats: Formats,
    next: u32,
}

impl Sheet {
    pub(super) fn new(columns: &[String]) -> Result<Self, XlsxError> {
        let (mut workbook, formats) = (Workbook::new(), Formats::new());
        let sheet = workbook.add_worksheet();
        for (column, title) in columns.iter().enumerate() {
            sheet.set_column_width(number(column), LABELS)?;
            sheet.write_with_format(0, number(column), escape_formula(title), &formats.bold)?;
        }
        sheet.set_freeze_panes(1, 0)?;
        Ok(Self { workbook, formats, next: 1 })
    }

    pub(super) fn add<const N: usize>(&mut self, rows: &[[Cell; N]]) -> Result<(), XlsxError> {
        let sheet = self.workbook.worksheet_from_index(0)?;
        for cells in rows {
            write_row(sheet, self.next, cells, &self.formats)?;
            self.next += 1;
        }
        Ok(())
    }

    /// Returns the bytes of the file.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, XlsxError> {
        self.workbook.save_to_buffer()
    }
}

/// Returns the bytes of the file.
pub(super) fn workbook(report: &Report) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let formats = Formats::new();
    write_facts(workbook.add_worksheet(), report, &formats)?;
    for table in &report.tables {
        let sheet = workbook.add_worksheet();
        sheet.set_name(name(&table.title))?;
        sheet.set_column_width(0, LABELS)?;
        for column in 1..table.columns.len() {
            sheet.set_column_width(number(column), FIGURES)?;
        }
        write(sheet, table, &formats)?;
    }
    workbook.save_to_buffer()
}

fn name(title: &str) -> String {
    title.chars().take(MAX_SHEET_NAME).collect()
}

/// Writes facts. A figure is written as a number in its smallest unit, its unit, and the text of the page.
fn write_facts(sheet: &mut Worksheet, report: &Report, formats: &Formats) -> Result<(), XlsxError> {
    sheet.set_name(name(&report.title))?;
    for (column, width) in [LABELS, FIGURES, UNITS, TEXTS].into_iter().enumerate() {
        sheet.set_column_width(number(column), width)?;
    }
    sheet.write_with_format(0, 0, escape_formula(&report.title), &formats.bold)?;
    sheet.set_freeze_panes(1, 0)?;
    for (row, fact) in (1..).zip(&report.facts) {
        sheet.write(row, 0, escape_formula(&fact.label))?;
        match &fact.figure {
            Some((figure, unit)) => {
                write_cell(sheet, (row, 1), figure, formats)?;
                sheet.write(row, 2, *unit)?;
                sheet.write(row, 3, escape_formula(&fact.text))?;
            }
            None => {
                sheet.write(row, 1, escape_formula(&fact.text))?;
            }
        }
    }
    Ok(())
}

fn number(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}

fn write(sheet: &mut Worksheet, table: &Table, formats: &Formats) -> Result<(), XlsxError> {
    for (column, head) in table.columns.iter().enumerate() {
        sheet.write_with_format(0, number(column), escape_formula(&head.title), &formats.bold)?;
    }
    sheet.set_freeze_panes(1, 1)?;
    for (row, cells) in (1..).zip(&table.rows) {
        write_row(sheet, row, cells, formats)?;
    }
    Ok(())
}

fn write_row(sheet: &mut Worksheet, row: u32, cells: &[Cell], formats: &Formats) -> Result<(), XlsxError> {
    for (column, cell) in cells.iter().enumerate() {
        write_cell(sheet, (row, number(column)), cell, formats)?;
    }
    Ok(())
}

fn write_cell(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    cell: &Cell,
    formats: &Formats,
) -> Result<(), XlsxError> {
    match cell {
        Cell::Text(text) => sheet.write(row, column, escape_formula(text))?,
        Cell::Time { text, .. } => match (ExcelDateTime::parse_from_str(text), text.matches(':').count()) {
            (Ok(day), 0) => sheet.write_with_format(row, column, &day, &formats.day)?,
            (Ok(time), 1) => sheet.write_with_format(row, column, &time, &formats.minute)?,
            (Ok(time), _) => sheet.write_with_format(row, column, &time, &formats.second)?,
            (Err(_), _) => sheet.write(row, column, escape_formula(text))?,
        },
        Cell::Whole(value) => sheet.write_with_format(row, column, *value, &formats.whole)?,
        Cell::Share(thousandths) => {
            sheet.write_with_format(row, column, *thousandths as f64 / 1000.0, &formats.share)?
        }
        Cell::Decimal { hundredths, .. } => {
            sheet.write_with_format(row, column, *hundredths as f64 / 100.0, &formats.decimal)?
        }
    };
    Ok(())
}

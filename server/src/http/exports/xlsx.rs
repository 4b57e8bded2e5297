//! A report as a workbook: facts and the first table on the first sheet, each further table on its own.

use callsheet_app::reports::{Cell, Report, Table};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::guarded;

/// Of a sheet's name, by Excel.
const NAME_LENGTH: usize = 31;
const LABELS: f64 = 26.0;
const FIGURES: f64 = 20.0;

struct Formats {
    bold: Format,
    whole: Format,
    decimal: Format,
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
            second: number("yyyy-mm-dd hh:mm:ss"),
            minute: number("yyyy-mm-dd hh:mm"),
            day: number("yyyy-mm-dd"),
        }
    }
}

/// A workbook of one table that grows.
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
            sheet.write_with_format(0, number(column), guarded(title), &formats.bold)?;
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

    /// The bytes of the file.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, XlsxError> {
        self.workbook.save_to_buffer()
    }
}

/// The bytes of the file.
pub(super) fn workbook(report: &Report) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let formats = Formats::new();
    for (place, table) in report.tables.iter().enumerate() {
        let sheet = workbook.add_worksheet();
        sheet.set_name(table.title.chars().take(NAME_LENGTH).collect::<String>())?;
        sheet.set_column_width(0, LABELS)?;
        for column in 1..table.columns.len() {
            sheet.set_column_width(number(column), FIGURES)?;
        }
        let mut row = 0;
        if place == 0 {
            sheet.write_with_format(row, 0, guarded(&report.title), &formats.bold)?;
            for (label, text) in &report.facts {
                row += 1;
                sheet.write(row, 0, guarded(label))?;
                sheet.write(row, 1, guarded(text))?;
            }
            row += 2;
        }
        write(sheet, row, table, &formats)?;
    }
    workbook.save_to_buffer()
}

fn number(place: usize) -> u16 {
    u16::try_from(place).unwrap_or(u16::MAX)
}

fn write(sheet: &mut Worksheet, top: u32, table: &Table, formats: &Formats) -> Result<(), XlsxError> {
    for (column, head) in table.columns.iter().enumerate() {
        sheet.write_with_format(top, number(column), guarded(&head.title), &formats.bold)?;
    }
    sheet.set_freeze_panes(top + 1, 1)?;
    for (row, cells) in (top + 1..).zip(&table.rows) {
        write_row(sheet, row, cells, formats)?;
    }
    Ok(())
}

fn write_row(sheet: &mut Worksheet, row: u32, cells: &[Cell], formats: &Formats) -> Result<(), XlsxError> {
    for (column, cell) in cells.iter().enumerate() {
        let column = number(column);
        match cell {
            Cell::Text(text) => sheet.write(row, column, guarded(text))?,
            Cell::Time { text, .. } => match (ExcelDateTime::parse_from_str(text), text.matches(':').count()) {
                (Ok(day), 0) => sheet.write_with_format(row, column, &day, &formats.day)?,
                (Ok(time), 1) => sheet.write_with_format(row, column, &time, &formats.minute)?,
                (Ok(time), _) => sheet.write_with_format(row, column, &time, &formats.second)?,
                (Err(_), _) => sheet.write(row, column, guarded(text))?,
            },
            Cell::Whole(value) => sheet.write_with_format(row, column, *value, &formats.whole)?,
            Cell::Decimal { hundredths, .. } => {
                sheet.write_with_format(row, column, *hundredths as f64 / 100.0, &formats.decimal)?
            }
        };
    }
    Ok(())
}

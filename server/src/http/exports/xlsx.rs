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
    minute: Format,
    day: Format,
}

/// The bytes of the file.
pub(super) fn workbook(report: &Report) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let formats = Formats {
        bold: Format::new().set_bold(),
        whole: Format::new().set_num_format("#,##0"),
        decimal: Format::new().set_num_format("#,##0.00"),
        minute: Format::new().set_num_format("yyyy-mm-dd hh:mm"),
        day: Format::new().set_num_format("yyyy-mm-dd"),
    };
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
        for (column, cell) in cells.iter().enumerate() {
            let column = number(column);
            match cell {
                Cell::Text(text) => sheet.write(row, column, guarded(text))?,
                Cell::Time { text, .. } => match ExcelDateTime::parse_from_str(text) {
                    Ok(time) if text.contains(':') => sheet.write_with_format(row, column, &time, &formats.minute)?,
                    Ok(day) => sheet.write_with_format(row, column, &day, &formats.day)?,
                    Err(_) => sheet.write(row, column, guarded(text))?,
                },
                Cell::Whole(value) => sheet.write_with_format(row, column, *value, &formats.whole)?,
                Cell::Decimal { hundredths, .. } => {
                    sheet.write_with_format(row, column, *hundredths as f64 / 100.0, &formats.decimal)?
                }
            };
        }
    }
    Ok(())
}

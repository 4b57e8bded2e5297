//! W3C extended: `#Fields:` names the columns of the following lines. CloudFront separates them by tabs, others by spaces. Times are UTC.
//!
//! ```text
//! #Version: 1.0
//! #Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status … x-edge-result-type … x-host-header … time-taken …
//! 2019-12-04  21:02:31  LAX1  392  192.0.2.100  GET  d111111abcdef8.cloudfront.net  /index.html  200  …  Hit  …  play.test.com  …  0.001  …
//! ```
//!
//! **Headers.** Consecutive directives are one header. Logs may be concatenated, so a header that names columns but no software comes from
//! another writer.
//!
//! **Quotes.** The standard (WD-logfile, `<string>`) quotes a cell with spaces and doubles a quote inside. IIS does not quote and writes
//! spaces as `+`, so a quote is an ordinary character; the same applies to cells separated by tabs. If a line does not have the number of
//! columns under one rule, the other is tried.

use memchr::{memchr, memchr2};

use super::notes::{Note, Notes};
use super::numbers::{bytes, cache_hit, integer, millis, status};
use super::parser::host;
use super::times::{Dates, stamp};
use super::{LineError, LogEntry};

/// A line that starts with `#`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive<'a> {
    Fields(&'a [u8]),
    Software(&'a [u8]),
    Version,
    Other,
}

impl<'a> Directive<'a> {
    /// Parses a line without white space around it.
    pub(super) fn of(line: &'a [u8]) -> Option<Self> {
        let line = line.strip_prefix(b"#")?;
        let Some(colon) = memchr(b':', line) else { return Some(Self::Other) };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let is = |known: &[u8]| name.trim_ascii().eq_ignore_ascii_case(known);
        Some(match () {
            () if is(b"fields") => Self::Fields(value),
            () if is(b"software") => Self::Software(value),
            () if is(b"version") => Self::Version,
            () => Self::Other,
        })
    }

    /// Returns whether the directive occurs only in this format.
    pub(super) const fn is_specific(self) -> bool {
        !matches!(self, Self::Other)
    }
}

/// A column that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Date,
    Time,
    /// `timestamp`, `timestamp(ms)`: CloudFront's real-time columns instead of date and time.
    Stamp,
    /// `x-host-header`: the host that the viewer requested.
    Asked,
    /// `cs-host`, `cs(Host)`: for CloudFront the name of the distribution.
    Host,
    Bytes,
    TimeTaken,
    Status,
    Result,
    Other,
}

/// The state after the directives so far.
#[derive(Debug, Default)]
pub(super) struct Columns {
    columns: Vec<Column>,
    /// Written by Microsoft software such as IIS: `time-taken` is in milliseconds, contrary to the standard, and nothing is quoted.
    is_microsoft: bool,
    /// No line was counted since the last directive.
    in_header: bool,
    /// The last header names its software.
    is_named: bool,
}

/// The relevant cells of a line.
#[derive(Debug, Default, Clone, Copy)]
struct Row<'a> {
    date: Option<&'a [u8]>,
    time: Option<&'a [u8]>,
    stamp: Option<&'a [u8]>,
    asked: Option<&'a [u8]>,
    own: Option<&'a [u8]>,
    sent: Option<&'a [u8]>,
    taken: Option<&'a [u8]>,
    code: Option<&'a [u8]>,
    result: Option<&'a [u8]>,
}

impl Columns {
    pub(super) fn is_in_header(&self) -> bool {
        self.in_header
    }

    pub(super) fn add(&mut self, directive: Directive<'_>) {
        if !self.in_header {
            (self.in_header, self.is_named) = (true, false);
        }
        match directive {
            Directive::Fields(names) => {
                self.columns.clear();
                self.columns.extend(names.split(u8::is_ascii_whitespace).filter(|name| !name.is_empty()).map(column));
                if !self.is_named {
                    self.is_microsoft = false;
                }
            }
            Directive::Software(name) => {
                self.is_microsoft = name.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"microsoft"));
                self.is_named = true;
            }
            Directive::Version | Directive::Other => {}
        }
    }

    pub(super) fn parse<'a>(&mut self, line: &'a [u8], dates: &mut Dates) -> Result<LogEntry<'a>, LineError> {
        let has = |column| self.columns.contains(&column);
        if !(has(Column::Bytes) && (has(Column::Stamp) || has(Column::Date) && has(Column::Time))) {
            return Err(LineError::Fields);
        }
        let (row, mut notes) = self.row(line)?;
        let duration_ms = match row.taken {
            None | Some(b"-" | b"") => Some(0),
            Some(taken) if self.is_microsoft => integer(taken),
            Some(taken) => {
                if integer(taken).is_some_and(|seconds| seconds > 0) {
                    notes = notes.with(Note::TimeTaken);
                }
                millis(taken)
            }
        };
        let end_ms = match row.date.zip(row.time) {
            Some((date, time)) => dates.date_and_time(date, time),
            None => row.stamp.and_then(|text| stamp(text, dates)),
        };
        let entry = LogEntry {
            host: host(named(row.asked).or(named(row.own)).unwrap_or_default())?,
            end_ms: end_ms.ok_or(LineError::Time)?,
            duration_ms: duration_ms.ok_or(LineError::Duration)?,
            bytes: row.sent.and_then(bytes).ok_or(LineError::Bytes)?,
            status: row.code.map_or(Some(0), status).ok_or(LineError::Status)?,
            cache_hit: row.result.and_then(cache_hit),
            notes,
        };
        self.in_header = false;
        Ok(entry)
    }

    /// Splits a line by the rule that results in as many cells as columns.
    fn row<'a>(&self, line: &'a [u8]) -> Result<(Row<'a>, Notes), LineError> {
        // The first cell is a date, a time or an address, so the separator after it is that of the line.
        if memchr2(b'\t', b' ', line).is_some_and(|at| line[at] == b'\t') {
            return self.read(Cells::Tabs(Some(line))).map(|(row, _)| (row, Notes::default())).ok_or(LineError::Layout);
        }
        let (plain, quoted) = (Cells::Plain(line), Cells::Quoted(line));
        if memchr(b'"', line).is_none() {
            return self.read(plain).map(|(row, _)| (row, Notes::default())).ok_or(LineError::Layout);
        }
        let (rule, other) = if self.is_microsoft { (plain, quoted) } else { (quoted, plain) };
        match (self.read(rule), self.read(other)) {
            (Some((row, true)), _) => Ok((row, Notes::default())),
            (_, Some((row, true))) => Ok((row, Notes::default().with(Note::Quotes))),
            (Some((row, false)), _) => Ok((row, Notes::default())),
            (None, _) => Err(LineError::Layout),
        }
    }

    /// Reads the cells into a row. Returns also whether the line ends after them, and `None` if there are too few cells.
    fn read<'a>(&self, mut cells: Cells<'a>) -> Option<(Row<'a>, bool)> {
        let mut row = Row::default();
        for column in &self.columns {
            let cell = Some(cells.next()?);
            match column {
                Column::Date => row.date = cell,
                Column::Time => row.time = cell,
                Column::Stamp => row.stamp = cell,
                Column::Asked => row.asked = cell,
                Column::Host => row.own = cell,
                Column::Bytes => row.sent = cell,
                Column::TimeTaken => row.taken = cell,
                Column::Status => row.code = cell,
                Column::Result => row.result = cell,
                Column::Other => {}
            }
        }
        Some((row, cells.is_empty()))
    }
}

fn named(cell: Option<&[u8]>) -> Option<&[u8]> {
    cell.filter(|name| !matches!(*name, b"" | b"-"))
}

fn column(name: &[u8]) -> Column {
    match name.to_ascii_lowercase().as_slice() {
        b"date" => Column::Date,
        b"time" => Column::Time,
        b"timestamp" | b"timestamp(ms)" => Column::Stamp,
        b"x-host-header" => Column::Asked,
        b"cs-host" | b"cs(host)" => Column::Host,
        b"sc-bytes" => Column::Bytes,
        b"time-taken" => Column::TimeTaken,
        b"sc-status" => Column::Status,
        b"x-edge-result-type" => Column::Result,
        _ => Column::Other,
    }
}

/// The rest of a line, split into cells.
#[derive(Debug, Clone, Copy)]
enum Cells<'a> {
    /// Separated by single tabs; `None` after the last cell.
    Tabs(Option<&'a [u8]>),
    /// Separated by spaces; a quote is an ordinary character.
    Plain(&'a [u8]),
    /// Separated by spaces; a cell may be quoted.
    Quoted(&'a [u8]),
}

impl<'a> Cells<'a> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Tabs(rest) => rest.is_none(),
            Self::Plain(rest) | Self::Quoted(rest) => rest.trim_ascii_start().is_empty(),
        }
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        match self {
            Self::Tabs(rest) => {
                let line = (*rest)?;
                let end = memchr(b'\t', line);
                *rest = end.map(|end| &line[end + 1..]);
                Some(&line[..end.unwrap_or(line.len())])
            }
            Self::Plain(rest) => {
                let (cell, after) = word(rest.trim_ascii_start())?;
                *rest = after;
                Some(cell)
            }
            Self::Quoted(rest) => {
                let line = rest.trim_ascii_start();
                let (cell, after) = match line.strip_prefix(b"\"") {
                    Some(inside) => string(inside)?,
                    None => word(line)?,
                };
                *rest = after;
                Some(cell)
            }
        }
    }
}

/// Splits off a cell that ends at a space.
fn word(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr(b' ', line).unwrap_or(line.len());
    (end > 0).then(|| line.split_at(end))
}

/// Splits off a quoted cell. It ends at a quote that is not doubled and is followed by a space or the end of the line.
fn string(inside: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 0;
    loop {
        at += memchr(b'"', inside.get(at..)?)?;
        match inside.get(at + 1) {
            Some(b'"') => at += 2,
            None | Some(b' ') => return Some((&inside[..at], &inside[at + 1..])),
            Some(_) => return None,
        }
    }
}

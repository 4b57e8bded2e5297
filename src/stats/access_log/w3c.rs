//! W3C extended: `#Fields:` names the columns of the lines after it. CloudFront parts them by tabs, others by spaces. Times are UTC.
//!
//! ```text
//! #Version: 1.0
//! #Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status … x-edge-result-type … x-host-header … time-taken …
//! 2019-12-04  21:02:31  LAX1  392  192.0.2.100  GET  d111111abcdef8.cloudfront.net  /index.html  200  …  Hit  …  play.test.com  …  0.001  …
//! ```

use memchr::{memchr, memchr2};

use super::numbers::{bytes, cache_hit, integer, millis, status};
use super::parser::host;
use super::times::Dates;
use super::{Bad, Hit};

/// The columns that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Date,
    Time,
    /// `x-host-header`: what the viewer asked for.
    Asked,
    /// `cs-host`, `cs(Host)`: at CloudFront the distribution's own name.
    Host,
    Bytes,
    TimeTaken,
    Status,
    Result,
    Other,
}

/// What the directives so far say.
#[derive(Debug, Default)]
pub(super) struct Columns {
    columns: Vec<Column>,
    /// IIS writes `time-taken` in milliseconds, against the standard.
    taken_in_ms: bool,
}

impl Columns {
    /// Takes a line that starts with `#`.
    pub(super) fn directive(&mut self, line: &[u8]) {
        if let Some(names) = line.strip_prefix(b"#Fields:") {
            self.columns.clear();
            self.columns.extend(names.split(u8::is_ascii_whitespace).filter(|name| !name.is_empty()).map(column));
        } else if let Some(software) = line.strip_prefix(b"#Software:") {
            self.taken_in_ms = software.trim_ascii_start().starts_with(b"Microsoft");
        }
    }

    pub(super) fn parse<'a>(&self, line: &'a [u8], dates: &mut Dates) -> Result<Hit<'a>, Bad> {
        let needed = [Column::Date, Column::Time, Column::Bytes];
        if !needed.iter().all(|column| self.columns.contains(column)) {
            return Err(Bad::Fields);
        }
        let (mut date, mut time, mut asked, mut own) = (None, None, None, None);
        let (mut sent, mut taken, mut code, mut result) = (None, None, None, None);
        let mut cells = Cells::of(line);
        for column in &self.columns {
            let cell = cells.next().ok_or(Bad::Layout)?;
            match column {
                Column::Date => date = Some(cell),
                Column::Time => time = Some(cell),
                Column::Asked => asked = Some(cell),
                Column::Host => own = Some(cell),
                Column::Bytes => sent = Some(cell),
                Column::TimeTaken => taken = Some(cell),
                Column::Status => code = Some(cell),
                Column::Result => result = Some(cell),
                Column::Other => {}
            }
        }
        let duration_ms = match taken {
            None | Some(b"-") => Some(0),
            Some(taken) if self.taken_in_ms => integer(taken),
            Some(taken) => millis(taken),
        };
        let stamp = date.zip(time).and_then(|(date, time)| dates.date_and_time(date, time));
        Ok(Hit {
            host: host(asked.or(own).unwrap_or_default())?,
            end_ms: stamp.ok_or(Bad::Time)?,
            duration_ms: duration_ms.ok_or(Bad::Duration)?,
            bytes: sent.and_then(bytes).ok_or(Bad::Bytes)?,
            status: code.map_or(Some(0), status).ok_or(Bad::Status)?,
            hit: result.and_then(cache_hit),
        })
    }
}

fn column(name: &[u8]) -> Column {
    match name.to_ascii_lowercase().as_slice() {
        b"date" => Column::Date,
        b"time" => Column::Time,
        b"x-host-header" => Column::Asked,
        b"cs-host" | b"cs(host)" => Column::Host,
        b"sc-bytes" => Column::Bytes,
        b"time-taken" => Column::TimeTaken,
        b"sc-status" => Column::Status,
        b"x-edge-result-type" => Column::Result,
        _ => Column::Other,
    }
}

/// The cells of a line.
struct Cells<'a> {
    rest: Option<&'a [u8]>,
    tabs: bool,
}

impl<'a> Cells<'a> {
    fn of(line: &'a [u8]) -> Self {
        // The first cell is a date, a time or an address: whatever parts it from the second parts them all.
        let tabs = memchr2(b'\t', b' ', line).is_some_and(|at| line[at] == b'\t');
        Self { rest: Some(line), tabs }
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        if self.tabs {
            let end = memchr(b'\t', rest);
            self.rest = end.map(|end| &rest[end + 1..]);
            return Some(&rest[..end.unwrap_or(rest.len())]);
        }
        let rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return None;
        }
        let (cell, end) = match rest.strip_prefix(b"\"") {
            // A quote inside is written twice; the second starts a cell part that nobody reads.
            Some(inside) => {
                let end = memchr(b'"', inside)?;
                (&inside[..end], memchr(b' ', &inside[end..]).map(|at| at + end + 1))
            }
            None => {
                let end = memchr(b' ', rest);
                (&rest[..end.unwrap_or(rest.len())], end)
            }
        };
        self.rest = end.map(|end| &rest[end..]);
        Some(cell)
    }
}

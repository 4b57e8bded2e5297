//! From a line to a hit.

use super::format::Format;
use super::times::Dates;
use super::w3c::Columns;
use super::{Bad, cdn, combined, json};

/// What a line says of one request. The numbers are as written: [`Tally`](super::Tally) refuses those that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit<'a> {
    /// As written, with a port perhaps; `None` when the line names none.
    pub host: Option<&'a str>,
    /// When the last byte was sent, Unix milliseconds.
    pub end_ms: i64,
    /// 0 where the format has none.
    pub duration_ms: i64,
    /// Sent to the client, headers included where the log has them.
    pub bytes: i64,
    /// 0 where the client left before there was one.
    pub status: u16,
    /// Whether a cache served it; `None` when the line does not say.
    pub hit: Option<bool>,
}

/// Reads the lines of one file. It keeps what lines leave for later ones: the columns that `#Fields:` names, the last date, and how
/// objects are laid out.
#[derive(Debug)]
pub struct Parser {
    format: Format,
    dates: Dates,
    columns: Columns,
    layout: json::Layout,
    scratch: String,
}

impl Parser {
    /// For a new file.
    #[must_use]
    pub fn new(format: Format) -> Self {
        let (dates, columns, layout) = (Dates::default(), Columns::default(), json::Layout::default());
        Self { format, dates, columns, layout, scratch: String::new() }
    }

    /// The format it reads.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The request of a line without its line feed; `None` for a blank line, and for a directive of W3C.
    pub fn parse<'a>(&'a mut self, line: &'a [u8]) -> Result<Option<Hit<'a>>, Bad> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(None);
        }
        let (dates, layout) = (&mut self.dates, &mut self.layout);
        let hit = match self.format {
            Format::Combined => combined::parse(line, dates),
            Format::NginxJson => json::nginx(line, dates, layout, &mut self.scratch),
            Format::Cloudflare => json::cloudflare(line, dates, layout, &mut self.scratch),
            Format::W3c if line[0] == b'#' => {
                self.columns.directive(line);
                return Ok(None);
            }
            Format::W3c => self.columns.parse(line, dates),
            Format::Aliyun => cdn::aliyun(line, dates),
            Format::Tencent => cdn::tencent(line, dates),
            Format::Huawei => cdn::huawei(line, dates),
            Format::Jd => cdn::jd(line, dates),
        };
        hit.map(Some)
    }

    /// Takes what a line that was counted before leaves for those after it.
    pub(super) fn pass(&mut self, line: &[u8]) {
        if self.format == Format::W3c && line.first() == Some(&b'#') {
            self.columns.directive(line.trim_ascii());
        }
    }
}

/// A host as text.
pub(super) fn host(bytes: &[u8]) -> Result<Option<&str>, Bad> {
    match bytes {
        b"" | b"-" => Ok(None),
        _ => std::str::from_utf8(bytes).map(Some).map_err(|_| Bad::Host),
    }
}

//! From a line to a hit.

use super::assumptions::Notes;
use super::format::Format;
use super::times::Dates;
use super::w3c::{Columns, Directive};
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
    /// Guesses about it.
    pub notes: Notes,
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
        let whole = line;
        let line = trimmed(whole);
        if line.is_empty() {
            return if whole.contains(&0) { Err(Bad::Nul) } else { Ok(None) };
        }
        let (dates, layout) = (&mut self.dates, &mut self.layout);
        let hit = match self.format {
            Format::Combined => combined::parse(line, dates),
            Format::NginxJson => json::nginx(line, dates, layout, &mut self.scratch),
            Format::Cloudflare => json::cloudflare(line, dates, layout, &mut self.scratch),
            Format::W3c => match Directive::of(line) {
                Some(directive) => {
                    self.columns.add(directive);
                    return Ok(None);
                }
                None => self.columns.parse(line, dates),
            },
            Format::CloudfrontJson => json::cloudfront(line, dates, layout, &mut self.scratch),
            Format::Aliyun => cdn::aliyun(line, dates),
            Format::Tencent => cdn::tencent(line, dates),
            Format::Huawei => cdn::huawei(line, dates),
            Format::Jd => cdn::jd(line, dates),
        };
        hit.map(Some)
    }

    /// Takes what a line that was counted before leaves for those after it.
    pub(super) fn pass(&mut self, line: &[u8]) {
        if self.format != Format::W3c {
            return;
        }
        match Directive::of(trimmed(line)) {
            Some(directive) => self.columns.add(directive),
            // The first good line ends a header.
            None if self.columns.is_in_header() => drop(self.columns.parse(trimmed(line), &mut self.dates)),
            None => {}
        }
    }

    /// Returns whether a line that may be cut off is not: a JSON object is closed, and `combined` ends with its user agent. Lines of the
    /// other formats do not show where they end.
    pub(super) fn is_whole(&mut self, line: &[u8]) -> bool {
        let is_closed = match self.format {
            Format::NginxJson | Format::CloudfrontJson | Format::Cloudflare => true,
            Format::Combined => combined::ends_with_user_agent(trimmed(line), &mut self.dates),
            Format::W3c | Format::Aliyun | Format::Tencent | Format::Huawei | Format::Jd => false,
        };
        is_closed && matches!(self.parse(line), Ok(Some(_)))
    }
}

/// A line without what surrounds it: blanks, the carriage return of Windows, a byte order mark (a signature by RFC 3629, in the middle of a
/// file where files were put together), and NUL bytes, which a crash or a truncation leaves in front of the next line.
pub(super) fn trimmed(mut line: &[u8]) -> &[u8] {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    loop {
        let length = line.len();
        while let [b'\0', rest @ ..] | [rest @ .., b'\0'] = line.trim_ascii() {
            line = rest;
        }
        line = line.trim_ascii();
        line = line.strip_prefix(MARK).unwrap_or(line);
        line = line.strip_suffix(MARK).unwrap_or(line);
        if line.len() == length {
            return line;
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

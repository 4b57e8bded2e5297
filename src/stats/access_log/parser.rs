//! Parses a line to a log entry.

use super::format::Format;
use super::notes::Notes;
use super::times::Dates;
use super::w3c::{Columns, Directive};
use super::{LineError, cdn, combined, json};

/// A request in a log. [`Tally`](super::Tally) checks that the numbers are plausible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEntry<'a> {
    /// As written, optionally with a port; `None` if the line names no host.
    pub host: Option<&'a str>,
    /// Time at which the last byte was sent, Unix milliseconds.
    pub end_ms: i64,
    /// 0 if the format has no duration.
    pub duration_ms: i64,
    /// Bytes sent to the client, including headers if the log has that number.
    pub bytes: i64,
    /// 0 if the client disconnected before the response.
    pub status: u16,
    /// Whether a cache served the response; `None` if unknown.
    pub cache_hit: Option<bool>,
    /// Assumptions of the parser.
    pub notes: Notes,
}

/// Parses the lines of one file. It keeps state between lines: the columns of `#Fields:`, the last date, and the layout of JSON objects.
#[derive(Debug)]
pub struct Parser {
    format: Format,
    dates: Dates,
    columns: Columns,
    layout: json::Layout,
    scratch: String,
}

impl Parser {
    /// Creates a parser for a new file.
    #[must_use]
    pub fn new(format: Format) -> Self {
        let (dates, columns, layout) = (Dates::default(), Columns::default(), json::Layout::default());
        Self { format, dates, columns, layout, scratch: String::new() }
    }

    /// Returns the format of the file.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// Parses a line without its line feed. Returns `None` for an empty line and for a W3C directive.
    pub fn parse<'a>(&'a mut self, line: &'a [u8]) -> Result<Option<LogEntry<'a>>, LineError> {
        let whole = line;
        let line = trimmed(whole);
        if line.is_empty() {
            return if whole.contains(&0) { Err(LineError::Nul) } else { Ok(None) };
        }
        let (dates, layout) = (&mut self.dates, &mut self.layout);
        let entry = match self.format {
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
        entry.map(Some)
    }

    /// Updates the state from a line that was counted before.
    pub(super) fn skip(&mut self, line: &[u8]) {
        if self.format != Format::W3c {
            return;
        }
        match Directive::of(trimmed(line)) {
            Some(directive) => self.columns.add(directive),
            // The first valid line ends a header.
            None if self.columns.is_in_header() => drop(self.columns.parse(trimmed(line), &mut self.dates)),
            None => {}
        }
    }

    /// Returns whether a line that may be truncated is certainly complete: a JSON object is closed, and `combined` ends with the user agent.
    /// Lines of the other formats do not show whether they are complete.
    pub(super) fn is_complete(&mut self, line: &[u8]) -> bool {
        let is_closed = match self.format {
            Format::NginxJson | Format::CloudfrontJson | Format::Cloudflare => true,
            Format::Combined => combined::ends_with_user_agent(trimmed(line), &mut self.dates),
            Format::W3c | Format::Aliyun | Format::Tencent | Format::Huawei | Format::Jd => false,
        };
        is_closed && matches!(self.parse(line), Ok(Some(_)))
    }
}

/// Removes characters around a line: white space including the carriage return of Windows, byte order marks (within a file if files were
/// concatenated), and NUL bytes, which a crash or truncation leaves before the next line.
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

/// Converts a host to text; `-` and an empty host are `None`.
pub(super) fn host(bytes: &[u8]) -> Result<Option<&str>, LineError> {
    match bytes {
        b"" | b"-" => Ok(None),
        _ => std::str::from_utf8(bytes).map(Some).map_err(|_| LineError::Host),
    }
}

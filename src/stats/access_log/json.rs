//! Lines that are one JSON object: nginx with the console's `log_format`, CloudFront (standard logging v2), and Cloudflare Logpush.
//!
//! The scanner accepts members in any order, skips values that are not needed, including nested ones, and decodes escapes only in the host.
//! Because the lines of a log have the same layout, names are parsed only where a line differs from the previous one: see [`Layout`].
//!
//! ```text
//! {"t":"2026-11-22T09:01:03+00:00","msec":1795338063.688,"host":"play.test.com","status":200,"bytes_sent":20000248,"request_time":3.771}
//! {"date":"2026-11-22","time":"09:01:03","sc-bytes":"20000248","cs(Host)":"d111111abcdef8.cloudfront.net","sc-status":"200","x-edge-result-type":"Hit","x-host-header":"play.test.com","time-taken":"3.771"}
//! {"ClientRequestHost":"play.test.com","EdgeStartTimestamp":"2026-11-22T09:01:00Z","EdgeEndTimestamp":"2026-11-22T09:01:03Z","EdgeResponseBytes":20000248,"EdgeResponseStatus":200,"CacheCacheStatus":"hit"}
//! ```

use memchr::memchr2;

use super::notes::{Note, Notes};
use super::numbers::{bytes, cache_hit, integer, millis, status};
use super::parser::host;
use super::times::{Dates, stamp};
use super::{LineError, LogEntry};

/// Directive of nginx for [`Format::NginxJson`](super::Format::NginxJson). It belongs into `http`, together with
/// `access_log /var/log/nginx/access.json callsheet;`.
pub const NGINX_LOG_FORMAT: &str = r#"log_format callsheet escape=json '{"t":"$time_iso8601","msec":$msec,"host":"$host","uri":"$uri","args":"$args",'
  '"method":"$request_method","status":$status,"bytes_sent":$bytes_sent,"body_bytes_sent":$body_bytes_sent,'
  '"request_length":$request_length,"request_time":$request_time,"range":"$http_range","remote_addr":"$remote_addr",'
  '"ref":"$http_referer","ua":"$http_user_agent","upstream_cache_status":"$upstream_cache_status"}';"#;

/// Reads `msec`, else `t`; `bytes_sent`, else `body_bytes_sent`; `host`, `status`, `request_time` (s) and optionally `upstream_cache_status`.
pub(super) fn nginx<'a>(
    line: &'a [u8],
    dates: &mut Dates,
    layout: &mut Layout,
    scratch: &'a mut String,
) -> Result<LogEntry<'a>, LineError> {
    const NAMES: [&[u8]; 8] = [
        b"msec",
        b"t",
        b"bytes_sent",
        b"body_bytes_sent",
        b"host",
        b"status",
        b"request_time",
        b"upstream_cache_status",
    ];
    let [msec, iso, sent, body, asked, code, duration, cache] = layout.read(line, &NAMES)?;
    let end_ms = match msec {
        Some(msec) => millis(msec.raw),
        None => iso.and_then(|iso| dates.rfc3339(iso.raw)),
    };
    Ok(LogEntry {
        end_ms: end_ms.ok_or(LineError::Time)?,
        duration_ms: duration.map_or(Some(0), |seconds| millis(seconds.raw)).ok_or(LineError::Duration)?,
        bytes: sent.or(body).and_then(|bytes| integer(bytes.raw)).ok_or(LineError::Bytes)?,
        status: code.and_then(|code| status(code.raw)).ok_or(LineError::Status)?,
        cache_hit: cache.and_then(|cache| cache_hit(cache.raw)),
        host: named(asked, scratch)?,
        notes: if sent.is_none() { Notes::default().with(Note::BodyBytes) } else { Notes::default() },
    })
}

/// The members are columns of the W3C format, as configured for the distribution; all values are strings. Reads `date` and `time`, else a
/// timestamp; `x-host-header`, else `cs(Host)`.
pub(super) fn cloudfront<'a>(
    line: &'a [u8],
    dates: &mut Dates,
    layout: &mut Layout,
    scratch: &'a mut String,
) -> Result<LogEntry<'a>, LineError> {
    const NAMES: [&[u8]; 11] = [
        b"date",
        b"time",
        b"timestamp(ms)",
        b"timestamp",
        b"x-host-header",
        b"cs(Host)",
        b"cs-host",
        b"sc-bytes",
        b"sc-status",
        b"time-taken",
        b"x-edge-result-type",
    ];
    let values = layout.read(line, &NAMES)?;
    let [.., sent, code, _, _] = values;
    let [date, time, ms, seconds, asked, own, own_name, _, _, taken, result] =
        values.map(|value| value.filter(Value::has_content));
    let end_ms = match date.zip(time) {
        Some((date, time)) => dates.date_and_time(date.raw, time.raw),
        None => ms.or(seconds).and_then(|value| stamp(value.raw, dates)),
    };
    Ok(LogEntry {
        end_ms: end_ms.ok_or(LineError::Time)?,
        duration_ms: taken.map_or(Some(0), |seconds| millis(seconds.raw)).ok_or(LineError::Duration)?,
        bytes: sent.and_then(|sent| bytes(sent.raw)).ok_or(LineError::Bytes)?,
        status: code.map_or(Some(0), |code| status(code.raw)).ok_or(LineError::Status)?,
        cache_hit: result.and_then(|result| cache_hit(result.raw)),
        host: named(asked.or(own).or(own_name), scratch)?,
        notes: Notes::default(),
    })
}

/// The duration is the difference of the two timestamps.
pub(super) fn cloudflare<'a>(
    line: &'a [u8],
    dates: &mut Dates,
    layout: &mut Layout,
    scratch: &'a mut String,
) -> Result<LogEntry<'a>, LineError> {
    const NAMES: [&[u8]; 6] = [
        b"ClientRequestHost",
        b"EdgeStartTimestamp",
        b"EdgeEndTimestamp",
        b"EdgeResponseBytes",
        b"EdgeResponseStatus",
        b"CacheCacheStatus",
    ];
    let [asked, start, end, sent, code, cache] = layout.read(line, &NAMES)?;
    let mut moment = |value: Option<Value<'_>>| value.and_then(|value| stamp(value.raw, dates)).ok_or(LineError::Time);
    let (start, end) = (moment(start)?, moment(end)?);
    Ok(LogEntry {
        end_ms: end,
        duration_ms: end - start,
        bytes: sent.and_then(|bytes| integer(bytes.raw)).ok_or(LineError::Bytes)?,
        status: code.and_then(|code| status(code.raw)).ok_or(LineError::Status)?,
        cache_hit: cache.and_then(|cache| cache_hit(cache.raw)),
        host: named(asked, scratch)?,
        notes: Notes::default(),
    })
}

/// Returns a host. Escapes are decoded into `scratch`.
fn named<'a>(value: Option<Value<'a>>, scratch: &'a mut String) -> Result<Option<&'a str>, LineError> {
    match value {
        None => Ok(None),
        Some(Value { raw, kind: Kind::Text }) => host(raw),
        Some(Value { raw, kind: Kind::Escaped }) => {
            unescape(raw, scratch)?;
            host(scratch.as_bytes())
        }
        Some(Value { raw, kind: Kind::Other }) => {
            if raw == b"null" {
                Ok(None)
            } else {
                Err(LineError::Host)
            }
        }
    }
}

/// A value as written; a string without its quotes.
#[derive(Debug, Clone, Copy)]
struct Value<'a> {
    raw: &'a [u8],
    kind: Kind,
}

impl Value<'_> {
    /// Returns false for `-`, `null` and an empty string.
    fn has_content(&self) -> bool {
        match self.kind {
            Kind::Text => !matches!(self.raw, b"" | b"-"),
            Kind::Escaped => true,
            Kind::Other => self.raw != b"null",
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    /// A string with backslashes.
    Escaped,
    /// A number, a literal, an object or an array.
    Other,
}

/// The text between the values of the previous line, and the fields that followed. Where a line has the same text, it is not parsed again.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// All gaps, concatenated.
    text: Vec<u8>,
    gaps: Vec<Gap>,
}

/// The text from the end of a value to the colon before the next value.
#[derive(Debug, Clone, Copy)]
struct Gap {
    /// End in [`Layout::text`]. A gap starts where the previous one ends.
    end: usize,
    /// Index of the requested name.
    field: Option<usize>,
}

impl Layout {
    /// Limits, because the lines may come from anyone.
    const MAX_GAP_BYTES: usize = 64;
    const MAX_GAPS: usize = 64;

    /// Reads the values of `names` from a line that is one object. If a name occurs twice, the last value is used.
    fn read<'a, const N: usize>(
        &mut self,
        line: &'a [u8],
        names: &[&[u8]; N],
    ) -> Result<[Option<Value<'a>>; N], LineError> {
        let mut found = [None; N];
        let mut object = Object::open(line)?;
        let mut start = 0;
        for member in 0.. {
            let from = object.at;
            let known = self.gaps.get(member).filter(|gap| line[from..].starts_with(&self.text[start..gap.end]));
            let field = if let Some(gap) = known {
                object.at += gap.end - start;
                start = gap.end;
                gap.field
            } else {
                let Some(name) = object.name(member > 0)? else { break };
                let field = names.iter().position(|asked| *asked == name);
                start = self.learn(member, start, &line[from..object.at], field);
                field
            };
            let value = object.value()?;
            if let Some(field) = field {
                found[field] = Some(value);
            }
        }
        Ok(found)
    }

    /// Stores a gap. Returns the start of the next one.
    fn learn(&mut self, member: usize, start: usize, gap: &[u8], field: Option<usize>) -> usize {
        self.gaps.truncate(member);
        self.text.truncate(start);
        if self.gaps.len() == member && member < Self::MAX_GAPS && gap.len() <= Self::MAX_GAP_BYTES {
            self.text.extend_from_slice(gap);
            self.gaps.push(Gap { end: self.text.len(), field });
        }
        self.text.len()
    }
}

/// A scanner of the members of an object.
struct Object<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Object<'a> {
    fn open(line: &'a [u8]) -> Result<Self, LineError> {
        if line.first() == Some(&b'{') { Ok(Self { line, at: 1 }) } else { Err(LineError::Json) }
    }

    /// Scans the next name and its colon. Returns `None` at the end of the object, which must be the end of the line.
    fn name(&mut self, follows: bool) -> Result<Option<&'a [u8]>, LineError> {
        match self.token()? {
            b'}' => {
                return if self.line[self.at + 1..].trim_ascii().is_empty() { Ok(None) } else { Err(LineError::Json) };
            }
            b',' if follows => {
                self.at += 1;
                self.token()?;
            }
            _ if follows => return Err(LineError::Json),
            _ => {}
        }
        let name = self.text()?;
        if self.token()? != b':' {
            return Err(LineError::Json);
        }
        self.at += 1;
        // Escapes are not decoded: no requested name needs them.
        Ok(Some(name.raw))
    }

    fn value(&mut self) -> Result<Value<'a>, LineError> {
        match self.token()? {
            b'"' => self.text(),
            b'{' | b'[' => self.nested(),
            _ => self.plain(),
        }
    }

    /// Skips white space and returns the next byte without consuming it.
    fn token(&mut self) -> Result<u8, LineError> {
        loop {
            match self.line.get(self.at) {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(LineError::Json),
            }
        }
    }

    /// Scans a string.
    fn text(&mut self) -> Result<Value<'a>, LineError> {
        if self.line.get(self.at) != Some(&b'"') {
            return Err(LineError::Json);
        }
        let start = self.at + 1;
        let (mut at, mut kind) = (start, Kind::Text);
        loop {
            at += self.line.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)).ok_or(LineError::Json)?;
            if self.line[at] == b'"' {
                self.at = at + 1;
                return Ok(Value { raw: &self.line[start..at], kind });
            }
            kind = Kind::Escaped;
            at += 2;
        }
    }

    /// Scans an object or array.
    fn nested(&mut self) -> Result<Value<'a>, LineError> {
        let start = self.at;
        let mut depth = 0usize;
        loop {
            match self.line.get(self.at).ok_or(LineError::Json)? {
                b'"' => {
                    self.text()?;
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(Value { raw: &self.line[start..self.at], kind: Kind::Other });
            }
        }
    }

    /// Scans a number or literal.
    fn plain(&mut self) -> Result<Value<'a>, LineError> {
        let rest = &self.line[self.at..];
        let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.');
        let length = rest.iter().position(|b| !word(b)).unwrap_or(rest.len());
        if length == 0 {
            return Err(LineError::Json);
        }
        self.at += length;
        Ok(Value { raw: &rest[..length], kind: Kind::Other })
    }
}

/// Decodes the escapes of a JSON string.
fn unescape(raw: &[u8], into: &mut String) -> Result<(), LineError> {
    into.clear();
    let mut rest = std::str::from_utf8(raw).map_err(|_| LineError::Host)?;
    while let Some(at) = rest.find('\\') {
        into.push_str(&rest[..at]);
        let mut chars = rest[at + 1..].chars();
        match chars.next().ok_or(LineError::Json)? {
            'u' => {
                let (code, after) = code_unit(chars.as_str())?;
                rest = after;
                let surrogate = (0xd800..0xe000).contains(&code);
                let pair = if surrogate { rest.strip_prefix("\\u").map(code_unit).transpose()? } else { None };
                let decoded = match pair {
                    Some((low, after)) => {
                        rest = after;
                        char::decode_utf16([code, low]).next().and_then(Result::ok)
                    }
                    None => char::from_u32(u32::from(code)),
                };
                into.push(decoded.ok_or(LineError::Json)?);
                continue;
            }
            'b' => into.push('\u{8}'),
            'f' => into.push('\u{c}'),
            'n' => into.push('\n'),
            'r' => into.push('\r'),
            't' => into.push('\t'),
            same @ ('"' | '\\' | '/') => into.push(same),
            _ => return Err(LineError::Json),
        }
        rest = chars.as_str();
    }
    into.push_str(rest);
    Ok(())
}

/// Parses four hexadecimal digits. Returns the rest of the text too.
fn code_unit(text: &str) -> Result<(u16, &str), LineError> {
    let (digits, rest) = text.split_at_checked(4).ok_or(LineError::Json)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(LineError::Json);
    }
    u16::from_str_radix(digits, 16).map(|code| (code, rest)).map_err(|_| LineError::Json)
}

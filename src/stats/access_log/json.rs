//! Lines that are one JSON object: nginx with the console's `log_format`, CloudFront (standard logging v2), and Cloudflare Logpush.
//!
//! The scanner reads names and values in any order, passes over whatever values it does not need, nested ones too, and undoes escapes only
//! in a host. Lines of one log are alike, so names are read where a line differs from the one before: see [`Layout`].
//!
//! ```text
//! {"t":"2026-11-22T09:01:03+00:00","msec":1795338063.688,"host":"play.test.com","status":200,"bytes_sent":20000248,"request_time":3.771}
//! {"date":"2026-11-22","time":"09:01:03","sc-bytes":"20000248","cs(Host)":"d111111abcdef8.cloudfront.net","sc-status":"200","x-edge-result-type":"Hit","x-host-header":"play.test.com","time-taken":"3.771"}
//! {"ClientRequestHost":"play.test.com","EdgeStartTimestamp":"2026-11-22T09:01:00Z","EdgeEndTimestamp":"2026-11-22T09:01:03Z","EdgeResponseBytes":20000248,"EdgeResponseStatus":200,"CacheCacheStatus":"hit"}
//! ```

use memchr::memchr2;

use super::assumptions::{Note, Notes};
use super::numbers::{bytes, cache_hit, integer, millis, status};
use super::parser::host;
use super::times::{Dates, stamp};
use super::{Bad, Hit};

/// What an nginx configuration needs for lines of [`Format::NginxJson`](super::Format::NginxJson): in `http`, beside
/// `access_log /var/log/nginx/access.json callsheet;`.
pub const NGINX_LOG_FORMAT: &str = r#"log_format callsheet escape=json '{"t":"$time_iso8601","msec":$msec,"host":"$host","uri":"$uri","args":"$args",'
  '"method":"$request_method","status":$status,"bytes_sent":$bytes_sent,"body_bytes_sent":$body_bytes_sent,'
  '"request_length":$request_length,"request_time":$request_time,"range":"$http_range","remote_addr":"$remote_addr",'
  '"ref":"$http_referer","ua":"$http_user_agent","upstream_cache_status":"$upstream_cache_status"}';"#;

/// `msec`, else `t`; `bytes_sent`, else `body_bytes_sent`; `host`, `status`, `request_time` (s) and, where logged, `upstream_cache_status`.
pub(super) fn nginx<'a>(
    line: &'a [u8],
    dates: &mut Dates,
    layout: &mut Layout,
    scratch: &'a mut String,
) -> Result<Hit<'a>, Bad> {
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
    Ok(Hit {
        end_ms: end_ms.ok_or(Bad::Time)?,
        duration_ms: duration.map_or(Some(0), |seconds| millis(seconds.raw)).ok_or(Bad::Duration)?,
        bytes: sent.or(body).and_then(|bytes| integer(bytes.raw)).ok_or(Bad::Bytes)?,
        status: code.and_then(|code| status(code.raw)).ok_or(Bad::Status)?,
        hit: cache.and_then(|cache| cache_hit(cache.raw)),
        host: named(asked, scratch)?,
        notes: if sent.is_none() { Notes::default().with(Note::BodyBytes) } else { Notes::default() },
    })
}

/// The columns of the W3C form as members, of which each distribution chooses its own; all values are text. `date` and `time`, else one of
/// the stamps; `x-host-header`, else `cs(Host)`.
pub(super) fn cloudfront<'a>(
    line: &'a [u8],
    dates: &mut Dates,
    layout: &mut Layout,
    scratch: &'a mut String,
) -> Result<Hit<'a>, Bad> {
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
        values.map(|value| value.filter(Value::says_something));
    let end_ms = match date.zip(time) {
        Some((date, time)) => dates.date_and_time(date.raw, time.raw),
        None => ms.or(seconds).and_then(|value| stamp(value.raw, dates)),
    };
    Ok(Hit {
        end_ms: end_ms.ok_or(Bad::Time)?,
        duration_ms: taken.map_or(Some(0), |seconds| millis(seconds.raw)).ok_or(Bad::Duration)?,
        bytes: sent.and_then(|sent| bytes(sent.raw)).ok_or(Bad::Bytes)?,
        status: code.map_or(Some(0), |code| status(code.raw)).ok_or(Bad::Status)?,
        hit: result.and_then(|result| cache_hit(result.raw)),
        host: named(asked.or(own).or(own_name), scratch)?,
        notes: Notes::default(),
    })
}

/// The duration is that between the two time stamps.
pub(super) fn cloudflare<'a>(
    line: &'a [u8],
    dates: &mut Dates,
    layout: &mut Layout,
    scratch: &'a mut String,
) -> Result<Hit<'a>, Bad> {
    const NAMES: [&[u8]; 6] = [
        b"ClientRequestHost",
        b"EdgeStartTimestamp",
        b"EdgeEndTimestamp",
        b"EdgeResponseBytes",
        b"EdgeResponseStatus",
        b"CacheCacheStatus",
    ];
    let [asked, start, end, sent, code, cache] = layout.read(line, &NAMES)?;
    let mut moment = |value: Option<Value<'_>>| value.and_then(|value| stamp(value.raw, dates)).ok_or(Bad::Time);
    let (start, end) = (moment(start)?, moment(end)?);
    Ok(Hit {
        end_ms: end,
        duration_ms: end - start,
        bytes: sent.and_then(|bytes| integer(bytes.raw)).ok_or(Bad::Bytes)?,
        status: code.and_then(|code| status(code.raw)).ok_or(Bad::Status)?,
        hit: cache.and_then(|cache| cache_hit(cache.raw)),
        host: named(asked, scratch)?,
        notes: Notes::default(),
    })
}

/// A host, its escapes undone in `scratch` where there are some.
fn named<'a>(value: Option<Value<'a>>, scratch: &'a mut String) -> Result<Option<&'a str>, Bad> {
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
                Err(Bad::Host)
            }
        }
    }
}

/// A value as written, a text without its quotes.
#[derive(Debug, Clone, Copy)]
struct Value<'a> {
    raw: &'a [u8],
    kind: Kind,
}

impl Value<'_> {
    /// `-` and `null` say that there was no value.
    fn says_something(&self) -> bool {
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
    /// A text with backslashes.
    Escaped,
    /// A number, a literal, an object or an array.
    Other,
}

/// What stood between the values of the line before, and which of the asked values followed: where a line says the same, nothing is read.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// One gap after another.
    text: Vec<u8>,
    gaps: Vec<Gap>,
}

/// From the end of a value to the colon before the next one.
#[derive(Debug, Clone, Copy)]
struct Gap {
    /// Its end in the text; it starts where the gap before ends.
    end: usize,
    field: Option<usize>,
}

impl Layout {
    /// Longer gaps, and more, are anybody's lines.
    const LONGEST: usize = 64;
    const MOST: usize = 64;

    /// The values of these names in a line that is one object; of a name that comes twice the last.
    fn read<'a, const N: usize>(&mut self, line: &'a [u8], names: &[&[u8]; N]) -> Result<[Option<Value<'a>>; N], Bad> {
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

    /// Answers with where the next gap starts.
    fn learn(&mut self, member: usize, start: usize, gap: &[u8], field: Option<usize>) -> usize {
        self.gaps.truncate(member);
        self.text.truncate(start);
        if self.gaps.len() == member && member < Self::MOST && gap.len() <= Self::LONGEST {
            self.text.extend_from_slice(gap);
            self.gaps.push(Gap { end: self.text.len(), field });
        }
        self.text.len()
    }
}

/// An object, member by member.
struct Object<'a> {
    line: &'a [u8],
    at: usize,
}

impl<'a> Object<'a> {
    fn open(line: &'a [u8]) -> Result<Self, Bad> {
        if line.first() == Some(&b'{') { Ok(Self { line, at: 1 }) } else { Err(Bad::Json) }
    }

    /// The next name, up to its colon; `None` at the object's end, which must be the line's.
    fn name(&mut self, follows: bool) -> Result<Option<&'a [u8]>, Bad> {
        match self.token()? {
            b'}' => return if self.line[self.at + 1..].trim_ascii().is_empty() { Ok(None) } else { Err(Bad::Json) },
            b',' if follows => {
                self.at += 1;
                self.token()?;
            }
            _ if follows => return Err(Bad::Json),
            _ => {}
        }
        let name = self.text()?;
        if self.token()? != b':' {
            return Err(Bad::Json);
        }
        self.at += 1;
        // A name with escapes is none of those that are looked for, as long as nobody escapes plain letters.
        Ok(Some(name.raw))
    }

    fn value(&mut self) -> Result<Value<'a>, Bad> {
        match self.token()? {
            b'"' => self.text(),
            b'{' | b'[' => self.nested(),
            _ => self.plain(),
        }
    }

    /// The next byte that is not white space.
    fn token(&mut self) -> Result<u8, Bad> {
        loop {
            match self.line.get(self.at) {
                Some(b' ' | b'\t' | b'\r') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(Bad::Json),
            }
        }
    }

    /// The text that starts here.
    fn text(&mut self) -> Result<Value<'a>, Bad> {
        if self.line.get(self.at) != Some(&b'"') {
            return Err(Bad::Json);
        }
        let start = self.at + 1;
        let (mut at, mut kind) = (start, Kind::Text);
        loop {
            at += self.line.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)).ok_or(Bad::Json)?;
            if self.line[at] == b'"' {
                self.at = at + 1;
                return Ok(Value { raw: &self.line[start..at], kind });
            }
            kind = Kind::Escaped;
            at += 2;
        }
    }

    /// The object or array that starts here.
    fn nested(&mut self) -> Result<Value<'a>, Bad> {
        let start = self.at;
        let mut depth = 0usize;
        loop {
            match self.line.get(self.at).ok_or(Bad::Json)? {
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

    /// The number or literal that starts here.
    fn plain(&mut self) -> Result<Value<'a>, Bad> {
        let rest = &self.line[self.at..];
        let word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.');
        let length = rest.iter().position(|b| !word(b)).unwrap_or(rest.len());
        if length == 0 {
            return Err(Bad::Json);
        }
        self.at += length;
        Ok(Value { raw: &rest[..length], kind: Kind::Other })
    }
}

/// Undoes the escapes of a JSON text.
fn unescape(raw: &[u8], into: &mut String) -> Result<(), Bad> {
    into.clear();
    let mut rest = std::str::from_utf8(raw).map_err(|_| Bad::Host)?;
    while let Some(at) = rest.find('\\') {
        into.push_str(&rest[..at]);
        let mut chars = rest[at + 1..].chars();
        match chars.next().ok_or(Bad::Json)? {
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
                into.push(decoded.ok_or(Bad::Json)?);
                continue;
            }
            'b' => into.push('\u{8}'),
            'f' => into.push('\u{c}'),
            'n' => into.push('\n'),
            'r' => into.push('\r'),
            't' => into.push('\t'),
            same @ ('"' | '\\' | '/') => into.push(same),
            _ => return Err(Bad::Json),
        }
        rest = chars.as_str();
    }
    into.push_str(rest);
    Ok(())
}

/// Four hexadecimal digits, and what follows.
fn code_unit(text: &str) -> Result<(u16, &str), Bad> {
    let (digits, rest) = text.split_at_checked(4).ok_or(Bad::Json)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Bad::Json);
    }
    u16::from_str_radix(digits, 16).map(|code| (code, rest)).map_err(|_| Bad::Json)
}

//! nginx and Apache `combined`. Fields after the bytes are not read, so Apache's `common` is accepted too.
//!
//! ```text
//! 127.0.0.1 - - [22/Nov/2026:09:01:03 +0000] "GET /v.mp4 HTTP/1.1" 206 1000 "-" "curl/7.88.1"
//! ```
//!
//! **User names.** Clients choose the user name freely: nginx logs the name of any `Authorization: Basic` header, even if the site requires
//! no authentication. The name may contain spaces, brackets and text that looks like a time. Both servers escape quotes in it (`\x22`,
//! `\"`), except that Apache writes an empty name as `""`. Therefore the request starts at the first unescaped quote after a bracketed
//! time.

use memchr::{memchr2, memrchr};

use super::notes::Notes;
use super::numbers::{bytes, status};
use super::times::Dates;
use super::tokens::Tokens;
use super::{LineError, LogEntry};

/// Longer than any time in brackets.
const LONGEST_TIME: usize = 32;

pub(super) fn parse<'a>(line: &'a [u8], dates: &mut Dates) -> Result<LogEntry<'a>, LineError> {
    let (end_ms, request) = end_and_request(line, dates)?;
    let mut words = Tokens(request);
    words.quoted().ok_or(LineError::Layout)?;
    let code = words.word().ok_or(LineError::Layout)?;
    let sent = words.word().ok_or(LineError::Layout)?;
    Ok(LogEntry {
        host: None,
        end_ms,
        duration_ms: 0,
        bytes: bytes(sent).ok_or(LineError::Bytes)?,
        status: status(code).ok_or(LineError::Status)?,
        cache_hit: None,
        notes: Notes::default(),
    })
}

/// Returns whether a line is complete.
pub(super) fn ends_with_user_agent(line: &[u8], dates: &mut Dates) -> bool {
    let mut read = || {
        let mut words = Tokens(end_and_request(line, dates).ok()?.1);
        words.quoted()?;
        words.word()?;
        words.word()?;
        words.quoted()?;
        words.quoted()?;
        Some(words.0.is_empty())
    };
    read().unwrap_or_default()
}

/// Returns the time in Unix milliseconds and the line from the quote of the request on.
fn end_and_request<'a>(line: &'a [u8], dates: &mut Dates) -> Result<(i64, &'a [u8]), LineError> {
    let (mut at, mut reason) = (0, LineError::Layout);
    while let Some(found) = line.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if line[at] == b'\\' {
            at += 2;
            continue;
        }
        if let Some(time) = bracketed_at_end(&line[..at]) {
            match dates.common(time) {
                Some(end_ms) => return Ok((end_ms, &line[at..])),
                None => reason = LineError::Time,
            }
        }
        at += 1;
    }
    Err(reason)
}

/// Returns the bracketed string at the end of a text, if it is followed by a space and is not the first token.
fn bracketed_at_end(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_suffix(b" ")?.trim_ascii_end().strip_suffix(b"]")?;
    let (before, time) = text.split_at(text.len().saturating_sub(LONGEST_TIME));
    let open = memrchr(b'[', time)?;
    let is_first = before.is_empty() && time[..open].trim_ascii().is_empty();
    (!is_first).then(|| &time[open + 1..])
}

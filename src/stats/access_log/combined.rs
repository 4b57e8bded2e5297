//! nginx and Apache `combined`; what follows the bytes is not read, so Apache's `common` is taken too.
//!
//! ```text
//! 127.0.0.1 - - [22/Nov/2026:09:01:03 +0000] "GET /v.mp4 HTTP/1.1" 206 1000 "-" "curl/7.88.1"
//! ```
//!
//! **User names.** A client chooses its user name freely: nginx logs that of any `Authorization: Basic`, whether or not the site asks for
//! one. So the name may hold blanks, brackets and what looks like a time. Both servers escape quotes in it (`\x22`, `\"`), except that
//! Apache writes an empty name as `""`. The request is therefore the first unescaped quote right after a bracketed time.

use memchr::{memchr2, memrchr};

use super::assumptions::Notes;
use super::numbers::{bytes, status};
use super::times::Dates;
use super::tokens::Words;
use super::{Bad, Hit};

/// Longer than any time in brackets.
const LONGEST_TIME: usize = 32;

pub(super) fn parse<'a>(line: &'a [u8], dates: &mut Dates) -> Result<Hit<'a>, Bad> {
    let (end_ms, request) = end_and_request(line, dates)?;
    let mut words = Words(request);
    words.quoted().ok_or(Bad::Layout)?;
    let code = words.word().ok_or(Bad::Layout)?;
    let sent = words.word().ok_or(Bad::Layout)?;
    Ok(Hit {
        host: None,
        end_ms,
        duration_ms: 0,
        bytes: bytes(sent).ok_or(Bad::Bytes)?,
        status: status(code).ok_or(Bad::Status)?,
        hit: None,
        notes: Notes::default(),
    })
}

/// Returns whether nothing is missing at the end of a line.
pub(super) fn ends_with_user_agent(line: &[u8], dates: &mut Dates) -> bool {
    let mut read = || {
        let mut words = Words(end_and_request(line, dates).ok()?.1);
        words.quoted()?;
        words.word()?;
        words.word()?;
        words.quoted()?;
        words.quoted()?;
        Some(words.0.is_empty())
    };
    read().unwrap_or_default()
}

/// The time, and the line from the request's quote on.
fn end_and_request<'a>(line: &'a [u8], dates: &mut Dates) -> Result<(i64, &'a [u8]), Bad> {
    let (mut at, mut reason) = (0, Bad::Layout);
    while let Some(found) = line.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if line[at] == b'\\' {
            at += 2;
            continue;
        }
        if let Some(time) = bracketed_at_end(&line[..at]) {
            match dates.common(time) {
                Some(end_ms) => return Ok((end_ms, &line[at..])),
                None => reason = Bad::Time,
            }
        }
        at += 1;
    }
    Err(reason)
}

/// The last word of a text when it is in brackets, with something before it and a blank behind it.
fn bracketed_at_end(text: &[u8]) -> Option<&[u8]> {
    let text = text.strip_suffix(b" ")?.trim_ascii_end().strip_suffix(b"]")?;
    let (before, time) = text.split_at(text.len().saturating_sub(LONGEST_TIME));
    let open = memrchr(b'[', time)?;
    let is_first = before.is_empty() && time[..open].trim_ascii().is_empty();
    (!is_first).then(|| &time[open + 1..])
}

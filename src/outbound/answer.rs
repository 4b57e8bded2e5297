//! Lenient reader of HTTP/1 responses.
//!
//! The status line decides the result of a request; the rest of the response only explains it. So the status line must be complete, and
//! errors after it are reported without changing the result. Like curl and browsers, the reader
//! - joins folded header lines (RFC 9112 §5.2) and accepts blanks before the colon, bare LF and a missing reason phrase,
//! - ignores header lines without a colon, or with an invalid name or value,
//! - ignores interim responses (RFC 9110 §15.2),
//! - reads a body that ends with the connection.
//!
//! A lenient reader and the server may disagree about the end of a response, so the connection is reused only after a response that is
//! valid in every detail ([`Rest::is_exact`]).
//!
//! Memory is bounded: 64 KiB for the lines of a head, 64 KiB for those around a chunk, and 16 KiB for the body.

use std::io::{self, ErrorKind};

use bytes::{Buf, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::Answer;

/// Maximum size of the status line and the headers, and of the lines around a chunk.
const MAX_LINES: usize = 64 * 1024;
/// Maximum size of a body; the rest is not read.
const MAX_BODY: usize = 16 * 1024;
/// Size of one read.
const READ: usize = 8 * 1024;
/// Start of a status line.
const PROTOCOL: &[u8] = b"HTTP/";

/// Error while reading a response.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("the connection was closed before the end of the response")]
    Closed,
    #[error("the connection broke: {0}")]
    Io(io::Error),
    #[error("not HTTP")]
    NotHttp,
    #[error("its headers or chunk lines exceed 64 KiB")]
    TooLarge,
    #[error("invalid content-length")]
    Length,
    #[error("invalid chunked encoding")]
    Chunks,
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // TLS without a closing alert.
            ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// Status line of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StatusLine {
    pub(super) status: StatusCode,
    /// It has exactly the form of HTTP/1.1.
    is_exact: bool,
}

/// Result of reading the rest of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rest {
    /// The whole response is valid and was read to its end, and the server keeps the connection open.
    pub(super) is_exact: bool,
}

/// Framing of a body.
enum Framing {
    Empty,
    Length(u64),
    Chunks,
    WithConnection,
}

/// Reads one response.
pub(super) struct Reader<'a, S> {
    stream: &'a mut S,
    buffer: BytesMut,
    /// At least one byte was read.
    is_begun: bool,
    /// Remaining size of lines.
    room: usize,
    /// All lines so far have exactly the form of HTTP/1.1.
    is_exact: bool,
}

impl<'a, S: AsyncRead + Unpin> Reader<'a, S> {
    pub(super) fn new(stream: &'a mut S) -> Self {
        Self { stream, buffer: BytesMut::new(), is_begun: false, room: MAX_LINES, is_exact: true }
    }

    /// Returns whether any byte was read.
    pub(super) fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// Reads the status line of the final response.
    pub(super) async fn status_line(&mut self) -> Result<StatusLine, ReadError> {
        loop {
            self.beginning().await?;
            let line = parse_status_line(&self.line().await?).ok_or(ReadError::NotHttp)?;
            if !line.status.is_informational() || line.status == StatusCode::SWITCHING_PROTOCOLS {
                return Ok(line);
            }
            while !self.line().await?.is_empty() {}
            self.room = MAX_LINES;
        }
    }

    /// Waits for the start of a status line, so that another protocol is detected at once. Empty lines may precede it.
    async fn beginning(&mut self) -> Result<(), ReadError> {
        loop {
            while let [b'\r' | b'\n', ..] = self.buffer[..] {
                self.buffer.advance(1);
                self.is_exact = false;
            }
            let begun = &self.buffer[..self.buffer.len().min(PROTOCOL.len())];
            if !begun.eq_ignore_ascii_case(&PROTOCOL[..begun.len()]) {
                return Err(ReadError::NotHttp);
            }
            if begun.len() == PROTOCOL.len() {
                return Ok(());
            }
            self.read().await?;
        }
    }

    /// Reads the rest of the response into `answer`, up to the first error.
    pub(super) async fn rest(&mut self, line: StatusLine, answer: &mut Answer) -> Result<Rest, ReadError> {
        self.headers(&mut answer.headers).await?;
        let (framing, is_sure) = framing(line.status, &answer.headers)?;
        answer.truncated = !self.body(framing, &mut answer.body).await?;
        let is_exact = line.is_exact && self.is_exact && is_sure && !answer.truncated && self.buffer.is_empty();
        Ok(Rest { is_exact: is_exact && !closes(&answer.headers) })
    }

    async fn headers(&mut self, headers: &mut HeaderMap) -> Result<(), ReadError> {
        let mut open: Option<(HeaderName, Vec<u8>)> = None;
        loop {
            let line = self.line().await;
            if let Ok([b' ' | b'\t', folded @ ..]) = line.as_deref() {
                self.is_exact = false;
                // A continuation of an ignored line is ignored too.
                if let Some((_, value)) = &mut open {
                    value.push(b' ');
                    value.extend_from_slice(folded.trim_ascii());
                }
                continue;
            }
            if let Some((name, value)) = open.take() {
                let value = HeaderValue::from_bytes(value.trim_ascii()).ok();
                self.is_exact &= value.is_some_and(|value| headers.try_append(name, value).is_ok());
            }
            let line = line?;
            if line.is_empty() {
                return Ok(());
            }
            open = parse_header(&line);
            self.is_exact &= open.as_ref().is_some_and(|(name, _)| line.get(name.as_str().len()) == Some(&b':'));
        }
    }

    /// Reads up to 16 KiB; returns whether that is the whole body.
    async fn body(&mut self, framing: Framing, body: &mut Vec<u8>) -> Result<bool, ReadError> {
        match framing {
            Framing::Empty => Ok(true),
            Framing::Length(length) => self.take(length, body).await,
            Framing::WithConnection => match self.take(u64::MAX, body).await {
                Err(ReadError::Closed) => Ok(true),
                read => read,
            },
            Framing::Chunks => loop {
                self.room = MAX_LINES;
                let size = parse_chunk_size(&self.line().await?).ok_or(ReadError::Chunks)?;
                if size == 0 {
                    // Trailers.
                    while !self.line().await?.is_empty() {}
                    return Ok(true);
                }
                if !self.take(size, body).await? {
                    return Ok(false);
                }
                if !self.line().await?.is_empty() {
                    return Err(ReadError::Chunks);
                }
            },
        }
    }

    /// Reads `length` bytes; returns `false` if they exceed the limit.
    async fn take(&mut self, mut length: u64, body: &mut Vec<u8>) -> Result<bool, ReadError> {
        while length > 0 {
            if self.buffer.is_empty() {
                self.read().await?;
            }
            let here = usize::try_from(length).map_or(self.buffer.len(), |length| length.min(self.buffer.len()));
            let kept = here.min(MAX_BODY - body.len());
            body.extend_from_slice(&self.buffer[..kept]);
            if kept < here {
                return Ok(false);
            }
            self.buffer.advance(here);
            length -= here as u64;
        }
        Ok(true)
    }

    /// Reads a line without its end.
    async fn line(&mut self) -> Result<Vec<u8>, ReadError> {
        let mut searched = 0;
        loop {
            if let Some(found) = memchr::memchr(b'\n', &self.buffer[searched..]) {
                let length = searched + found;
                self.room = self.room.checked_sub(length + 1).ok_or(ReadError::TooLarge)?;
                let line = self.buffer.split_to(length);
                self.buffer.advance(1);
                let exact = line.strip_suffix(b"\r");
                self.is_exact &= exact.is_some();
                return Ok(exact.unwrap_or(&line).to_vec());
            }
            searched = self.buffer.len();
            if searched >= self.room {
                return Err(ReadError::TooLarge);
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<(), ReadError> {
        self.buffer.reserve(READ);
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(ReadError::Closed);
        }
        self.is_begun = true;
        Ok(())
    }
}

/// Accepts what curl accepts: any case, and a version of 1 to 3, which some HTTP/1 servers write.
fn parse_status_line(line: &[u8]) -> Option<StatusLine> {
    let space = line.iter().position(|byte| *byte == b' ')?;
    let version = line[..space].get(PROTOCOL.len()..)?;
    if !matches!(version, [b'1'..=b'3'] | [b'1'..=b'3', b'.', b'0'..=b'9']) {
        return None;
    }
    let (code, reason) = line[space..].trim_ascii_start().split_at_checked(3)?;
    if reason.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let is_exact = line.starts_with(b"HTTP/1.1 ") && matches!(line.get(12), None | Some(b' '));
    Some(StatusLine { status: StatusCode::from_bytes(code).ok()?, is_exact })
}

fn parse_header(line: &[u8]) -> Option<(HeaderName, Vec<u8>)> {
    let colon = memchr::memchr(b':', line)?;
    let name = HeaderName::from_bytes(line[..colon].trim_ascii_end()).ok()?;
    Some((name, line[colon + 1..].to_vec()))
}

/// Returns the framing, and whether the server must understand it in the same way (RFC 9112 §6.3).
fn framing(status: StatusCode, headers: &HeaderMap) -> Result<(Framing, bool), ReadError> {
    let length = content_length(headers);
    let codings: Vec<&[u8]> = elements(headers, &TRANSFER_ENCODING).collect();
    match status {
        StatusCode::SWITCHING_PROTOCOLS => return Ok((Framing::Empty, false)),
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => {
            return Ok((Framing::Empty, codings.is_empty() && matches!(length, Ok(None | Some(0)))));
        }
        _ => {}
    }
    Ok(match codings.last() {
        Some(last) if last.eq_ignore_ascii_case(b"chunked") => {
            (Framing::Chunks, codings.len() == 1 && matches!(length, Ok(None)))
        }
        Some(_) => (length.ok().flatten().map_or(Framing::WithConnection, Framing::Length), false),
        None => match length? {
            Some(length) => (Framing::Length(length), true),
            None => (Framing::WithConnection, false),
        },
    })
}

/// Reads the length, which may be repeated.
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, ReadError> {
    let mut length = None;
    for element in elements(headers, &CONTENT_LENGTH) {
        let digits = std::str::from_utf8(element).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let read: u64 = digits.and_then(|digits| digits.parse().ok()).ok_or(ReadError::Length)?;
        if length.is_some_and(|length| length != read) {
            return Err(ReadError::Length);
        }
        length = Some(read);
    }
    Ok(length)
}

fn closes(headers: &HeaderMap) -> bool {
    elements(headers, &CONNECTION).any(|option| option.eq_ignore_ascii_case(b"close"))
}

/// Returns the elements of a list header, over all its lines.
fn elements<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).into_iter();
    lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

/// Ignores extensions, which do not affect the size.
fn parse_chunk_size(line: &[u8]) -> Option<u64> {
    let size = line.split(|byte| *byte == b';').next()?.trim_ascii();
    let size = std::str::from_utf8(size).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u64::from_str_radix(size, 16).ok()
}

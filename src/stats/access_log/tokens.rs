//! Tokens of a text line: words, quoted strings and bracketed strings.

use memchr::{memchr, memchr2};

/// The rest of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tokens<'a>(pub(super) &'a [u8]);

impl<'a> Tokens<'a> {
    /// Takes the next word, which ends at a space.
    pub(super) fn word(&mut self) -> Option<&'a [u8]> {
        self.spaces();
        let end = memchr(b' ', self.0).unwrap_or(self.0.len());
        self.take(end, end).filter(|word| !word.is_empty())
    }

    /// Takes the next string in double quotes. A backslash escapes a quote.
    pub(super) fn quoted(&mut self) -> Option<&'a [u8]> {
        self.spaces();
        let inside = self.0.strip_prefix(b"\"")?;
        let mut from = 0;
        loop {
            let at = from + memchr2(b'"', b'\\', inside.get(from..)?)?;
            if inside[at] == b'"' {
                self.0 = &inside[at + 1..];
                return Some(&inside[..at]);
            }
            from = at + 2;
        }
    }

    /// Takes the next string in square brackets.
    pub(super) fn bracketed(&mut self) -> Option<&'a [u8]> {
        self.spaces();
        self.0 = self.0.strip_prefix(b"[")?;
        let end = memchr(b']', self.0)?;
        self.take(end, end + 1)
    }

    /// Takes everything before the next `stop`.
    pub(super) fn before(&mut self, stop: u8) -> Option<&'a [u8]> {
        let end = memchr(stop, self.0)?;
        self.take(end, end)
    }

    fn spaces(&mut self) {
        while let [b' ', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    fn take(&mut self, end: usize, next: usize) -> Option<&'a [u8]> {
        let word = self.0.get(..end)?;
        self.0 = self.0.get(next..)?;
        Some(word)
    }
}

/// Returns the last word of a text.
pub(super) fn last_word(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii_end();
    let start = memchr::memrchr(b' ', text).map_or(0, |at| at + 1);
    &text[start..]
}

/// Returns `host:port` of `http://host:port/path?query`; `None` for a path without host.
pub(super) fn url_host(url: &[u8]) -> Option<&[u8]> {
    let scheme = memchr::memmem::find(url, b"://")?;
    let host = &url[scheme + 3..];
    let end = memchr2(b'/', b'?', host).unwrap_or(host.len());
    Some(&host[..end]).filter(|host| !host.is_empty())
}

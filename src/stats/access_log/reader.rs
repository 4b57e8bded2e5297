//! Reads a file from start to end: decompresses it, splits it into lines, counts them and emits batches.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read};
use std::ops::ControlFlow;

use memchr::{memchr, memchr_iter, memrchr};

use super::decompress::{Decompressed, is_after_content};
use super::format::UnsupportedContent;
use super::tally::Lines;
use super::{Format, LineError, Tally};
use crate::stats::{Digest, UsageRow};

/// Number of bytes at the start of a file that identify it.
const HEAD: usize = 4096;
const LONGEST_LINE: usize = 1 << 20;
/// Room for the longest line and one more block.
const BUFFER: usize = 2 << 20;
/// Uncompressed bytes per batch: half a second of work, so that commits cost little in comparison.
const BATCH: u64 = 256 << 20;

/// The counts since the previous batch. A batch ends at the end of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Sorted by domain, `(other)` first, then by time.
    pub rows: Vec<UsageRow>,
    /// Requests and bad lines.
    pub lines: u64,
    pub bad: u64,
    /// Requests for unknown hosts.
    pub unknown: u64,
    /// Uncompressed bytes read so far.
    pub offset: u64,
    /// Digest of everything up to `offset`.
    pub prefix: Digest,
    /// Digest of the first 4 KiB; if `offset` is less, of the complete lines up to it; if there is only an unfinished line, of that line.
    pub head: Digest,
}

/// The imported part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownPrefix {
    pub offset: u64,
    pub prefix: Digest,
}

/// Whether more content may be appended to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// The file is finished: a last line without line feed counts.
    Finished,
    /// The file is still being written: a last line without line feed is left for the next [`LogReader::run`].
    Growing,
}

/// Result of a run. Everything counted so far has been emitted, except after `Stopped` and `Changed`.
#[derive(Debug)]
pub enum ReadEnd {
    /// Reached the end of the content.
    Complete,
    /// The receiver of batches stopped the run.
    Stopped,
    /// The content is truncated or damaged. The line where it breaks off counts if it is complete.
    Broken(io::Error),
    /// The file was truncated and rewritten while it was read. Lines since the last batch may mix both contents and do not count.
    Changed,
}

/// A reader of one file. All calls block. It needs 2 MiB in addition to the memory for decompression.
pub struct LogReader<R: Read, O: FnMut() -> io::Result<R>> {
    open: O,
    content: Decompressed<R>,
    buffer: Vec<u8>,
    /// Positions in the buffer: the end of hashed content, of counted lines, and of content.
    hashed: usize,
    from: usize,
    to: usize,
    /// Hash of everything before `hashed`.
    hasher: blake3::Hasher,
    /// Number of content bytes before the buffer.
    before: u64,
    /// Number of lines before `from`.
    lines: u64,
    /// The content at `from` belongs to a line that was already refused as too long.
    is_overlong: bool,
    /// End of the last batch.
    batched: u64,
    broken: Option<io::Error>,
    /// The first 4 KiB, as far as read.
    head: Vec<u8>,
    /// Content bytes per batch.
    batch: u64,
}

impl<R: Read, O: FnMut() -> io::Result<R>> LogReader<R, O> {
    /// Opens a file and reads its first MiB. `open` is called again whenever the file must be read from its start, also while an earlier
    /// reader is in use.
    pub fn open(mut open: O) -> io::Result<Self> {
        let content = Decompressed::open(open()?)?;
        let mut reader = Self {
            open,
            content,
            buffer: vec![0; BUFFER],
            hashed: 0,
            from: 0,
            to: 0,
            hasher: blake3::Hasher::new(),
            before: 0,
            lines: 0,
            is_overlong: false,
            batched: 0,
            broken: None,
            head: Vec::with_capacity(HEAD),
            batch: BATCH,
        };
        while reader.to < LONGEST_LINE && reader.fill() {}
        if reader.to == 0
            && let Some(error) = reader.broken.take()
        {
            return Err(error);
        }
        Ok(reader)
    }

    /// Returns the heads that may be stored for this file: that of its first 4 KiB, and those of shorter versions of the file.
    #[must_use]
    pub fn heads(&self) -> Vec<Digest> {
        heads(&self.head)
    }

    /// Detects the format of the first lines. Must be called before [`Self::resume`].
    #[must_use]
    pub fn detect_format(&self) -> Option<Format> {
        Format::detect(&self.buffer[..self.to])
    }

    /// Detects content that no parser can read.
    #[must_use]
    pub fn unsupported_content(&self) -> Option<UnsupportedContent> {
        UnsupportedContent::detect(&self.buffer[..self.to])
    }

    /// Skips the longest known prefix; `tally` must be new. Returns `None` if no prefix matches, so that the file is read from its start.
    ///
    /// # Errors
    /// [`ReadEnd::Changed`] or [`ReadEnd::Broken`].
    pub fn resume(&mut self, known: &[KnownPrefix], tally: &mut Tally) -> Result<Option<KnownPrefix>, ReadEnd> {
        let mut found = None;
        let candidates: BTreeSet<_> = known.iter().filter(|known| known.offset > 0).copied().collect();
        for candidate in &candidates {
            if !self.skip(candidate.offset, tally) {
                break;
            }
            if self.prefix() == candidate.prefix {
                found = Some(*candidate);
            }
        }
        if found.map_or(0, |known| known.offset) != self.offset() {
            self.rewind().map_err(ReadEnd::Broken)?;
            if let Some(known) = found
                && !(self.skip(known.offset, tally) && self.prefix() == known.prefix)
            {
                return Err(ReadEnd::Changed);
            }
        }
        self.batched = self.offset();
        Ok(found)
    }

    /// Counts lines up to the end of the content. `emit` receives a batch about every 256 MiB and at the end, and may stop the run.
    pub fn run(&mut self, tally: &mut Tally, tail: Tail, mut emit: impl FnMut(Batch) -> ControlFlow<()>) -> ReadEnd {
        loop {
            while let Some(length) = memchr(b'\n', &self.buffer[self.from..self.to]) {
                self.lines += 1;
                let end = self.from + length;
                if self.is_overlong {
                    self.is_overlong = false;
                } else if length > LONGEST_LINE {
                    tally.refuse(self.lines, LineError::TooLong);
                } else {
                    tally.line(self.lines, &self.buffer[self.from..end]);
                }
                self.from = end + 1;
                let due = self.offset() - self.batched >= self.batch || tally.is_full();
                if due && let Err(end) = self.emit_batch(tally, tail, &mut emit) {
                    return end;
                }
            }
            if self.to - self.from > LONGEST_LINE {
                if !self.is_overlong {
                    // An import cannot resume within a line, so the lines before it are emitted now.
                    if self.offset() > self.batched
                        && let Err(end) = self.emit_batch(tally, tail, &mut emit)
                    {
                        return end;
                    }
                    tally.refuse(self.lines + 1, LineError::TooLong);
                }
                self.is_overlong = true;
                self.from = self.to;
            }
            if !self.fill() {
                break;
            }
        }
        if tail == Tail::Finished {
            self.end_last_line(tally);
        }
        if self.offset() > self.batched
            && !self.is_overlong
            && let Err(end) = self.emit_batch(tally, tail, &mut emit)
        {
            return end;
        }
        self.broken.take().map_or(ReadEnd::Complete, ReadEnd::Broken)
    }

    /// Counts a last line without line feed. If the content is truncated, the line counts only if it is complete, because the next copy of
    /// the file may contain more of it.
    fn end_last_line(&mut self, tally: &mut Tally) {
        let line = &self.buffer[self.from..self.to];
        let is_complete = self.broken.as_ref().is_none_or(is_after_content);
        if !is_complete && (self.is_overlong || !tally.is_complete(line)) {
            return;
        }
        if !line.is_empty() && !self.is_overlong {
            tally.line(self.lines + 1, line);
        }
        self.from = self.to;
        self.is_overlong = false;
    }

    /// Returns the number of uncompressed bytes read so far.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.before + self.from as u64
    }

    /// Sets the size of batches.
    #[cfg(test)]
    pub(super) fn in_batches_of(mut self, bytes: u64) -> Self {
        self.batch = bytes;
        self
    }

    fn emit_batch(
        &mut self,
        tally: &mut Tally,
        tail: Tail,
        emit: &mut impl FnMut(Batch) -> ControlFlow<()>,
    ) -> Result<(), ReadEnd> {
        if tail == Tail::Growing && !self.has_same_head().map_err(ReadEnd::Broken)? {
            return Err(ReadEnd::Changed);
        }
        if emit(self.batch(tally)).is_break() { Err(ReadEnd::Stopped) } else { Ok(()) }
    }

    /// Returns whether the file still has the head that was read. Truncation removes the head as well, so if it is unchanged, everything
    /// read so far belongs to one content.
    fn has_same_head(&mut self) -> io::Result<bool> {
        let mut head = Vec::with_capacity(HEAD);
        Decompressed::open((self.open)()?)?.take(self.head.len() as u64).read_to_end(&mut head)?;
        Ok(head == self.head)
    }

    fn batch(&mut self, tally: &mut Tally) -> Batch {
        let (rows, Lines { all: lines, bad, unknown }) = tally.take();
        let (offset, prefix) = (self.offset(), self.prefix());
        self.batched = offset;
        let head = if offset < HEAD as u64 {
            self.short_head(offset).unwrap_or(prefix)
        } else {
            *blake3::hash(&self.head).as_bytes()
        };
        Batch { rows, lines, bad, unknown, offset, prefix, head }
    }

    /// Returns the digest of the complete lines of a short file, because an unfinished last line may be longer in the next copy of the file.
    /// Returns `None` if there is no complete line.
    fn short_head(&self, offset: u64) -> Option<Digest> {
        let taken = self.head.get(..usize::try_from(offset).ok()?)?;
        let feed = memrchr(b'\n', taken)?;
        Some(*blake3::hash(&taken[..=feed]).as_bytes())
    }

    /// Returns the digest of everything up to `from`.
    fn prefix(&mut self) -> Digest {
        self.hasher.update(&self.buffer[self.hashed..self.from]);
        self.hashed = self.from;
        *self.hasher.finalize().as_bytes()
    }

    /// Skips lines up to an offset. Returns false if the content ends before it.
    fn skip(&mut self, until: u64, tally: &mut Tally) -> bool {
        loop {
            let wanted = usize::try_from(until - self.before).unwrap_or(usize::MAX);
            let end = wanted.min(self.to);
            while let Some(length) = memchr(b'\n', &self.buffer[self.from..end]) {
                self.lines += 1;
                tally.skip(&self.buffer[self.from..self.from + length]);
                self.from += length + 1;
            }
            if wanted == end || self.to - self.from > LONGEST_LINE {
                self.from = end;
            }
            if wanted == end {
                return true;
            }
            if !self.fill() {
                return false;
            }
        }
    }

    fn rewind(&mut self) -> io::Result<()> {
        self.content = Decompressed::open((self.open)()?)?;
        self.hasher.reset();
        (self.hashed, self.from, self.to) = (0, 0, 0);
        (self.before, self.lines) = (0, 0);
        self.head.clear();
        self.broken = None;
        Ok(())
    }

    /// Reads more content into the buffer. Returns false at the end of the content.
    fn fill(&mut self) -> bool {
        if self.broken.is_some() {
            return false;
        }
        if self.from > 0 {
            self.hasher.update(&self.buffer[self.hashed..self.from]);
            self.buffer.copy_within(self.from..self.to, 0);
            self.before += self.from as u64;
            (self.hashed, self.from, self.to) = (0, 0, self.to - self.from);
        }
        loop {
            match self.content.read(&mut self.buffer[self.to..]) {
                Ok(read) => {
                    if self.before + self.to as u64 == self.head.len() as u64 {
                        let wanted = read.min(HEAD - self.head.len());
                        self.head.extend_from_slice(&self.buffer[self.to..self.to + wanted]);
                    }
                    self.to += read;
                    return read > 0;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.broken = Some(error);
                    return false;
                }
            }
        }
    }
}

/// Returns the digest of a head, then those of its shorter prefixes that end before or after a line feed.
///
/// Lines of all formats have at least 32 bytes; a head with more lines than that allows contains no log.
fn heads(head: &[u8]) -> Vec<Digest> {
    let mut heads = vec![*blake3::hash(head).as_bytes()];
    let mut hasher = blake3::Hasher::new();
    let mut hashed = 0;
    for feed in memchr_iter(b'\n', head).take(HEAD / 32) {
        for end in [feed, feed + 1] {
            hasher.update(&head[hashed..end]);
            hashed = end;
            heads.push(*hasher.finalize().as_bytes());
        }
    }
    heads.dedup();
    heads
}

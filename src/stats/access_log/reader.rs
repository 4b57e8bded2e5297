//! A file from its first byte to its last: unpacked, cut into lines, counted, handed over batch by batch.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read};
use std::ops::ControlFlow;

use memchr::{memchr, memchr_iter, memrchr};

use super::format::Foreign;
use super::tally::Lines;
use super::unpack::{Unpacked, is_behind_content};
use super::{Bad, Format, Tally};
use crate::stats::UsageRow;

/// BLAKE3 of unpacked content.
pub type Digest = [u8; 32];

/// The part by which a file is found again.
const HEAD: usize = 4096;
const LONGEST_LINE: usize = 1 << 20;
/// Holds the longest line and a block behind it.
const BUFFER: usize = 2 << 20;
/// Unpacked content after which a batch goes: half a second's work, so that its commit is little beside it.
const BATCH: u64 = 256 << 20;

/// What was counted since the batch before; it ends where a line ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// By domain, then by time; the domain `(other)` first.
    pub rows: Vec<UsageRow>,
    /// Requests and bad lines.
    pub lines: u64,
    pub bad: u64,
    /// Requests of hosts that the console does not know.
    pub unknown: u64,
    /// Unpacked content taken so far, bytes from the file's start.
    pub offset: u64,
    /// Of everything up to `offset`.
    pub prefix: Digest,
    /// Of the first 4 KiB, or of the whole lines up to `offset` when that is less; of an only line that is unfinished, of that line.
    pub head: Digest,
}

/// What is stored of a file that was taken before, whole or in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    pub offset: u64,
    pub prefix: Digest,
}

/// Whether more may come after what is there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// The file is finished: a last line without a line feed counts.
    Finished,
    /// It is still being written: a last line without a line feed waits for the next [`Reading::run`].
    Growing,
}

/// Result of a run. Everything counted so far has been handed over, except with `Stopped` and `Changed`.
#[derive(Debug)]
pub enum End {
    /// At the end of what is there.
    Complete,
    /// The taker of batches asked for it.
    Stopped,
    /// The content cannot be read further: cut short or damaged. The line in which that happened counts if it is whole.
    Broken(io::Error),
    /// The file was truncated and rewritten while it was read. Lines since the last batch may mix both contents and do not count.
    Changed,
}

/// Reads one file. All calls block; it takes 2 MiB besides what unpacking needs.
pub struct Reading<R: Read, O: FnMut() -> io::Result<R>> {
    open: O,
    content: Unpacked<R>,
    buffer: Vec<u8>,
    /// In the buffer: content that is hashed ends at `hashed`, counted lines end at `from`, what was read ends at `to`.
    hashed: usize,
    from: usize,
    to: usize,
    /// Of everything before `hashed`.
    hasher: blake3::Hasher,
    /// Content before the buffer's first byte.
    before: u64,
    /// Lines that ended before `from`.
    lines: u64,
    /// The line at `from` is part of one that is too long already.
    overlong: bool,
    /// Where the last batch ended.
    batched: u64,
    broken: Option<io::Error>,
    /// The first 4 KiB, as far as they were read.
    head: Vec<u8>,
    /// Content of a batch.
    batch: u64,
}

impl<R: Read, O: FnMut() -> io::Result<R>> Reading<R, O> {
    /// Opens a file and reads its first block. `open` is called again to read it from its start, also while an earlier reader is in use.
    pub fn open(mut open: O) -> io::Result<Self> {
        let content = Unpacked::open(open()?)?;
        let mut reading = Self {
            open,
            content,
            buffer: vec![0; BUFFER],
            hashed: 0,
            from: 0,
            to: 0,
            hasher: blake3::Hasher::new(),
            before: 0,
            lines: 0,
            overlong: false,
            batched: 0,
            broken: None,
            head: Vec::with_capacity(HEAD),
            batch: BATCH,
        };
        while reading.to < LONGEST_LINE && reading.fill() {}
        if reading.to == 0
            && let Some(error) = reading.broken.take()
        {
            return Err(error);
        }
        Ok(reading)
    }

    /// The heads under which this file may be known: that of its first 4 KiB, and those of a file that was shorter once.
    #[must_use]
    pub fn heads(&self) -> Vec<Digest> {
        heads(&self.head)
    }

    /// The format of its first lines. Before [`Self::resume`].
    #[must_use]
    pub fn recognise(&self) -> Option<Format> {
        Format::recognise(&self.buffer[..self.to])
    }

    /// The kind of the content, if no line of it can be read.
    #[must_use]
    pub fn foreign(&self) -> Option<Foreign> {
        Foreign::of(&self.buffer[..self.to])
    }

    /// Passes over the longest prefix that is known already; `tally` has counted nothing yet. `None`: this is another file, and it is read
    /// from its start. The error is [`End::Changed`] or [`End::Broken`].
    pub fn resume(&mut self, known: &[Known], tally: &mut Tally) -> Result<Option<Known>, End> {
        let mut found = None;
        let candidates: BTreeSet<_> = known.iter().filter(|known| known.offset > 0).copied().collect();
        for candidate in &candidates {
            if !self.pass(candidate.offset, tally) {
                break;
            }
            if self.prefix() == candidate.prefix {
                found = Some(*candidate);
            }
        }
        if found.map_or(0, |known| known.offset) != self.offset() {
            self.rewind().map_err(End::Broken)?;
            if let Some(known) = found
                && !(self.pass(known.offset, tally) && self.prefix() == known.prefix)
            {
                return Err(End::Changed);
            }
        }
        self.batched = self.offset();
        Ok(found)
    }

    /// Counts lines up to the end of what is there. `take` gets a batch about every 256 MiB and at the end, and may stop the run; what it
    /// stopped at counts as handed over.
    pub fn run(&mut self, tally: &mut Tally, tail: Tail, mut take: impl FnMut(Batch) -> ControlFlow<()>) -> End {
        loop {
            while let Some(length) = memchr(b'\n', &self.buffer[self.from..self.to]) {
                self.lines += 1;
                let end = self.from + length;
                if self.overlong {
                    self.overlong = false;
                } else if length > LONGEST_LINE {
                    tally.refuse(self.lines, Bad::TooLong);
                } else {
                    tally.line(self.lines, &self.buffer[self.from..end]);
                }
                self.from = end + 1;
                let due = self.offset() - self.batched >= self.batch || tally.is_full();
                if due && let Err(end) = self.hand_over(tally, tail, &mut take) {
                    return end;
                }
            }
            if self.to - self.from > LONGEST_LINE {
                if !self.overlong {
                    // Inside of it is no place to resume, so what comes before goes now.
                    if self.offset() > self.batched
                        && let Err(end) = self.hand_over(tally, tail, &mut take)
                    {
                        return end;
                    }
                    tally.refuse(self.lines + 1, Bad::TooLong);
                }
                self.overlong = true;
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
            && !self.overlong
            && let Err(end) = self.hand_over(tally, tail, &mut take)
        {
            return end;
        }
        self.broken.take().map_or(End::Complete, End::Broken)
    }

    /// Counts a last line without a line feed. Where the content broke off, more of it may come with the next copy of the file.
    fn end_last_line(&mut self, tally: &mut Tally) {
        let line = &self.buffer[self.from..self.to];
        let is_complete = self.broken.as_ref().is_none_or(is_behind_content);
        if !is_complete && (self.overlong || !tally.is_whole(line)) {
            return;
        }
        if !line.is_empty() && !self.overlong {
            tally.line(self.lines + 1, line);
        }
        self.from = self.to;
        self.overlong = false;
    }

    /// Unpacked content taken so far, bytes.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.before + self.from as u64
    }

    /// Batches of another size.
    #[cfg(test)]
    pub(super) fn in_batches_of(mut self, bytes: u64) -> Self {
        self.batch = bytes;
        self
    }

    fn hand_over(
        &mut self,
        tally: &mut Tally,
        tail: Tail,
        take: &mut impl FnMut(Batch) -> ControlFlow<()>,
    ) -> Result<(), End> {
        if tail == Tail::Growing && !self.begins_as_before().map_err(End::Broken)? {
            return Err(End::Changed);
        }
        if take(self.batch(tally)).is_break() { Err(End::Stopped) } else { Ok(()) }
    }

    /// Returns whether the file still has the head that was read. Truncation removes the head as well, so if it is unchanged, everything
    /// read so far belongs to one content.
    fn begins_as_before(&mut self) -> io::Result<bool> {
        let mut head = Vec::with_capacity(HEAD);
        Unpacked::open((self.open)()?)?.take(self.head.len() as u64).read_to_end(&mut head)?;
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

    /// The digest of a short file's whole lines: more of an unfinished last line may come with the next copy of the file. `None`: it has none.
    fn short_head(&self, offset: u64) -> Option<Digest> {
        let taken = self.head.get(..usize::try_from(offset).ok()?)?;
        let feed = memrchr(b'\n', taken)?;
        Some(*blake3::hash(&taken[..=feed]).as_bytes())
    }

    /// The digest of everything up to `from`.
    fn prefix(&mut self) -> Digest {
        self.hasher.update(&self.buffer[self.hashed..self.from]);
        self.hashed = self.from;
        *self.hasher.finalize().as_bytes()
    }

    /// Passes over lines up to an offset; false when the content ends before.
    fn pass(&mut self, until: u64, tally: &mut Tally) -> bool {
        loop {
            let wanted = usize::try_from(until - self.before).unwrap_or(usize::MAX);
            let end = wanted.min(self.to);
            while let Some(length) = memchr(b'\n', &self.buffer[self.from..end]) {
                self.lines += 1;
                tally.pass(&self.buffer[self.from..self.from + length]);
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
        self.content = Unpacked::open((self.open)()?)?;
        self.hasher.reset();
        (self.hashed, self.from, self.to) = (0, 0, 0);
        (self.before, self.lines) = (0, 0);
        self.head.clear();
        self.broken = None;
        Ok(())
    }

    /// Reads on, behind what is not counted yet; false at the end of what is there.
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

/// The digest of a head, then those of its shorter prefixes that end before or after a line feed.
///
/// No line of any format is shorter than 32 bytes; a head of more lines than that allows holds none worth finding again.
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

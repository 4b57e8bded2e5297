//! Decompresses gzip and zstd, detected by the first bytes; other files are read as they are.
//!
//! Consecutive gzip members and zstd frames form one content. Zeros between and after them are padding of tapes and block-wise copies; like
//! gzip(1), the reader skips them. Other bytes are an error, which is reported after everything before them was read.

use std::io::{self, BufRead, ErrorKind, Read};
use std::mem;

use flate2::bufread::GzDecoder;

/// Number of bytes read from a file at a time.
const BLOCK: usize = 64 << 10;
/// Length of the longest magic number.
const MAGIC: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    /// Detects the compression from the first four bytes.
    fn detect(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            // A data frame, or a skippable frame, with which parallel compressors start.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Returns whether a file that starts with these bytes is gzip or zstd.
#[must_use]
pub fn is_compressed(start: &[u8]) -> bool {
    Compression::detect(start).is_some()
}

/// Bytes after compressed content that are neither padding nor compressed. The content before them is complete.
#[derive(Debug, thiserror::Error)]
#[error("the compressed content is followed by bytes that are neither gzip nor zstd")]
struct Trailing;

/// Returns whether the error occurred after the complete content.
pub(super) fn is_after_content(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|why| why.is::<Trailing>())
}

/// The uncompressed content of a file.
pub(super) enum Decompressed<R: Read> {
    Plain(PeekReader<R>),
    Gzip(Box<GzDecoder<PeekReader<R>>>),
    Zstd(Box<zstd::Decoder<'static, PeekReader<R>>>),
    /// The end of compressed content.
    Done,
}

impl<R: Read> Decompressed<R> {
    pub(super) fn open(file: R) -> io::Result<Self> {
        let mut file = PeekReader::new(file);
        match Compression::detect(file.peek()?) {
            Some(compression) => Self::member(compression, file),
            None => Ok(Self::Plain(file)),
        }
    }

    fn member(compression: Compression, file: PeekReader<R>) -> io::Result<Self> {
        Ok(match compression {
            Compression::Gzip => Self::Gzip(Box::new(GzDecoder::new(file))),
            Compression::Zstd => Self::Zstd(Box::new(zstd::Decoder::with_buffer(file)?.single_frame())),
        })
    }

    /// Opens the member after another one, or returns `Done`.
    fn after(mut file: PeekReader<R>) -> io::Result<Self> {
        file.skip_zeros()?;
        match file.peek()? {
            [] => Ok(Self::Done),
            start => {
                let compression =
                    Compression::detect(start).ok_or_else(|| io::Error::new(ErrorKind::InvalidData, Trailing))?;
                Self::member(compression, file)
            }
        }
    }
}

impl<R: Read> Read for Decompressed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Self::Plain(content) => return content.read(into),
                Self::Gzip(member) => member.read(into)?,
                Self::Zstd(member) => member.read(into)?,
                Self::Done => return Ok(0),
            };
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            *self = match mem::replace(self, Self::Done) {
                Self::Gzip(member) => Self::after(member.into_inner())?,
                Self::Zstd(member) => Self::after(member.finish())?,
                done => done,
            };
        }
    }
}

/// A buffered reader of the stored bytes that can peek at the next four.
pub(super) struct PeekReader<R> {
    file: R,
    block: Vec<u8>,
    from: usize,
    to: usize,
}

impl<R: Read> PeekReader<R> {
    fn new(file: R) -> Self {
        Self { file, block: vec![0; BLOCK], from: 0, to: 0 }
    }

    /// Returns the next four bytes without consuming them, fewer at the end of the file.
    fn peek(&mut self) -> io::Result<&[u8]> {
        if self.to - self.from < MAGIC {
            self.block.copy_within(self.from..self.to, 0);
            (self.from, self.to) = (0, self.to - self.from);
            while self.to < MAGIC {
                match self.file.read(&mut self.block[self.to..]) {
                    Ok(0) => break,
                    Ok(read) => self.to += read,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(&self.block[self.from..self.to.min(self.from + MAGIC)])
    }

    fn skip_zeros(&mut self) -> io::Result<()> {
        loop {
            let ahead = self.fill_buf()?;
            let zeros = ahead.iter().take_while(|byte| **byte == 0).count();
            let is_all = zeros == ahead.len() && zeros > 0;
            self.consume(zeros);
            if !is_all {
                return Ok(());
            }
        }
    }
}

impl<R: Read> BufRead for PeekReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.from == self.to {
            (self.from, self.to) = (0, 0);
            self.to = self.file.read(&mut self.block)?;
        }
        Ok(&self.block[self.from..self.to])
    }

    fn consume(&mut self, bytes: usize) {
        self.from = self.to.min(self.from + bytes);
    }
}

impl<R: Read> Read for PeekReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // Avoids a copy of uncompressed content.
        if self.from == self.to {
            return self.file.read(into);
        }
        let read = self.block[self.from..self.to].as_ref().read(into)?;
        self.from += read;
        Ok(read)
    }
}

//! Plain, gzip or zstd, told apart by the first bytes.
//!
//! Members of gzip and frames of zstd that follow each other are one content. Zeros between and after them are padding, which tapes and
//! block-wise copies leave; like gzip(1), the reader passes over them. Other bytes are an error, after everything before them was read.

use std::io::{self, BufRead, ErrorKind, Read};
use std::mem;

use flate2::bufread::GzDecoder;

/// Bytes that are read from a file at a time.
const BLOCK: usize = 64 << 10;
/// The longest magic number.
const MAGIC: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    /// `start`: the first four bytes, if there are so many.
    fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            // A frame of data, or one to be skipped, with which parallel packers start.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Returns whether a file that starts so is gzip or zstd.
#[must_use]
pub fn is_packed(start: &[u8]) -> bool {
    Packing::of(start).is_some()
}

/// Bytes behind packed content that are neither padding nor packed. The content itself is complete.
#[derive(Debug, thiserror::Error)]
#[error("the compressed content is followed by bytes that are neither gzip nor zstd")]
struct Trailing;

/// Returns whether reading failed only behind the content.
pub(super) fn is_behind_content(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|why| why.is::<Trailing>())
}

/// The content of a file.
pub(super) enum Unpacked<R: Read> {
    Plain(File<R>),
    Gzip(Box<GzDecoder<File<R>>>),
    Zstd(Box<zstd::Decoder<'static, File<R>>>),
    /// At the end of packed content.
    Over,
}

impl<R: Read> Unpacked<R> {
    pub(super) fn open(file: R) -> io::Result<Self> {
        let mut file = File::new(file);
        match Packing::of(file.start()?) {
            Some(packing) => Self::member(packing, file),
            None => Ok(Self::Plain(file)),
        }
    }

    fn member(packing: Packing, file: File<R>) -> io::Result<Self> {
        Ok(match packing {
            Packing::Gzip => Self::Gzip(Box::new(GzDecoder::new(file))),
            Packing::Zstd => Self::Zstd(Box::new(zstd::Decoder::with_buffer(file)?.single_frame())),
        })
    }

    /// The member that follows another one, or the end.
    fn after(mut file: File<R>) -> io::Result<Self> {
        file.pass_zeros()?;
        match file.start()? {
            [] => Ok(Self::Over),
            start => {
                let packing = Packing::of(start).ok_or_else(|| io::Error::new(ErrorKind::InvalidData, Trailing))?;
                Self::member(packing, file)
            }
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Self::Plain(content) => return content.read(into),
                Self::Gzip(member) => member.read(into)?,
                Self::Zstd(member) => member.read(into)?,
                Self::Over => return Ok(0),
            };
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            *self = match mem::replace(self, Self::Over) {
                Self::Gzip(member) => Self::after(member.into_inner())?,
                Self::Zstd(member) => Self::after(member.finish())?,
                over => over,
            };
        }
    }
}

/// A file as it is stored, read block by block, with a look ahead.
pub(super) struct File<R> {
    file: R,
    block: Vec<u8>,
    from: usize,
    to: usize,
}

impl<R: Read> File<R> {
    fn new(file: R) -> Self {
        Self { file, block: vec![0; BLOCK], from: 0, to: 0 }
    }

    /// The next four bytes, fewer at the end of the file.
    fn start(&mut self) -> io::Result<&[u8]> {
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

    fn pass_zeros(&mut self) -> io::Result<()> {
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

impl<R: Read> BufRead for File<R> {
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

impl<R: Read> Read for File<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // Plain content goes straight to where it is counted.
        if self.from == self.to {
            return self.file.read(into);
        }
        let read = self.block[self.from..self.to].as_ref().read(into)?;
        self.from += read;
        Ok(read)
    }
}

//! Plain, gzip or zstd, told apart by the first bytes.

use std::io::{self, BufReader, Chain, Cursor, Read};

use flate2::read::MultiGzDecoder;

/// A file as it lies, its first bytes put back.
type Packed<R> = Chain<Cursor<Vec<u8>>, R>;

/// The content of a file. Members of gzip and frames of zstd follow each other as one content.
pub(super) enum Unpacked<R: Read> {
    Plain(Packed<R>),
    Gzip(Box<MultiGzDecoder<Packed<R>>>),
    Zstd(Box<zstd::Decoder<'static, BufReader<Packed<R>>>>),
}

impl<R: Read> Unpacked<R> {
    pub(super) fn open(mut file: R) -> io::Result<Self> {
        let mut magic = Vec::with_capacity(4);
        file.by_ref().take(4).read_to_end(&mut magic)?;
        let kind = magic.clone();
        let packed = Cursor::new(magic).chain(file);
        Ok(match kind[..] {
            [0x1f, 0x8b, ..] => Self::Gzip(Box::new(MultiGzDecoder::new(packed))),
            // A frame of data, or one to be skipped, with which parallel packers start.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
                Self::Zstd(Box::new(zstd::Decoder::new(packed)?))
            }
            _ => Self::Plain(packed),
        })
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(content) => content.read(into),
            Self::Gzip(content) => content.read(into),
            Self::Zstd(content) => content.read(into),
        }
    }
}

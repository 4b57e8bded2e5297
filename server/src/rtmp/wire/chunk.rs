//! Cuts the byte stream into messages (RTMP 1.0, sections 5.3 and 5.4).
//!
//! **Extended timestamps.** From 0xFFFFFF ms (4 h 39 min) on, a timestamp has four bytes of its own. RTMP 1.0 repeats them in each
//! continuation chunk; encoders built on librtmp before 2024 do not. The first continuation that can tell decides for the connection: the
//! four bytes are either the timestamp again or media.

use bytes::{Buf, Bytes, BytesMut};

/// Bytes of a chunk's payload until a peer says otherwise.
const DEFAULT_CHUNK_SIZE: u32 = 128;
/// Chunk streams a peer may use. Encoders use at most eight.
const MOST_CHUNK_STREAMS: usize = 64;
/// Marks a timestamp that has four bytes of its own.
const EXTENDED: u32 = 0xFF_FFFF;
/// Longest command or metadata that is read, in bytes.
pub(crate) const LONGEST_TEXT_MESSAGE: u32 = 64 * 1024;

/// Message types, by type id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    SetChunkSize,
    Abort,
    Acknowledgement,
    UserControl,
    WindowSize,
    PeerBandwidth,
    Audio,
    Video,
    /// Metadata in AMF0, or in AMF3 with AMF0 inside.
    Data,
    /// A command in AMF0, or in AMF3 with AMF0 inside.
    Command,
    Aggregate,
    Unknown(u8),
}

impl Kind {
    pub(crate) const fn from_id(id: u8) -> Self {
        match id {
            1 => Self::SetChunkSize,
            2 => Self::Abort,
            3 => Self::Acknowledgement,
            4 => Self::UserControl,
            5 => Self::WindowSize,
            6 => Self::PeerBandwidth,
            8 => Self::Audio,
            9 => Self::Video,
            15 | 18 => Self::Data,
            17 | 20 => Self::Command,
            22 => Self::Aggregate,
            id => Self::Unknown(id),
        }
    }

    pub(crate) const fn is_media(self) -> bool {
        matches!(self, Self::Audio | Self::Video | Self::Aggregate)
    }
}

/// A whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: Kind,
    /// ms, wraps around.
    pub(crate) timestamp: u32,
    /// The message stream that it belongs to.
    pub(crate) stream: u32,
    pub(crate) payload: Bytes,
}

/// Why the bytes cannot be read further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChunkError {
    #[error("chunk stream {0} continues a message that never began")]
    NoHeader(u32),
    #[error("a message on chunk stream {0} began before the one before it was complete")]
    CutShort(u32),
    #[error("more than {MOST_CHUNK_STREAMS} chunk streams")]
    TooManyStreams,
    #[error("a chunk size of {0} bytes")]
    BadChunkSize(u32),
    #[error("a control message of {0} bytes")]
    BadControl(u32),
    #[error("a message of {0} bytes; {LONGEST_TEXT_MESSAGE} are allowed before the publish is accepted")]
    TooLong(u32),
    #[error("{0} bytes of unfinished messages")]
    TooMuchUnfinished(usize),
}

/// Reads chunks. Give it what was received; it takes what it can use.
#[derive(Debug)]
pub(crate) struct ChunkReader {
    chunk_size: u32,
    streams: Vec<ChunkStream>,
    /// The chunk whose payload is being read: its place in `streams`, and bytes left of it.
    current: Option<(usize, u32)>,
    repeats_extended: Option<bool>,
    accepts_media: bool,
    most_unfinished: usize,
}

/// State of a chunk stream.
#[derive(Debug, Default)]
struct ChunkStream {
    id: u32,
    header: Header,
    /// Bytes of the message that are still to come; 0 between messages.
    left: u32,
    /// `false`: the message is skipped without being stored.
    is_kept: bool,
    payload: BytesMut,
}

/// Message header: the fields of the chunk header, or those of the previous message.
#[derive(Debug, Default, Clone, Copy)]
struct Header {
    /// Timestamp of the message in ms.
    timestamp: u32,
    /// Added to the timestamp by a message that comes without a header.
    step: u32,
    /// Value of the extended timestamp field.
    extended: Option<u32>,
    length: u32,
    kind: u8,
    message_stream: u32,
}

impl ChunkReader {
    /// `most_unfinished`: bytes that all unfinished messages together may have.
    pub(crate) fn new(most_unfinished: usize) -> Self {
        Self {
            chunk_size: DEFAULT_CHUNK_SIZE,
            streams: Vec::new(),
            current: None,
            repeats_extended: None,
            accepts_media: false,
            most_unfinished,
        }
    }

    /// Accepts media messages. Before a publish they are skipped, and messages must be short.
    pub(crate) fn accept_media(&mut self, accepts: bool) {
        self.accepts_media = accepts;
    }

    /// Returns whether a message or chunk is incomplete.
    pub(crate) fn is_amid_message(&self) -> bool {
        self.current.is_some() || self.streams.iter().any(|stream| stream.left > 0)
    }

    /// Bytes held of unfinished messages.
    pub(crate) fn held(&self) -> usize {
        self.streams.iter().map(|stream| stream.payload.len()).sum()
    }

    /// The next whole message, or `None` when more bytes are needed. Chunk sizes and aborts are applied here and not passed on.
    ///
    /// # Errors
    /// [`ChunkError`]; nothing can be read after it.
    pub(crate) fn next(&mut self, input: &mut BytesMut) -> Result<Option<Message>, ChunkError> {
        loop {
            let (place, left) = match self.current {
                Some(current) => current,
                None => match self.read_header(input)? {
                    Some(place) => {
                        let left = self.chunk_size.min(self.streams[place].left);
                        self.current = Some((place, left));
                        (place, left)
                    }
                    None => return Ok(None),
                },
            };
            let taken = left.min(u32::try_from(input.len()).unwrap_or(u32::MAX));
            self.store(place, input.split_to(taken as usize))?;
            if taken < left {
                self.current = Some((place, left - taken));
                return Ok(None);
            }
            self.current = None;
            if self.streams[place].left == 0
                && let Some(message) = self.finish(place)?
            {
                return Ok(Some(message));
            }
        }
    }

    fn store(&mut self, place: usize, piece: BytesMut) -> Result<(), ChunkError> {
        let stream = &mut self.streams[place];
        stream.left -= u32::try_from(piece.len()).unwrap_or(u32::MAX);
        if !stream.is_kept {
            return Ok(());
        }
        // A copy, so that a short message does not keep the buffer it was received in.
        stream.payload.extend_from_slice(&piece);
        let held = self.held();
        if held > self.most_unfinished { Err(ChunkError::TooMuchUnfinished(held)) } else { Ok(()) }
    }

    /// A message whose last byte is there, unless it was for the reader itself or is passed over.
    fn finish(&mut self, place: usize) -> Result<Option<Message>, ChunkError> {
        let stream = &mut self.streams[place];
        let payload = std::mem::take(&mut stream.payload).freeze();
        if !stream.is_kept {
            return Ok(None);
        }
        let Header { timestamp, length, kind, message_stream, .. } = stream.header;
        let kind = Kind::from_id(kind);
        let message = Message { kind, timestamp, stream: message_stream, payload };
        let number = || message.payload.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        match kind {
            Kind::SetChunkSize => {
                let size = number().ok_or(ChunkError::BadControl(length))?;
                if size == 0 || size > i32::MAX.unsigned_abs() {
                    return Err(ChunkError::BadChunkSize(size));
                }
                self.chunk_size = size;
                Ok(None)
            }
            Kind::Abort => {
                let id = number().ok_or(ChunkError::BadControl(length))?;
                if let Some(aborted) = self.streams.iter_mut().find(|stream| stream.id == id) {
                    aborted.left = 0;
                    aborted.payload = BytesMut::new();
                }
                Ok(None)
            }
            _ => Ok(Some(message)),
        }
    }

    /// Reads a chunk's header, and leaves it where it is while a byte of it is missing.
    fn read_header(&mut self, input: &mut BytesMut) -> Result<Option<usize>, ChunkError> {
        let mut bytes = &input[..];
        let before = bytes.len();
        let Some((format, id)) = basic_header(&mut bytes) else { return Ok(None) };
        let place = self.streams.iter().position(|stream| stream.id == id);
        let is_amid = place.is_some_and(|place| self.streams[place].left > 0);
        if format < 3 && is_amid {
            return Err(ChunkError::CutShort(id));
        }
        let known = match place {
            Some(place) => self.streams[place].header,
            None if format > 0 => return Err(ChunkError::NoHeader(id)),
            None if self.streams.len() >= MOST_CHUNK_STREAMS => return Err(ChunkError::TooManyStreams),
            None => Header::default(),
        };
        let mut next = known;
        if bytes.len() < [11, 7, 3, 0][usize::from(format)] {
            return Ok(None);
        }
        if format < 3 {
            next.step = get_u24(&mut bytes);
            if format < 2 {
                next.length = get_u24(&mut bytes);
                next.kind = bytes.get_u8();
            }
            if format == 0 {
                next.message_stream = bytes.get_u32_le();
            }
            next.extended = None;
            if next.step == EXTENDED {
                let Ok(extended) = bytes.try_get_u32() else { return Ok(None) };
                (next.step, next.extended) = (extended, Some(extended));
            }
        } else if known.extended.is_some() && !(is_amid && self.repeats_extended == Some(false)) {
            let Some(field) = bytes.first_chunk().map(|field| u32::from_be_bytes(*field)) else { return Ok(None) };
            // Senders repeat the field of the header or the timestamp that came of it.
            let is_repeated = Some(field) == known.extended || field == known.timestamp;
            if is_repeated {
                bytes.advance(4);
            }
            if is_amid {
                self.repeats_extended = Some(is_repeated);
            }
        }
        if !is_amid {
            next.timestamp = if format == 0 { next.step } else { known.timestamp.wrapping_add(next.step) };
        }
        let read = before - bytes.len();
        let place = match place {
            Some(place) => place,
            None => {
                self.streams.push(ChunkStream { id, ..ChunkStream::default() });
                self.streams.len() - 1
            }
        };
        if !is_amid {
            let is_kept = self.keeps(&next)?;
            let stream = &mut self.streams[place];
            (stream.header, stream.left, stream.is_kept) = (next, next.length, is_kept);
        }
        input.advance(read);
        Ok(Some(place))
    }

    /// Decides whether a new message is stored or skipped.
    fn keeps(&self, header: &Header) -> Result<bool, ChunkError> {
        match Kind::from_id(header.kind) {
            Kind::SetChunkSize | Kind::Abort | Kind::Acknowledgement | Kind::WindowSize | Kind::PeerBandwidth
                if header.length > 16 =>
            {
                Err(ChunkError::BadControl(header.length))
            }
            kind if kind.is_media() && self.accepts_media => Ok(true),
            _ if header.length > LONGEST_TEXT_MESSAGE && !self.accepts_media => Err(ChunkError::TooLong(header.length)),
            Kind::Audio | Kind::Video | Kind::Aggregate | Kind::Unknown(_) => Ok(false),
            _ => Ok(header.length <= LONGEST_TEXT_MESSAGE),
        }
    }
}

/// The format of a chunk's header and its chunk stream.
fn basic_header(bytes: &mut &[u8]) -> Option<(u8, u32)> {
    let first = bytes.try_get_u8().ok()?;
    let id = match first & 0x3F {
        0 => 64 + u32::from(bytes.try_get_u8().ok()?),
        1 => 64 + u32::from(bytes.try_get_u16_le().ok()?),
        id => u32::from(id),
    };
    Some((first >> 6, id))
}

/// The caller has checked that three bytes are there.
fn get_u24(bytes: &mut &[u8]) -> u32 {
    u32::from(bytes.get_u8()) << 16 | u32::from(bytes.get_u16())
}

/// Appends one message in chunks of the default size. Our own messages have no time.
pub(crate) fn write_message(out: &mut Vec<u8>, chunk_stream: u8, message_stream: u32, kind: u8, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&[chunk_stream, 0, 0, 0]);
    out.extend_from_slice(&length.to_be_bytes()[1..]);
    out.push(kind);
    out.extend_from_slice(&message_stream.to_le_bytes());
    for (number, piece) in payload.chunks(DEFAULT_CHUNK_SIZE as usize).enumerate() {
        if number > 0 {
            out.push(0xC0 | chunk_stream);
        }
        out.extend_from_slice(piece);
    }
}

#[cfg(test)]
mod tests;

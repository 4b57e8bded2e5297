//! Splits the byte stream into messages (RTMP 1.0, sections 5.3 and 5.4).
//!
//! **Extended timestamps.** A timestamp of 0xFFFFFF ms (4 h 39 min) or more is sent in a separate four-byte field. RTMP 1.0 repeats that field
//! in each continuation chunk; encoders based on librtmp before 2024 do not. The first continuation chunk with such a timestamp decides for
//! the connection: its first four bytes are either the timestamp again or media.

use bytes::{Buf, Bytes, BytesMut};

/// Maximum payload size of a chunk until the peer changes it.
const DEFAULT_CHUNK_SIZE: u32 = 128;
/// Maximum number of chunk streams. Encoders use up to eight.
const MAX_CHUNK_STREAMS: usize = 64;
/// Timestamp value that announces an extended timestamp.
const EXTENDED: u32 = 0xFF_FFFF;
/// Maximum size of a command or metadata message.
pub(crate) const MAX_TEXT_MESSAGE: u32 = 64 * 1024;

/// Message types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageKind {
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

impl MessageKind {
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

/// A complete message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: MessageKind,
    /// In ms; wraps around.
    pub(crate) timestamp: u32,
    /// Message stream id.
    pub(crate) stream: u32,
    pub(crate) payload: Bytes,
}

/// A violation of the protocol, after which nothing more can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChunkError {
    #[error("chunk stream {0} continues a message that never began")]
    NoHeader(u32),
    #[error("a message on chunk stream {0} began before the one before it was complete")]
    CutShort(u32),
    #[error("more than {MAX_CHUNK_STREAMS} chunk streams")]
    TooManyStreams,
    #[error("a chunk size of {0} bytes")]
    BadChunkSize(u32),
    #[error("a control message of {0} bytes")]
    BadControl(u32),
    #[error("a message of {0} bytes; {MAX_TEXT_MESSAGE} are allowed before the publish is accepted")]
    TooLong(u32),
    #[error("{0} bytes of unfinished messages")]
    TooMuchUnfinished(usize),
}

/// Reads messages from the received bytes.
#[derive(Debug)]
pub(crate) struct ChunkReader {
    chunk_size: u32,
    streams: Vec<ChunkStream>,
    /// The chunk whose payload is being read: index into `streams`, and remaining bytes.
    current: Option<(usize, u32)>,
    repeats_extended: Option<bool>,
    accepts_media: bool,
    max_unfinished: usize,
}

/// State of a chunk stream.
#[derive(Debug, Default)]
struct ChunkStream {
    id: u32,
    header: Header,
    /// Remaining bytes of the message; 0 between messages.
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
    /// Timestamp delta, which also applies to a message without a header.
    step: u32,
    /// Value of the extended timestamp field.
    extended: Option<u32>,
    length: u32,
    kind: u8,
    message_stream: u32,
}

impl ChunkReader {
    /// Creates a reader that holds up to `max_unfinished` bytes of unfinished messages.
    pub(crate) fn new(max_unfinished: usize) -> Self {
        Self {
            chunk_size: DEFAULT_CHUNK_SIZE,
            streams: Vec::new(),
            current: None,
            repeats_extended: None,
            accepts_media: false,
            max_unfinished,
        }
    }

    /// Sets whether media is accepted. Otherwise media is skipped, and all messages must be short.
    pub(crate) fn accept_media(&mut self, accepts: bool) {
        self.accepts_media = accepts;
    }

    /// Returns whether a message or chunk is incomplete.
    pub(crate) fn has_unfinished(&self) -> bool {
        self.current.is_some() || self.streams.iter().any(|stream| stream.left > 0)
    }

    /// Returns the number of bytes held of unfinished messages.
    pub(crate) fn held(&self) -> usize {
        self.streams.iter().map(|stream| stream.payload.len()).sum()
    }

    /// Returns the next message, or `None` if more bytes are needed. Chunk sizes and aborts are applied here and not returned.
    ///
    /// # Errors
    /// The bytes violate the protocol.
    pub(crate) fn next(&mut self, input: &mut BytesMut) -> Result<Option<Message>, ChunkError> {
        loop {
            let (index, left) = match self.current {
                Some(current) => current,
                None => match self.read_header(input)? {
                    Some(index) => {
                        let left = self.chunk_size.min(self.streams[index].left);
                        self.current = Some((index, left));
                        (index, left)
                    }
                    None => return Ok(None),
                },
            };
            let taken = left.min(u32::try_from(input.len()).unwrap_or(u32::MAX));
            self.store(index, input.split_to(taken as usize))?;
            if taken < left {
                self.current = Some((index, left - taken));
                return Ok(None);
            }
            self.current = None;
            if self.streams[index].left == 0
                && let Some(message) = self.finish(index)?
            {
                return Ok(Some(message));
            }
        }
    }

    fn store(&mut self, index: usize, piece: BytesMut) -> Result<(), ChunkError> {
        let stream = &mut self.streams[index];
        stream.left -= u32::try_from(piece.len()).unwrap_or(u32::MAX);
        if !stream.is_kept {
            return Ok(());
        }
        // Copied, so that a short message does not keep the input buffer alive.
        stream.payload.extend_from_slice(&piece);
        let held = self.held();
        if held > self.max_unfinished { Err(ChunkError::TooMuchUnfinished(held)) } else { Ok(()) }
    }

    /// Returns a completely received message, unless it is skipped or was addressed to the reader.
    fn finish(&mut self, index: usize) -> Result<Option<Message>, ChunkError> {
        let stream = &mut self.streams[index];
        let payload = std::mem::take(&mut stream.payload).freeze();
        if !stream.is_kept {
            return Ok(None);
        }
        let Header { timestamp, length, kind, message_stream, .. } = stream.header;
        let kind = MessageKind::from_id(kind);
        let message = Message { kind, timestamp, stream: message_stream, payload };
        let number = || message.payload.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        match kind {
            MessageKind::SetChunkSize => {
                let size = number().ok_or(ChunkError::BadControl(length))?;
                if size == 0 || size > i32::MAX.unsigned_abs() {
                    return Err(ChunkError::BadChunkSize(size));
                }
                self.chunk_size = size;
                Ok(None)
            }
            MessageKind::Abort => {
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

    /// Reads a chunk header and returns the index of its stream. Consumes nothing if the header is incomplete.
    fn read_header(&mut self, input: &mut BytesMut) -> Result<Option<usize>, ChunkError> {
        let mut bytes = &input[..];
        let before = bytes.len();
        let Some((format, id)) = basic_header(&mut bytes) else { return Ok(None) };
        let index = self.streams.iter().position(|stream| stream.id == id);
        let is_unfinished = index.is_some_and(|index| self.streams[index].left > 0);
        if format < 3 && is_unfinished {
            return Err(ChunkError::CutShort(id));
        }
        let known = match index {
            Some(index) => self.streams[index].header,
            None if format > 0 => return Err(ChunkError::NoHeader(id)),
            None if self.streams.len() >= MAX_CHUNK_STREAMS => return Err(ChunkError::TooManyStreams),
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
        } else if known.extended.is_some() && !(is_unfinished && self.repeats_extended == Some(false)) {
            let Some(field) = bytes.first_chunk().map(|field| u32::from_be_bytes(*field)) else { return Ok(None) };
            // Senders repeat either the header field or the resulting timestamp.
            let is_repeated = Some(field) == known.extended || field == known.timestamp;
            if is_repeated {
                bytes.advance(4);
            }
            if is_unfinished {
                self.repeats_extended = Some(is_repeated);
            }
        }
        if !is_unfinished {
            next.timestamp = if format == 0 { next.step } else { known.timestamp.wrapping_add(next.step) };
        }
        let read = before - bytes.len();
        let index = match index {
            Some(index) => index,
            None => {
                self.streams.push(ChunkStream { id, ..ChunkStream::default() });
                self.streams.len() - 1
            }
        };
        if !is_unfinished {
            let is_kept = self.keeps(&next)?;
            let stream = &mut self.streams[index];
            (stream.header, stream.left, stream.is_kept) = (next, next.length, is_kept);
        }
        input.advance(read);
        Ok(Some(index))
    }

    /// Decides whether a new message is stored or skipped.
    fn keeps(&self, header: &Header) -> Result<bool, ChunkError> {
        match MessageKind::from_id(header.kind) {
            MessageKind::SetChunkSize
            | MessageKind::Abort
            | MessageKind::Acknowledgement
            | MessageKind::WindowSize
            | MessageKind::PeerBandwidth
                if header.length > 16 =>
            {
                Err(ChunkError::BadControl(header.length))
            }
            kind if kind.is_media() && self.accepts_media => Ok(true),
            _ if header.length > MAX_TEXT_MESSAGE && !self.accepts_media => Err(ChunkError::TooLong(header.length)),
            MessageKind::Audio | MessageKind::Video | MessageKind::Aggregate | MessageKind::Unknown(_) => Ok(false),
            _ => Ok(header.length <= MAX_TEXT_MESSAGE),
        }
    }
}

/// Reads the format of a chunk header and the chunk stream id.
fn basic_header(bytes: &mut &[u8]) -> Option<(u8, u32)> {
    let first = bytes.try_get_u8().ok()?;
    let id = match first & 0x3F {
        0 => 64 + u32::from(bytes.try_get_u8().ok()?),
        1 => 64 + u32::from(bytes.try_get_u16_le().ok()?),
        id => u32::from(id),
    };
    Some((first >> 6, id))
}

/// Panics if there are fewer than three bytes.
fn get_u24(bytes: &mut &[u8]) -> u32 {
    u32::from(bytes.get_u8()) << 16 | u32::from(bytes.get_u16())
}

/// Appends one message in chunks of the default size, with timestamp 0.
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

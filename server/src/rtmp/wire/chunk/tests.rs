use proptest::prelude::*;

use super::*;

const PLENTY: usize = 20 << 20;

/// Writes chunks like an encoder.
struct ChunkWriter {
    out: Vec<u8>,
    chunk_size: usize,
    /// Continuation chunks repeat the extended timestamp.
    repeats: bool,
}

impl ChunkWriter {
    fn new(repeats: bool) -> Self {
        Self { out: Vec::new(), chunk_size: DEFAULT_CHUNK_SIZE as usize, repeats }
    }

    fn set_chunk_size(&mut self, size: usize) {
        let field = u32::try_from(size).expect("small").to_be_bytes();
        self.header(0, 2, 0, 4, 1, 0);
        self.out.extend(field);
        self.chunk_size = size;
    }

    fn header(&mut self, format: u8, id: u32, time: u32, length: usize, kind: u8, stream: u32) {
        match id {
            64..320 => self.out.extend([format << 6, u8::try_from(id - 64).expect("small")]),
            320.. => {
                self.out.push(format << 6 | 1);
                self.out.extend(u16::try_from(id - 64).expect("small").to_le_bytes());
            }
            _ => self.out.push(format << 6 | u8::try_from(id).expect("small")),
        }
        if format < 3 {
            self.out.extend(&time.min(EXTENDED).to_be_bytes()[1..]);
        }
        if format < 2 {
            self.out.extend(&u32::try_from(length).expect("small").to_be_bytes()[1..]);
            self.out.push(kind);
        }
        if format == 0 {
            self.out.extend(stream.to_le_bytes());
        }
        if time >= EXTENDED {
            self.out.extend(time.to_be_bytes());
        }
    }

    /// Writes a message without interleaving. `time` is a delta unless the format is 0.
    fn message(&mut self, format: u8, id: u32, time: u32, kind: u8, payload: &[u8]) {
        self.header(format, id, time, payload.len(), kind, 1);
        let mut pieces = payload.chunks(self.chunk_size);
        self.out.extend(pieces.next().unwrap_or_default());
        for piece in pieces {
            self.continuation(id, time, piece);
        }
    }

    fn continuation(&mut self, id: u32, time: u32, piece: &[u8]) {
        let time = if self.repeats { time } else { 0 };
        self.header(3, id, time, 0, 0, 0);
        self.out.extend(piece);
    }
}

/// Reads all bytes, received in pieces of these lengths.
fn read(reader: &mut ChunkReader, bytes: &[u8], pieces: &[usize]) -> Result<Vec<Message>, ChunkError> {
    let (mut input, mut messages, mut left) = (BytesMut::new(), Vec::new(), bytes);
    let mut pieces = pieces.iter().copied().cycle();
    while !left.is_empty() {
        let (piece, rest) = left.split_at(pieces.next().unwrap_or(usize::MAX).clamp(1, left.len()));
        input.extend_from_slice(piece);
        left = rest;
        while let Some(message) = reader.next(&mut input)? {
            messages.push(message);
        }
    }
    Ok(messages)
}

fn reader() -> ChunkReader {
    let mut reader = ChunkReader::new(PLENTY);
    reader.accept_media(true);
    reader
}

fn payload(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8 ^ seed).collect()
}

proptest! {
    #[test]
    fn messages_are_read_as_sent(
        sent in prop::collection::vec((0..3_u32, 0..70_000_usize, 0..5_000_u32), 1..9),
        start in prop_oneof![Just(0), Just(0xFF_FF00_u32), Just(0x0100_0000), Just(u32::MAX - 3_000)],
        chunk_size in prop_oneof![Just(1_usize), Just(128), Just(4_096), Just(65_536)],
        repeats in any::<bool>(),
        pieces in prop::collection::vec(1..3_000_usize, 1..9),
    ) {
        let mut writer = ChunkWriter::new(repeats);
        writer.set_chunk_size(chunk_size.max(if sent.iter().any(|(_, length, _)| *length > 9_000) { 128 } else { 1 }));
        let (mut expected, mut times) = (Vec::new(), [None; 3]);
        for (number, (place, length, step)) in sent.iter().enumerate() {
            let (id, kind) = [(4, 8), (6, 9), (400, 9)][*place as usize];
            let data = payload(*length, number as u8);
            let time = match times[*place as usize] {
                None => {
                    writer.message(0, id, start, kind, &data);
                    start
                }
                Some(before) => {
                    writer.message(1, id, *step, kind, &data);
                    step.wrapping_add(before)
                }
            };
            times[*place as usize] = Some(time);
            expected.push(Message { kind: MessageKind::from_id(kind), timestamp: time, stream: 1, payload: data.into() });
        }
        prop_assert_eq!(read(&mut reader(), &writer.out, &pieces), Ok(expected));
    }

    #[test]
    fn any_bytes_are_read_without_panic_or_excessive_memory(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0_u8), Just(0xFF), Just(3), Just(0xC3), Just(9)], 0..2_000),
        accepts_media in any::<bool>(),
        pieces in prop::collection::vec(1..300_usize, 1..9),
    ) {
        let mut reader = ChunkReader::new(PLENTY);
        reader.accept_media(accepts_media);
        let passed: usize = match read(&mut reader, &bytes, &pieces) {
            Ok(messages) => messages.iter().map(|message| message.payload.len()).sum(),
            Err(_) => 0,
        };
        let reserved: usize = reader.streams.iter().map(|stream| stream.payload.capacity()).sum();
        prop_assert!(reader.held() + passed <= bytes.len());
        prop_assert!(reserved <= 2 * bytes.len() + 64 * reader.streams.len(), "{reserved} for {}", bytes.len());
    }
}

#[test]
fn a_message_without_a_header_repeats_the_delta() {
    let mut writer = ChunkWriter::new(true);
    writer.message(0, 4, 1_000, 8, b"a");
    writer.message(2, 4, 23, 8, b"b");
    writer.message(3, 4, 0, 8, b"c");
    let times: Vec<_> = read(&mut reader(), &writer.out, &[]).expect("read").iter().map(|m| m.timestamp).collect();
    assert_eq!(times, [1_000, 1_023, 1_046]);
}

#[test]
fn interleaved_messages_are_reassembled() {
    let (video, audio) = (payload(300, 1), payload(200, 2));
    let mut writer = ChunkWriter::new(true);
    writer.header(0, 6, 5, 300, 9, 1);
    writer.out.extend(&video[..128]);
    writer.header(0, 4, 7, 200, 8, 1);
    writer.out.extend(&audio[..128]);
    writer.continuation(6, 0, &video[128..256]);
    writer.continuation(4, 0, &audio[128..]);
    writer.continuation(6, 0, &video[256..]);
    let messages = read(&mut reader(), &writer.out, &[7]).expect("read");
    assert_eq!(messages.iter().map(|message| &message.payload[..]).collect::<Vec<_>>(), [&audio[..], &video[..]]);
}

#[test]
fn a_stream_may_cross_the_limit_of_short_timestamps() {
    for repeats in [true, false] {
        let mut writer = ChunkWriter::new(repeats);
        let mut expected = Vec::new();
        for number in 0..60_u32 {
            let time = EXTENDED - 1_000 + number * 100;
            let data = payload(500, u8::try_from(number).expect("small"));
            writer.message(0, 6, time, 9, &data);
            expected.push((time, Bytes::from(data)));
        }
        let messages = read(&mut reader(), &writer.out, &[1, 13, 700]).expect("read");
        let seen: Vec<_> = messages.into_iter().map(|message| (message.timestamp, message.payload)).collect();
        assert_eq!(seen, expected, "repeats: {repeats}");
    }
}

#[test]
fn announced_lengths_reserve_no_memory() {
    let mut bytes = Vec::new();
    for id in 2..2 + MAX_CHUNK_STREAMS {
        let id = u32::try_from(id).expect("small");
        let mut writer = ChunkWriter::new(true);
        writer.header(0, id, 0, 0xFF_FFFF, 9, 1);
        writer.out.push(0);
        bytes.extend(writer.out);
    }
    // Each chunk should contain 128 bytes but only one is written, so the first chunk swallows the headers after it.
    let mut reader = reader();
    read(&mut reader, &bytes, &[]).ok();
    let reserved: usize = reader.streams.iter().map(|stream| stream.payload.capacity()).sum();
    assert!(reserved <= 2 * bytes.len(), "{reserved}");
}

#[test]
fn unfinished_messages_have_a_limit() {
    let mut writer = ChunkWriter::new(true);
    writer.set_chunk_size(1_000);
    for id in [4, 6, 8] {
        writer.header(0, id, 0, 5_000, 9, 1);
        writer.out.extend([0; 1_000]);
    }
    let mut reader = ChunkReader::new(2_500);
    reader.accept_media(true);
    assert_eq!(read(&mut reader, &writer.out, &[]), Err(ChunkError::TooMuchUnfinished(3_000)));
}

#[test]
fn before_a_publish_messages_must_be_short_and_media_is_skipped() {
    let read_before = |kind, length: usize| {
        let mut writer = ChunkWriter::new(true);
        writer.message(0, 6, 0, kind, &payload(length, 0));
        let mut reader = ChunkReader::new(PLENTY);
        read(&mut reader, &writer.out, &[]).map(|messages| messages.len())
    };
    assert_eq!(read_before(9, 60_000), Ok(0));
    assert_eq!(read_before(20, 60_000), Ok(1));
    assert_eq!(read_before(77, 60_000), Ok(0));
    for kind in [9, 20, 22, 77] {
        assert_eq!(read_before(kind, 70_000), Err(ChunkError::TooLong(70_000)), "{kind}");
    }
}

#[test]
fn unneeded_messages_are_skipped_during_a_publish() {
    let mut writer = ChunkWriter::new(true);
    writer.message(0, 6, 0, 77, &payload(100_000, 0));
    writer.message(0, 6, 0, 18, &payload(100_000, 0));
    writer.message(0, 6, 40, 9, b"frame");
    let messages = read(&mut reader(), &writer.out, &[1_000]).expect("read");
    assert_eq!(messages.len(), 1);
    assert_eq!((messages[0].timestamp, &messages[0].payload[..]), (40, &b"frame"[..]));
}

#[test]
fn an_aborted_message_is_dropped() {
    let mut writer = ChunkWriter::new(true);
    writer.header(0, 6, 0, 500, 9, 1);
    writer.out.extend([0; 128]);
    writer.message(0, 2, 0, 2, &6_u32.to_be_bytes());
    writer.message(0, 6, 40, 9, b"next");
    let messages = read(&mut reader(), &writer.out, &[]).expect("read");
    assert_eq!(messages.iter().map(|message| &message.payload[..]).collect::<Vec<_>>(), [b"next"]);
}

#[test]
fn protocol_violations_are_described() {
    let mut cut_short = ChunkWriter::new(true);
    cut_short.header(0, 6, 0, 500, 9, 1);
    cut_short.out.extend([0; 128]);
    cut_short.message(1, 6, 40, 9, b"next");
    let mut too_many = ChunkWriter::new(true);
    (2..70).for_each(|id| too_many.message(0, id, 0, 9, b"a"));
    let control = |payload: &[u8]| {
        let mut writer = ChunkWriter::new(true);
        writer.message(0, 2, 0, 1, payload);
        writer.out
    };
    for (bytes, error) in [
        (vec![0xC6], ChunkError::NoHeader(6)),
        (cut_short.out, ChunkError::CutShort(6)),
        (too_many.out, ChunkError::TooManyStreams),
        (control(&[0, 0, 0, 0]), ChunkError::BadChunkSize(0)),
        (control(&[0x80, 0, 0, 0]), ChunkError::BadChunkSize(0x8000_0000)),
        (control(&[0, 1]), ChunkError::BadControl(2)),
        (control(&[0; 17]), ChunkError::BadControl(17)),
    ] {
        assert_eq!(read(&mut reader(), &bytes, &[]), Err(error));
    }
}

#[test]
fn written_messages_can_be_read() {
    let mut out = Vec::new();
    let data = payload(1_000, 0);
    write_message(&mut out, 5, 1, 20, &data);
    let messages = read(&mut reader(), &out, &[]).expect("read");
    assert_eq!(messages, [Message { kind: MessageKind::Command, timestamp: 0, stream: 1, payload: data.into() }]);
}

//! A scripted RTMP publisher that can also imitate the faults of real encoders.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use super::test_server::PATIENCE;

pub(crate) const AUDIO: u8 = 8;
pub(crate) const VIDEO: u8 = 9;

/// A connection after its handshake.
pub(crate) struct Client {
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    received: Vec<u8>,
    chunk_size: usize,
    /// Continuation chunks repeat the extended timestamp.
    pub repeats_extended: bool,
    /// Added to all timestamps of media.
    pub offset: u32,
}

/// One tag of an FLV file.
#[derive(Clone)]
pub(crate) struct Tag {
    pub kind: u8,
    pub time: u32,
    pub data: Vec<u8>,
}

/// An AMF0 value.
pub(crate) enum Amf<'v> {
    Null,
    Number(f64),
    Text(&'v [u8]),
    Object(&'v [(&'v str, Amf<'v>)]),
}

impl Amf<'_> {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        let short = |text: &[u8], out: &mut Vec<u8>| {
            out.extend(u16::try_from(text.len()).expect("short").to_be_bytes());
            out.extend(text);
        };
        match self {
            Amf::Null => out.push(5),
            Amf::Number(number) => {
                out.push(0);
                out.extend(number.to_be_bytes());
            }
            Amf::Text(text) => {
                out.push(2);
                short(text, out);
            }
            Amf::Object(fields) => {
                out.push(3);
                for (name, value) in *fields {
                    short(name.as_bytes(), out);
                    value.put(out);
                }
                out.extend([0, 0, 9]);
            }
        }
    }
}

pub(crate) fn text(text: &str) -> Amf<'_> {
    Amf::Text(text.as_bytes())
}

impl Client {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        Self::try_connect(Ipv4Addr::UNSPECIFIED.into(), to).await.expect("connected")
    }

    /// Connects from an address of this machine. The server may close the connection at any time.
    pub(crate) async fn try_connect(from: IpAddr, to: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(from, 0))?;
        let (mut reader, mut writer) = socket.connect(to).await?.into_split();
        writer.write_all(&[&[3][..], &[7; 1536]].concat()).await?;
        let mut answer = vec![0; 1 + 2 * 1536];
        reader.read_exact(&mut answer).await?;
        writer.write_all(&answer[1..1537]).await?;
        let (received, chunk_size) = (Vec::new(), 128);
        Ok(Self { reader, writer, received, chunk_size, repeats_extended: true, offset: 0 })
    }

    /// Connects and publishes `key` to `live` of `push.example.com`, with chunks of 4,096 bytes.
    pub(crate) async fn publishing(to: SocketAddr, key: &str) -> Self {
        let mut client = Self::connect(to).await;
        client.set_chunk_size(4096).await;
        client.connect_app("live", "rtmp://push.example.com/live").await;
        client.publish(1, key).await;
        client.wait_for("NetStream.Publish.Start").await;
        client
    }

    pub(crate) async fn set_chunk_size(&mut self, size: usize) {
        self.message(2, 0, 1, 0, &u32::try_from(size).expect("small").to_be_bytes()).await;
        self.chunk_size = size;
    }

    pub(crate) async fn connect_app(&mut self, app: &str, tc_url: &str) {
        let fields = [("app", text(app)), ("flashVer", text("FMLE/3.0")), ("tcUrl", text(tc_url))];
        self.command(0, &[text("connect"), Amf::Number(1.0), Amf::Object(&fields)]).await;
        self.wait_for("NetConnection.Connect.Success").await;
    }

    /// Sends `createStream` and `publish` without waiting for the replies.
    pub(crate) async fn publish(&mut self, stream: u32, key: &str) {
        self.command(0, &[text("createStream"), Amf::Number(4.0), Amf::Null]).await;
        self.command(stream, &[text("publish"), Amf::Number(5.0), Amf::Null, text(key), text("live")]).await;
    }

    pub(crate) async fn command(&mut self, stream: u32, values: &[Amf<'_>]) {
        assert!(self.try_command(stream, values).await, "the connection is open");
    }

    /// Sends a command; returns false if the server has closed the connection.
    pub(crate) async fn try_command(&mut self, stream: u32, values: &[Amf<'_>]) -> bool {
        let mut payload = Vec::new();
        values.iter().for_each(|value| value.put(&mut payload));
        let message = self.chunks(3, 0, 20, stream, &payload);
        self.try_send(&message).await
    }

    pub(crate) async fn metadata(&mut self, stream: u32, fields: &[(&str, Amf<'_>)]) {
        let mut payload = Vec::new();
        [text("@setDataFrame"), text("onMetaData")].iter().for_each(|value| value.put(&mut payload));
        Amf::Object(fields).put(&mut payload);
        self.message(4, 0, 18, stream, &payload).await;
    }

    pub(crate) async fn play(&mut self, stream: u32, tags: &[Tag]) {
        for tag in tags {
            assert!(self.try_play(stream, tag).await, "the connection is open");
        }
    }

    /// Sends one tag; returns false if the server has closed the connection.
    pub(crate) async fn try_play(&mut self, stream: u32, tag: &Tag) -> bool {
        let chunk_stream = if tag.kind == VIDEO { 6 } else { 4 };
        let message = self.chunks(chunk_stream, self.offset.wrapping_add(tag.time), tag.kind, stream, &tag.data);
        self.try_send(&message).await
    }

    pub(crate) async fn message(&mut self, chunk_stream: u8, time: u32, kind: u8, stream: u32, payload: &[u8]) {
        let message = self.chunks(chunk_stream, time, kind, stream, payload);
        self.send(&message).await;
    }

    /// Encodes a message with a full header in chunks.
    pub(crate) fn chunks(&self, chunk_stream: u8, time: u32, kind: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short");
        let extended = (time >= 0xFF_FFFF).then(|| time.to_be_bytes());
        let mut out = vec![chunk_stream];
        out.extend(&time.min(0xFF_FFFF).to_be_bytes()[1..]);
        out.extend(&length.to_be_bytes()[1..]);
        out.push(kind);
        out.extend(stream.to_le_bytes());
        out.extend(extended.iter().flatten());
        for (number, piece) in payload.chunks(self.chunk_size).enumerate() {
            if number > 0 {
                out.push(0xC0 | chunk_stream);
                out.extend(extended.iter().flatten().filter(|_| self.repeats_extended));
            }
            out.extend(piece);
        }
        out
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).await.expect("the connection is open");
    }

    /// Sends bytes; returns false if the server has closed the connection.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.writer.write_all(bytes).await.is_ok()
    }

    /// Waits for a word in the replies and discards them up to it.
    pub(crate) async fn wait_for(&mut self, word: &str) {
        let found = self.wait_for_any(&[word]).await;
        assert!(found.is_some(), "closed before {word}: {:?}", String::from_utf8_lossy(&self.received));
    }

    /// Waits for one of these words and discards the replies up to it. Returns `None` if the server closed the connection.
    pub(crate) async fn wait_for_any(&mut self, words: &[&str]) -> Option<usize> {
        let wait = async {
            loop {
                for (number, word) in words.iter().enumerate() {
                    let mut windows = self.received.windows(word.len());
                    if let Some(place) = windows.position(|window| window == word.as_bytes()) {
                        self.received.drain(..place + word.len());
                        return Some(number);
                    }
                }
                if self.reader.read_buf(&mut self.received).await.unwrap_or(0) == 0 {
                    return None;
                }
            }
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("timed out waiting for {words:?}"))
    }

    /// Waits until the server closes the connection.
    pub(crate) async fn closed(mut self) {
        let wait = async { while self.reader.read_buf(&mut self.received).await.unwrap_or(0) > 0 {} };
        timeout(PATIENCE, wait).await.expect("the server closes the connection");
    }
}

/// Returns six seconds of real media: 60 frames of H.264 with a key frame each second, and AAC.
pub(crate) fn tags() -> &'static [Tag] {
    static TAGS: OnceLock<Vec<Tag>> = OnceLock::new();
    TAGS.get_or_init(|| {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("six-seconds.flv");
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", "testsrc=size=128x96:rate=10", "-f", "lavfi", "-i", "sine"])
            .args(["-c:v", "libx264", "-bf", "0", "-g", "10", "-pix_fmt", "yuv420p", "-c:a", "aac", "-t", "6"])
            .arg(&file)
            .status();
        assert!(made.expect("ffmpeg is installed").success());
        read_tags(&file)
    })
}

/// Reads the audio and video tags of an FLV file.
pub(crate) fn read_tags(file: &Path) -> Vec<Tag> {
    let bytes = std::fs::read(file).expect("a file");
    let mut left = &bytes[13..];
    let mut tags = Vec::new();
    while left.len() >= 11 {
        let number = |bytes: &[u8]| bytes.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        let length = usize::try_from(number(&left[1..4])).expect("small");
        let time = number(&[left[7], left[4], left[5], left[6]]);
        tags.push(Tag { kind: left[0], time, data: left[11..11 + length].to_vec() });
        left = &left[11 + length + 4..];
    }
    tags.retain(|tag| matches!(tag.kind, AUDIO | VIDEO));
    tags
}

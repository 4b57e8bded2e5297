//! An RTMP publisher that does as it is told, so that it can do what real encoders do wrong.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use super::stage::PATIENCE;

pub(super) const AUDIO: u8 = 8;
pub(super) const VIDEO: u8 = 9;

/// A connection after its handshake.
pub(super) struct Client {
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    heard: Vec<u8>,
    chunk_size: usize,
    /// Continuation chunks repeat the extended timestamp.
    pub repeats_extended: bool,
    /// Added to the time of all media.
    pub offset: u32,
}

/// One tag of an FLV file.
#[derive(Clone)]
pub(super) struct Tag {
    pub kind: u8,
    pub time: u32,
    pub data: Vec<u8>,
}

/// A value of AMF0.
pub(super) enum Amf<'v> {
    Null,
    Number(f64),
    Text(&'v [u8]),
    Object(&'v [(&'v str, Amf<'v>)]),
}

impl Amf<'_> {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
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

pub(super) fn text(text: &str) -> Amf<'_> {
    Amf::Text(text.as_bytes())
}

impl Client {
    pub(super) async fn connect(to: SocketAddr) -> Self {
        let (mut reader, mut writer) = TcpStream::connect(to).await.expect("connected").into_split();
        writer.write_all(&[&[3][..], &[7; 1536]].concat()).await.expect("sent");
        let mut answer = vec![0; 1 + 2 * 1536];
        reader.read_exact(&mut answer).await.expect("an answer");
        writer.write_all(&answer[1..1537]).await.expect("sent");
        let (heard, chunk_size) = (Vec::new(), 128);
        Self { reader, writer, heard, chunk_size, repeats_extended: true, offset: 0 }
    }

    /// A connection that publishes `key` to `live` of `push.example.com`, with chunks of 4,096 bytes.
    pub(super) async fn publishing(to: SocketAddr, key: &str) -> Self {
        let mut client = Self::connect(to).await;
        client.set_chunk_size(4096).await;
        client.connect_app("live", "rtmp://push.example.com/live").await;
        client.publish(1, key).await;
        client.wait_for("NetStream.Publish.Start").await;
        client
    }

    pub(super) async fn set_chunk_size(&mut self, size: usize) {
        self.message(2, 0, 1, 0, &u32::try_from(size).expect("small").to_be_bytes()).await;
        self.chunk_size = size;
    }

    pub(super) async fn connect_app(&mut self, app: &str, tc_url: &str) {
        let fields = [("app", text(app)), ("flashVer", text("FMLE/3.0")), ("tcUrl", text(tc_url))];
        self.command(0, &[text("connect"), Amf::Number(1.0), Amf::Object(&fields)]).await;
        self.wait_for("NetConnection.Connect.Success").await;
    }

    /// Sends `createStream` and `publish`; the answer to the latter is still to come.
    pub(super) async fn publish(&mut self, stream: u32, key: &str) {
        self.command(0, &[text("createStream"), Amf::Number(4.0), Amf::Null]).await;
        self.command(stream, &[text("publish"), Amf::Number(5.0), Amf::Null, text(key), text("live")]).await;
    }

    pub(super) async fn command(&mut self, stream: u32, values: &[Amf<'_>]) {
        let mut payload = Vec::new();
        values.iter().for_each(|value| value.put(&mut payload));
        self.message(3, 0, 20, stream, &payload).await;
    }

    pub(super) async fn metadata(&mut self, stream: u32, fields: &[(&str, Amf<'_>)]) {
        let mut payload = Vec::new();
        [text("@setDataFrame"), text("onMetaData")].iter().for_each(|value| value.put(&mut payload));
        Amf::Object(fields).put(&mut payload);
        self.message(4, 0, 18, stream, &payload).await;
    }

    pub(super) async fn play(&mut self, stream: u32, tags: &[Tag]) {
        for tag in tags {
            let chunk_stream = if tag.kind == VIDEO { 6 } else { 4 };
            self.message(chunk_stream, self.offset.wrapping_add(tag.time), tag.kind, stream, &tag.data).await;
        }
    }

    /// A message with a whole header, in chunks.
    pub(super) async fn message(&mut self, chunk_stream: u8, time: u32, kind: u8, stream: u32, payload: &[u8]) {
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
        self.send(&out).await;
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).await.expect("the connection is open");
    }

    /// Sends what the server may refuse to take; `false` when it did.
    pub(super) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.writer.write_all(bytes).await.is_ok()
    }

    /// Waits for a word in the answers, and forgets them up to it.
    pub(super) async fn wait_for(&mut self, word: &str) {
        let find = |heard: &[u8]| heard.windows(word.len()).position(|window| window == word.as_bytes());
        let wait = async {
            loop {
                if let Some(place) = find(&self.heard) {
                    self.heard.drain(..place + word.len());
                    return;
                }
                let count = self.reader.read_buf(&mut self.heard).await.unwrap_or(0);
                assert!(count > 0, "closed before {word}: {:?}", String::from_utf8_lossy(&self.heard));
            }
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("no {word}"));
    }

    /// Waits until the server closes the connection.
    pub(super) async fn closed(mut self) {
        let wait = async { while self.reader.read_buf(&mut self.heard).await.unwrap_or(0) > 0 {} };
        timeout(PATIENCE, wait).await.expect("the server closes the connection");
    }
}

/// Six seconds of real media: 60 frames of H.264 with a key frame each second, and AAC.
pub(super) fn tags() -> &'static [Tag] {
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

/// Audio and video of an FLV file.
pub(super) fn read_tags(file: &Path) -> Vec<Tag> {
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

//! One RTMP connection: it may publish one stream at a time, and nothing else.
//!
//! **States.** handshake → waiting (no publish) ⇄ publishing. A connection waits 10 s for an accepted publish, and after a publish as long as
//! a publisher may be silent. A refused publish, a second one, or a command that nobody needs changes nothing.
//!
//! **The end of a publish** is told to its session with the reason: none when the publisher says so, closes between two messages, or is
//! dropped by a person; otherwise what broke.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use callsheet::streams::PushRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::ingest_context::{Begun, Ingest};
use super::media_message::{self as media, Metadata, Value};
use super::memory_pool::{self as memory, ConnectionMemory};
use super::pending_connections::Place;
use super::push_address::{PushAddress, stream_of};
use super::session::{Input, MEDIA_QUEUE};
use super::wire::{
    self, ChunkError, ChunkReader, Command, Handshake, HandshakeError, Kind, Message, Reply, Track, read_command,
    read_metadata, unfold,
};

/// Bytes that are read at once before a publish and during one.
const READ_BEFORE: usize = 4 * 1024;
const READ_DURING: usize = 64 * 1024;
/// Bytes that unfinished messages may have: the longest message, and what comes between.
const MOST_UNFINISHED: usize = 17 * 1024 * 1024;
/// Timeout for writing a response.
const ANSWER_WAITS: Duration = Duration::from_secs(10);
/// Time a publish waits for the previous one on the same connection to end.
const TURN_WAITS: Duration = Duration::from_secs(6);
/// Refused publishes after which the connection is closed.
const MOST_REFUSALS: u32 = 3;
/// Most values that are kept of a publisher's metadata.
const MOST_METADATA: usize = 64;

/// Why a connection ended before its publisher ended it.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    #[error("the connection ended in the middle of a message")]
    CutShort,
    #[error("the publisher broke the protocol: {0}")]
    Chunk(#[from] ChunkError),
    #[error("the publisher broke the protocol: an aggregate message that cannot be read to its end")]
    Aggregate,
    #[error("the publisher did not read the answers within {} s", ANSWER_WAITS.as_secs())]
    Unread,
    #[error("the publisher broke the protocol: {0}")]
    Handshake(#[from] HandshakeError),
    #[error("no publish in time")]
    NoPublish,
    #[error("{MOST_REFUSALS} publishes were refused")]
    Refused,
    /// The session knows why.
    #[error("the session is over")]
    SessionOver,
}

/// A connection after it was accepted.
pub(super) struct Connection {
    ingest: Arc<Ingest>,
    socket: TcpStream,
    peer: SocketAddr,
    /// Drops this connection.
    stop: CancellationToken,
    memory: ConnectionMemory,
    place: Option<Place>,
    reader: ChunkReader,
    input: BytesMut,
    /// Accounts for `input` and what the reader holds.
    held: Option<memory::Bytes>,
    answers: Vec<u8>,
    /// Bytes received, as the protocol counts them, and as they were last acknowledged.
    received: u32,
    acknowledged: u32,
    /// Bytes after which the publisher wants an acknowledgement. Those that did not ask may close without reading one, and would lose what
    /// they sent last.
    window: Option<u32>,
    connect: Option<Connect>,
    streams: u32,
    refusals: u32,
    publish: Option<Publish>,
    /// Cancelled when the stream of the previous publish is free again.
    before: Option<CancellationToken>,
    /// When there must be a publish.
    due: Instant,
}

/// The accepted `connect` command.
struct Connect {
    app: String,
    tc_url: Option<String>,
}

/// The publish that runs.
struct Publish {
    stream: u32,
    name: String,
    session: mpsc::Sender<Input>,
    released: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    pub(super) fn new(ingest: Arc<Ingest>, socket: TcpStream, peer: SocketAddr, stop: CancellationToken) -> Self {
        let due = Instant::now() + ingest.config.publish_within;
        let (memory, place) = (ingest.memory.of_connection(), ingest.waiting.enter(peer, stop.clone()));
        Self {
            ingest,
            socket,
            peer,
            stop,
            memory,
            place: Some(place),
            reader: ChunkReader::new(MOST_UNFINISHED),
            input: BytesMut::new(),
            held: None,
            answers: Vec::new(),
            received: 0,
            acknowledged: 0,
            window: None,
            connect: None,
            streams: 0,
            refusals: 0,
            publish: None,
            before: None,
            due,
        }
    }

    /// Serves until the connection closes, breaks, or is dropped.
    pub(super) async fn run(mut self) {
        let stop = self.stop.clone();
        let end = stop.run_until_cancelled(self.serve()).await;
        let broken = match end {
            Some(Err(broken)) => Some(broken),
            Some(Ok(())) | None => None,
        };
        let is_publishing = self.publish.is_some();
        match &broken {
            Some(Broken::SessionOver) | None => {}
            Some(broken) if is_publishing => {
                tracing::info!(peer = %self.peer, %broken, "a publisher's connection broke")
            }
            Some(broken) => tracing::debug!(peer = %self.peer, %broken, "an RTMP connection is closed"),
        }
        if let Some(publish) = self.publish.take() {
            publish.end(broken.map(|broken| broken.to_string())).await;
        }
    }

    async fn serve(&mut self) -> Result<(), Broken> {
        timeout_at(self.due, self.shake_hands()).await.map_err(|_| Broken::NoPublish)??;
        loop {
            while let Some(message) = self.reader.next(&mut self.input)? {
                self.take(message).await?;
            }
            self.release_unused();
            self.answer().await?;
            if self.receive().await? == 0 {
                let is_amid = self.publish.is_some() && (self.reader.is_amid_message() || !self.input.is_empty());
                return if is_amid { Err(Broken::CutShort) } else { Ok(()) };
            }
        }
    }

    async fn shake_hands(&mut self) -> Result<(), Broken> {
        let mut handshake = Handshake::default();
        while !handshake.next(&mut self.input, &mut self.answers, |random| rand::fill(random))? {
            self.release_unused();
            self.answer().await?;
            if self.receive().await? == 0 {
                return Err(Broken::CutShort);
            }
        }
        Ok(())
    }

    /// Reads what there is; answers with the count of bytes, 0 at the end.
    async fn receive(&mut self) -> Result<usize, Broken> {
        let most = if self.publish.is_some() { READ_DURING } else { READ_BEFORE };
        let mut bytes = self.memory.take(most).await.ok_or(Broken::SessionOver)?;
        self.input.reserve(most);
        let mut room = (&mut self.socket).take(most as u64);
        let read = room.read_buf(&mut self.input);
        let count = match &self.publish {
            // The session notices silence.
            Some(_) => read.await?,
            None => timeout_at(self.due, read).await.map_err(|_| Broken::NoPublish)??,
        };
        bytes.split(most - count);
        match &mut self.held {
            Some(held) => held.merge(bytes),
            none => *none = Some(bytes),
        }
        self.received = self.received.wrapping_add(u32::try_from(count).unwrap_or_default());
        if self.window.is_some_and(|window| self.received.wrapping_sub(self.acknowledged) >= window) {
            self.acknowledged = self.received;
            Reply::Acknowledgement(self.received).write(&mut self.answers);
        }
        Ok(count)
    }

    /// Gives back the memory of what was read and is not kept.
    fn release_unused(&mut self) {
        let needed = self.reader.held() + self.input.len();
        if let Some(held) = &mut self.held {
            held.split(held.count().saturating_sub(needed));
        }
        if self.input.is_empty() && self.publish.is_none() {
            self.input = BytesMut::new();
        }
    }

    async fn answer(&mut self) -> Result<(), Broken> {
        if !self.answers.is_empty() {
            timeout(ANSWER_WAITS, self.socket.write_all(&self.answers)).await.map_err(|_| Broken::Unread)??;
            self.answers.clear();
        }
        Ok(())
    }

    fn reply(&mut self, reply: &Reply<'_>) {
        reply.write(&mut self.answers);
    }

    async fn take(&mut self, message: Message) -> Result<(), Broken> {
        match message.kind {
            Kind::WindowSize => {
                if let Some(window) = message.payload.first_chunk() {
                    self.window = Some(u32::from_be_bytes(*window));
                }
            }
            Kind::UserControl => {
                if let [0, 6, time @ ..] = &message.payload[..]
                    && let Some(time) = time.first_chunk()
                {
                    self.reply(&Reply::Pong(u32::from_be_bytes(*time)));
                }
            }
            Kind::Command => {
                if let Some(command) = read_command(&message.payload) {
                    self.obey(command, message.stream).await?;
                }
            }
            Kind::Data => {
                if let Some(fields) = read_metadata(&message.payload) {
                    self.pass(Input::Metadata(metadata(fields))).await?;
                }
            }
            Kind::Audio => self.pass_media(Track::Audio, message).await?,
            Kind::Video => self.pass_media(Track::Video, message).await?,
            Kind::Aggregate => {
                let (messages, is_whole) = unfold(&message);
                for message in messages {
                    match message.kind {
                        Kind::Audio => self.pass_media(Track::Audio, message).await?,
                        Kind::Video => self.pass_media(Track::Video, message).await?,
                        _ => {}
                    }
                }
                if !is_whole {
                    return Err(Broken::Aggregate);
                }
            }
            Kind::SetChunkSize | Kind::Abort | Kind::Acknowledgement | Kind::PeerBandwidth | Kind::Unknown(_) => {}
        }
        Ok(())
    }

    async fn obey(&mut self, command: Command, stream: u32) -> Result<(), Broken> {
        match command {
            Command::Connect { transaction, app, tc_url, is_enhanced } => {
                self.connect = Some(Connect { app, tc_url });
                self.reply(&Reply::Connected { transaction, is_enhanced });
            }
            Command::Announce { transaction, name, is_publish } => {
                self.reply(&Reply::Announced { transaction, name: &name, is_publish });
            }
            Command::CreateStream { transaction } => {
                self.streams = self.streams.wrapping_add(1);
                self.reply(&Reply::StreamCreated { transaction, stream: self.streams });
            }
            Command::Publish { key } => match self.publish(stream, &key).await {
                Ok(()) => self.reply(&Reply::Published { stream, key: &key }),
                Err(reason) => {
                    self.reply(&Reply::Refused { stream, code: "NetStream.Publish.BadName", reason: &reason });
                    self.refusals += 1;
                    if self.publish.is_none() && self.refusals >= MOST_REFUSALS {
                        self.answer().await?;
                        return Err(Broken::Refused);
                    }
                }
            },
            Command::Close => self.unpublish(stream).await,
            // Encoders that push several streams over connections of a pool name others, too.
            Command::Unannounce { name } => {
                if self.publish.as_ref().is_some_and(|publish| publish.name == stream_of(&name)) {
                    self.unpublish(stream).await;
                }
            }
            Command::DeleteStream { stream } => {
                if self.publish.as_ref().is_some_and(|publish| publish.stream == stream) {
                    self.unpublish(stream).await;
                }
            }
            Command::Play => {
                let reason = "streams cannot be played here";
                self.reply(&Reply::Refused { stream, code: "NetStream.Play.Failed", reason });
            }
            Command::Other => {}
        }
        Ok(())
    }

    /// Begins a publish, or says why not.
    async fn publish(&mut self, stream: u32, key: &str) -> Result<(), String> {
        if self.publish.is_some() {
            return Err("this connection publishes already".to_owned());
        }
        let Some(connect) = &self.connect else { return Err("connect first".to_owned()) };
        let permit = Arc::clone(&self.ingest.free).try_acquire_owned();
        let permit = permit.map_err(|_| "there are as many publishers as the console takes".to_owned())?;
        let address = PushAddress::read(connect.tc_url.as_deref(), &connect.app, key);
        let name = address.stream.clone();
        let push = PushRequest {
            source: self.ingest.config.source,
            hosts: address.hosts,
            app: address.app,
            stream: address.stream,
            client: Some(self.peer.ip().to_canonical().to_string()),
            params: address.params,
        };
        if let Some(before) = self.before.take() {
            timeout(TURN_WAITS, before.cancelled()).await.ok();
        }
        let (session, input) = mpsc::channel(MEDIA_QUEUE);
        let begun = self.ingest.begin(push, self.stop.clone(), input).await;
        let Begun { released } = begun.map_err(|refused| refused.reason)?;
        self.publish = Some(Publish { stream, name, session, released, _permit: permit });
        self.reader.accept_media(true);
        self.place = None;
        Ok(())
    }

    /// Ends the publish because the publisher says so.
    async fn unpublish(&mut self, stream: u32) {
        let Some(publish) = self.publish.take() else { return };
        self.before = Some(publish.released.clone());
        publish.end(None).await;
        self.reader.accept_media(false);
        self.place = Some(self.ingest.waiting.enter(self.peer, self.stop.clone()));
        self.due = Instant::now() + self.ingest.config.idle_timeout;
        self.reply(&Reply::Unpublished { stream });
    }

    async fn pass_media(&mut self, track: Track, message: Message) -> Result<(), Broken> {
        let at = self.ingest.config.clock.now();
        let Message { timestamp, payload: data, .. } = message;
        let memory = self.held.as_mut().and_then(|held| held.split(data.len()));
        self.pass(Input::Media(media::Message::new(at, track, timestamp, data), memory)).await
    }

    /// Waits while the queue is full; see the module's notes on what is slow. What comes without a publish is passed over.
    async fn pass(&mut self, input: Input) -> Result<(), Broken> {
        match &self.publish {
            Some(publish) => publish.session.send(input).await.map_err(|_| Broken::SessionOver),
            None => Ok(()),
        }
    }
}

impl Publish {
    async fn end(self, failure: Option<String>) {
        // A session that is over knows why.
        self.session.send(Input::End(failure)).await.ok();
    }
}

fn metadata(fields: Vec<(String, wire::Value)>) -> Metadata {
    let known = fields.into_iter().filter_map(|(name, value)| {
        let value = match value {
            wire::Value::Number(number) => Value::Number(number),
            wire::Value::Bool(truth) => Value::Bool(truth),
            wire::Value::Text(text) => Value::Text(text),
            wire::Value::Object(_) | wire::Value::Null => return None,
        };
        Some((name, value))
    });
    known.take(MOST_METADATA).collect()
}

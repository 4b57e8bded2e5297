//! An RTMP connection. It can publish one stream at a time and nothing else.
//!
//! **States.** handshake → waiting (no publish) ⇄ publishing. A connection is closed if no publish is accepted within 10 s, or, after a
//! publish, within the idle timeout. A refused publish, a second one and unsupported commands do not change the state.
//!
//! **The end of a publish** is passed to the session. It is a failure unless the publisher unpublishes or closes the connection between two
//! messages, or a user disconnects it.

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

use super::ingest_context::IngestContext;
use super::media_message::MediaMessage;
use super::memory_pool::{ConnectionMemory, Reservation};
use super::metadata;
use super::pending_connections::PendingConnection;
use super::push_address::{PushAddress, stream_name};
use super::session::{QUEUE_CAPACITY, SessionInput};
use super::wire::{
    ChunkError, ChunkReader, Command, Handshake, HandshakeError, MediaKind, Message, MessageKind, Reply, read_command,
    read_metadata, split_aggregate,
};

/// Maximum bytes per read before and during a publish.
const READ_SIZE_BEFORE_PUBLISH: usize = 4 * 1024;
const READ_SIZE: usize = 64 * 1024;
/// Maximum bytes of unfinished messages: the longest message and some interleaved ones.
const MAX_UNFINISHED: usize = 17 * 1024 * 1024;
/// Timeout for writing replies.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a publish waits for the end of the previous one on the same connection.
const PREVIOUS_END_TIMEOUT: Duration = Duration::from_secs(6);
/// Refused publishes after which the connection is closed.
const MAX_REFUSALS: u32 = 3;

/// An error that closes a connection.
#[derive(Debug, thiserror::Error)]
enum ConnectionError {
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    #[error("the connection ended in the middle of a message")]
    CutShort,
    #[error("the publisher broke the protocol: {0}")]
    Chunk(#[from] ChunkError),
    #[error("the publisher broke the protocol: an aggregate message that cannot be read to its end")]
    Aggregate,
    #[error("the publisher did not read the answers within {} s", WRITE_TIMEOUT.as_secs())]
    Unread,
    #[error("the publisher broke the protocol: {0}")]
    Handshake(#[from] HandshakeError),
    #[error("no publish in time")]
    NoPublish,
    #[error("{MAX_REFUSALS} publishes were refused")]
    Refused,
    /// The session has already ended the publish.
    #[error("the session has ended")]
    SessionEnded,
}

/// An accepted connection.
pub(super) struct Connection {
    context: Arc<IngestContext>,
    socket: TcpStream,
    peer: SocketAddr,
    /// Closes this connection.
    stop: CancellationToken,
    memory: ConnectionMemory,
    /// Set while there is no publish.
    pending: Option<PendingConnection>,
    reader: ChunkReader,
    input: BytesMut,
    /// Memory of `input` and of the reader's unfinished messages.
    reserved: Option<Reservation>,
    replies: Vec<u8>,
    /// Bytes received, and the count that was last acknowledged. Both wrap around.
    received: u32,
    acknowledged: u32,
    /// Bytes after which the publisher requested an acknowledgement. Without a request none is sent: a publisher that closes the connection
    /// with unread data would lose the last bytes it sent.
    window: Option<u32>,
    connect: Option<Connect>,
    stream_count: u32,
    refusals: u32,
    publish: Option<Publish>,
    /// Cancelled when the stream of the previous publish is released.
    previous_released: Option<CancellationToken>,
    /// Deadline for an accepted publish.
    publish_by: Instant,
}

/// The `connect` command.
struct Connect {
    app: String,
    tc_url: Option<String>,
}

/// The current publish.
struct Publish {
    stream: u32,
    name: String,
    session: mpsc::Sender<SessionInput>,
    /// Cancelled when the stream is released.
    released: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    pub(super) fn new(
        context: Arc<IngestContext>,
        socket: TcpStream,
        peer: SocketAddr,
        stop: CancellationToken,
    ) -> Self {
        let publish_by = Instant::now() + context.config.publish_within;
        let (memory, pending) = (context.memory.for_connection(), context.pending.add(peer, stop.clone()));
        Self {
            context,
            socket,
            peer,
            stop,
            memory,
            pending: Some(pending),
            reader: ChunkReader::new(MAX_UNFINISHED),
            input: BytesMut::new(),
            reserved: None,
            replies: Vec::new(),
            received: 0,
            acknowledged: 0,
            window: None,
            connect: None,
            stream_count: 0,
            refusals: 0,
            publish: None,
            previous_released: None,
            publish_by,
        }
    }

    /// Serves until either side closes the connection.
    pub(super) async fn run(mut self) {
        let stop = self.stop.clone();
        let error = stop.run_until_cancelled(self.serve()).await.and_then(Result::err);
        match &error {
            Some(ConnectionError::SessionEnded) | None => {}
            Some(error) if self.publish.is_some() => {
                tracing::info!(peer = %self.peer, %error, "lost the connection of a publisher")
            }
            Some(error) => tracing::debug!(peer = %self.peer, %error, "closed an RTMP connection"),
        }
        if let Some(publish) = self.publish.take() {
            publish.end(error.map(|error| error.to_string())).await;
        }
    }

    async fn serve(&mut self) -> Result<(), ConnectionError> {
        timeout_at(self.publish_by, self.handshake()).await.map_err(|_| ConnectionError::NoPublish)??;
        loop {
            while let Some(message) = self.reader.next(&mut self.input)? {
                self.handle(message).await?;
            }
            self.release_unused();
            self.send_replies().await?;
            if self.receive().await? == 0 {
                let has_unfinished = self.reader.has_unfinished() || !self.input.is_empty();
                return if self.publish.is_some() && has_unfinished { Err(ConnectionError::CutShort) } else { Ok(()) };
            }
        }
    }

    async fn handshake(&mut self) -> Result<(), ConnectionError> {
        let mut handshake = Handshake::default();
        while !handshake.next(&mut self.input, &mut self.replies, |random| rand::fill(random))? {
            self.release_unused();
            self.send_replies().await?;
            if self.receive().await? == 0 {
                return Err(ConnectionError::CutShort);
            }
        }
        Ok(())
    }

    /// Reads available bytes and returns their number, 0 at the end.
    async fn receive(&mut self) -> Result<usize, ConnectionError> {
        let size = if self.publish.is_some() { READ_SIZE } else { READ_SIZE_BEFORE_PUBLISH };
        let mut reservation = self.memory.reserve(size).await.ok_or(ConnectionError::SessionEnded)?;
        self.input.reserve(size);
        let mut socket = (&mut self.socket).take(size as u64);
        let read = socket.read_buf(&mut self.input);
        let count = match &self.publish {
            // The session detects idle publishers.
            Some(_) => read.await?,
            None => timeout_at(self.publish_by, read).await.map_err(|_| ConnectionError::NoPublish)??,
        };
        reservation.split(size - count);
        match &mut self.reserved {
            Some(reserved) => reserved.merge(reservation),
            none => *none = Some(reservation),
        }
        self.received = self.received.wrapping_add(u32::try_from(count).unwrap_or_default());
        if self.window.is_some_and(|window| self.received.wrapping_sub(self.acknowledged) >= window) {
            self.acknowledged = self.received;
            Reply::Acknowledgement(self.received).write(&mut self.replies);
        }
        Ok(count)
    }

    /// Releases the memory of bytes that are no longer held.
    fn release_unused(&mut self) {
        let needed = self.reader.held() + self.input.len();
        if let Some(reserved) = &mut self.reserved {
            reserved.split(reserved.len().saturating_sub(needed));
        }
        if self.input.is_empty() && self.publish.is_none() {
            self.input = BytesMut::new();
        }
    }

    async fn send_replies(&mut self) -> Result<(), ConnectionError> {
        if !self.replies.is_empty() {
            timeout(WRITE_TIMEOUT, self.socket.write_all(&self.replies))
                .await
                .map_err(|_| ConnectionError::Unread)??;
            self.replies.clear();
        }
        Ok(())
    }

    fn reply(&mut self, reply: &Reply<'_>) {
        reply.write(&mut self.replies);
    }

    async fn handle(&mut self, message: Message) -> Result<(), ConnectionError> {
        match message.kind {
            MessageKind::WindowSize => {
                if let Some(window) = message.payload.first_chunk() {
                    self.window = Some(u32::from_be_bytes(*window));
                }
            }
            MessageKind::UserControl => {
                if let [0, 6, time @ ..] = &message.payload[..]
                    && let Some(time) = time.first_chunk()
                {
                    self.reply(&Reply::Pong(u32::from_be_bytes(*time)));
                }
            }
            MessageKind::Command => {
                if let Some(command) = read_command(&message.payload) {
                    self.execute(command, message.stream).await?;
                }
            }
            MessageKind::Data => {
                if let Some(fields) = read_metadata(&message.payload) {
                    self.pass(SessionInput::Metadata(metadata::from_fields(fields))).await?;
                }
            }
            MessageKind::Audio => self.pass_media(MediaKind::Audio, message).await?,
            MessageKind::Video => self.pass_media(MediaKind::Video, message).await?,
            MessageKind::Aggregate => {
                let (messages, is_complete) = split_aggregate(&message);
                for message in messages {
                    match message.kind {
                        MessageKind::Audio => self.pass_media(MediaKind::Audio, message).await?,
                        MessageKind::Video => self.pass_media(MediaKind::Video, message).await?,
                        _ => {}
                    }
                }
                if !is_complete {
                    return Err(ConnectionError::Aggregate);
                }
            }
            MessageKind::SetChunkSize
            | MessageKind::Abort
            | MessageKind::Acknowledgement
            | MessageKind::PeerBandwidth
            | MessageKind::Unknown(_) => {}
        }
        Ok(())
    }

    async fn execute(&mut self, command: Command, stream: u32) -> Result<(), ConnectionError> {
        match command {
            Command::Connect { transaction, app, tc_url, is_enhanced } => {
                self.connect = Some(Connect { app, tc_url });
                self.reply(&Reply::Connected { transaction, is_enhanced });
            }
            Command::Announce { transaction, name, is_publish } => {
                self.reply(&Reply::Announced { transaction, name: &name, is_publish });
            }
            Command::CreateStream { transaction } => {
                self.stream_count = self.stream_count.wrapping_add(1);
                self.reply(&Reply::StreamCreated { transaction, stream: self.stream_count });
            }
            Command::Publish { key } => match self.publish(stream, &key).await {
                Ok(()) => self.reply(&Reply::Published { stream, key: &key }),
                Err(reason) => {
                    self.reply(&Reply::Refused { stream, code: "NetStream.Publish.BadName", reason: &reason });
                    self.refusals += 1;
                    if self.publish.is_none() && self.refusals >= MAX_REFUSALS {
                        self.send_replies().await?;
                        return Err(ConnectionError::Refused);
                    }
                }
            },
            Command::Close => self.unpublish(stream).await,
            // Encoders that push several streams over a pool of connections may name other streams.
            Command::FcUnpublish { name } => {
                if self.publish.as_ref().is_some_and(|publish| publish.name == stream_name(&name)) {
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

    /// Starts a publish, or returns the reason for refusing it.
    async fn publish(&mut self, stream: u32, key: &str) -> Result<(), String> {
        if self.publish.is_some() {
            return Err("this connection is already publishing".to_owned());
        }
        let Some(connect) = &self.connect else { return Err("connect first".to_owned()) };
        let permit = Arc::clone(&self.context.publisher_permits).try_acquire_owned();
        let permit = permit.map_err(|_| "the maximum number of publishers is reached".to_owned())?;
        let address = PushAddress::parse(connect.tc_url.as_deref(), &connect.app, key);
        let name = address.stream.clone();
        let push = PushRequest {
            source: self.context.config.source,
            hosts: address.hosts,
            app: address.app,
            stream: address.stream,
            client: Some(self.peer.ip().to_canonical().to_string()),
            params: address.params,
        };
        if let Some(previous) = self.previous_released.take() {
            timeout(PREVIOUS_END_TIMEOUT, previous.cancelled()).await.ok();
        }
        let (session, input) = mpsc::channel(QUEUE_CAPACITY);
        let released = self.context.start_session(push, self.stop.clone(), input).await;
        let released = released.map_err(|refused| refused.reason)?;
        self.publish = Some(Publish { stream, name, session, released, _permit: permit });
        self.reader.accept_media(true);
        self.pending = None;
        Ok(())
    }

    /// Ends the publish at the request of the publisher.
    async fn unpublish(&mut self, stream: u32) {
        let Some(publish) = self.publish.take() else { return };
        self.previous_released = Some(publish.released.clone());
        publish.end(None).await;
        self.reader.accept_media(false);
        self.pending = Some(self.context.pending.add(self.peer, self.stop.clone()));
        self.publish_by = Instant::now() + self.context.config.idle_timeout;
        self.reply(&Reply::Unpublished { stream });
    }

    async fn pass_media(&mut self, kind: MediaKind, message: Message) -> Result<(), ConnectionError> {
        let at = self.context.config.clock.now();
        let Message { timestamp, payload: data, .. } = message;
        let reservation = self.reserved.as_mut().and_then(|reserved| reserved.split(data.len()));
        self.pass(SessionInput::Media(MediaMessage::new(at, kind, timestamp, data), reservation)).await
    }

    /// Passes input to the session and waits while its queue is full. Ignores input without a publish.
    async fn pass(&mut self, input: SessionInput) -> Result<(), ConnectionError> {
        match &self.publish {
            Some(publish) => publish.session.send(input).await.map_err(|_| ConnectionError::SessionEnded),
            None => Ok(()),
        }
    }
}

impl Publish {
    async fn end(self, failure: Option<String>) {
        // A session that has already ended ignores this.
        self.session.send(SessionInput::End(failure)).await.ok();
    }
}

//! What one RTMP connection may do: publish one stream at a time, and nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rtmp_rs::amf::AmfValue;
use rtmp_rs::media::{FlvTag, FlvTagType};
use rtmp_rs::protocol::message::{PlayParams, PublishParams};
use rtmp_rs::server::handler::MediaDeliveryMode;
use rtmp_rs::session::{SessionContext, StreamContext};
use rtmp_rs::{AuthResult, RtmpHandler};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use callsheet::streams::PushRequest;

use super::ingest::Ingest;
use super::media::{Message, Metadata, Track, Value};
use super::push::PushAddress;
use super::session::{Input, MEDIA_QUEUE};

/// Most values that are kept of a publisher's metadata.
const MOST_METADATA: usize = 64;

/// The publisher at the other end of one connection. Its session ends when this is dropped.
pub(super) struct Publisher {
    ingest: Arc<Ingest>,
    /// Drops this connection.
    connection: CancellationToken,
    session: Mutex<Option<mpsc::Sender<Input>>>,
}

impl Publisher {
    pub(super) fn new(ingest: Arc<Ingest>, connection: CancellationToken) -> Self {
        Self { ingest, connection, session: Mutex::new(None) }
    }

    fn session(&self) -> Option<mpsc::Sender<Input>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits while the queue is full; see the module's notes on what is slow.
    async fn pass(&self, input: Input) {
        if let Some(session) = self.session() {
            // A session that is over has dropped this connection already.
            session.send(input).await.ok();
        }
    }
}

impl RtmpHandler for Publisher {
    async fn on_publish(&self, context: &SessionContext, params: &PublishParams) -> AuthResult {
        if self.session().is_some() {
            return AuthResult::Reject("this connection publishes already".to_owned());
        }
        let address = PushAddress::read(context.tc_url(), &context.app, &params.stream_key);
        let push = PushRequest {
            source: self.ingest.config.source,
            hosts: address.hosts,
            app: address.app,
            stream: address.stream,
            client: Some(context.peer_addr.ip().to_canonical().to_string()),
            params: address.params,
        };
        let (media, input) = mpsc::channel(MEDIA_QUEUE);
        match self.ingest.begin(push, self.connection.clone(), input).await {
            Ok(()) => {
                *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(media);
                AuthResult::Accept
            }
            Err(refused) => AuthResult::Reject(refused.reason),
        }
    }

    async fn on_play(&self, _: &SessionContext, _: &PlayParams) -> AuthResult {
        AuthResult::Reject("streams cannot be played here".to_owned())
    }

    async fn on_metadata(&self, _: &StreamContext, metadata: &HashMap<String, AmfValue>) {
        let metadata: Metadata = metadata
            .iter()
            .filter_map(|(name, value)| {
                let value = match value {
                    AmfValue::Number(number) => Value::Number(*number),
                    AmfValue::Integer(number) => Value::Number(f64::from(*number)),
                    AmfValue::Boolean(truth) => Value::Bool(*truth),
                    AmfValue::String(text) => Value::Text(text.clone()),
                    _ => return None,
                };
                Some((name.clone(), value))
            })
            .take(MOST_METADATA)
            .collect();
        self.pass(Input::Metadata(metadata)).await;
    }

    async fn on_media_tag(&self, _: &StreamContext, tag: &FlvTag) -> bool {
        let track = match tag.tag_type {
            FlvTagType::Audio => Track::Audio,
            FlvTagType::Video => Track::Video,
            FlvTagType::Script => return true,
        };
        let at = self.ingest.config.clock.now();
        self.pass(Input::Media(Message { at, track, timestamp: tag.timestamp, data: tag.data.clone() })).await;
        true
    }

    async fn on_unpublish(&self, _: &StreamContext) {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn media_delivery_mode(&self) -> MediaDeliveryMode {
        MediaDeliveryMode::RawFlv
    }
}

//! One publish, from its admission to its end.

use std::sync::Arc;

use callsheet::model::Millis;
use callsheet::streams::{Admitted, SessionKey, SourceEvent};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::RtmpConfig;
use super::destination::{Destination, RecordedStream};
use super::idle_timer::IdleTimer;
use super::ingest_context::IngestContext;
use super::live_streams::StreamLock;
use super::media_message::MediaMessage;
use super::media_stats::MediaStats;
use super::memory_pool::Reservation;
use super::metadata::Metadata;
use super::publish_end::PublishEnd;
use super::recorder::Recorder;
use super::reporter::{QueuedReport, Reporter};
use super::session_record::SessionRecord;
use super::timeline::Timeline;
use super::wire::PacketRole;

/// Capacity of the message queue: about two seconds of typical media.
pub(super) const QUEUE_CAPACITY: usize = 128;

/// What a connection passes to its session.
#[derive(Debug)]
pub(super) enum SessionInput {
    Metadata(Metadata),
    /// With the memory that the message occupies.
    Media(MediaMessage, Option<Reservation>),
    /// The end of the publish, with a reason if it is a failure.
    End(Option<String>),
}

/// The session of an admitted publish.
pub(super) struct Session {
    config: Arc<RtmpConfig>,
    push: Admitted,
    /// Closes the publisher's connection.
    connection: CancellationToken,
    input: mpsc::Receiver<SessionInput>,
    reports: mpsc::UnboundedSender<QueuedReport>,
    end: watch::Sender<Option<PublishEnd>>,
    stats: Arc<MediaStats>,
    recorder: Option<Recorder>,
}

impl Session {
    /// Creates a session and the future of its reporter. Each must run as a separate task.
    pub(super) fn new(
        context: &IngestContext,
        key: SessionKey,
        push: Admitted,
        lock: StreamLock,
        connection: CancellationToken,
        input: mpsc::Receiver<SessionInput>,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (config, sink) = (Arc::clone(&context.config), Arc::clone(&context.sink));
        // Unbounded, but small: the media of queued parts is on the disk.
        let (reports, queue) = mpsc::unbounded_channel();
        let (end, end_receiver) = watch::channel(None);
        let stats = Arc::new(MediaStats::default());
        let recorder = push.recording.as_ref().map(|plan| {
            let stream = RecordedStream {
                bucket: plan.bucket.clone(),
                domain: push.domain.clone(),
                app: push.app.clone(),
                stream: push.stream.clone(),
            };
            let destination = Destination::new(context, stream);
            let stem = config.parts_folder().join(format!("{}-{}", key.boot, key.key));
            Recorder::new(destination, key.clone(), Millis::from(plan.part_seconds) * 1000, stem, reports.clone())
        });
        let record = SessionRecord::new(&config.parts_folder(), &key);
        let clock = Arc::clone(&config.clock);
        let reporter = Reporter::new(sink, clock, key, record, lock, Arc::clone(&stats), end_receiver);
        let reporter = reporter.run(queue, config.heartbeat);
        (Self { config, push, connection, input, reports, end, stats, recorder }, reporter)
    }

    /// Runs until the publish ends or no media arrives.
    pub(super) async fn run(mut self) {
        let failure = self.process_input().await;
        if failure.is_some() {
            self.connection.cancel();
        }
        self.end.send_replace(Some(PublishEnd::new(self.config.clock.now(), failure)));
        if let Some(recorder) = self.recorder {
            recorder.finish().await;
        }
    }

    /// Processes media until the end, and returns the failure, if any.
    async fn process_input(&mut self) -> Option<String> {
        let mut timeline = Timeline::default();
        let mut has_started = false;
        let mut idle = IdleTimer::start(self.config.idle_timeout);
        loop {
            let input = tokio::select! {
                biased;
                input = self.input.recv() => input,
                () = idle.expired() => return Some(format!("no media for {} s", self.config.idle_timeout.as_secs())),
            };
            match input {
                None => return Some("the ingest broke off".to_owned()),
                Some(SessionInput::End(failure)) => return failure,
                Some(SessionInput::Metadata(metadata)) => {
                    self.stats.record_metadata(&metadata);
                    if let Some(recorder) = &mut self.recorder {
                        recorder.set_metadata(metadata);
                    }
                }
                Some(SessionInput::Media(message, _reservation)) => {
                    idle.reset();
                    self.stats.record_message(&message);
                    if !has_started && matches!(message.role(), PacketRole::KeyFrame | PacketRole::Frame) {
                        has_started = true;
                        let event = SourceEvent::Started { at: message.at, push: self.push.clone() };
                        if self.reports.send(QueuedReport::Event(event)).is_err() {
                            return Some("the reporter broke off".to_owned());
                        }
                    }
                    let time = timeline.advance_to(message.timestamp);
                    if let Some(recorder) = &mut self.recorder {
                        recorder.record(&message, time).await;
                    }
                }
            }
        }
    }
}

//! One publish, from its admission to its end.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use callsheet::model::Millis;
use callsheet::streams::{Admitted, Hint, SessionKey};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::RtmpConfig;
use super::idle_timer::Silence;
use super::ingest_context::Ingest;
use super::live_streams::Lock;
use super::media_message::{self as media, Message, Metadata, Timeline};
use super::memory_pool as memory;
use super::part_upload::{Destination, Place};
use super::recorder::Recorder;
use super::reporter::{Over, Pulse, Report, Reporter};
use super::session_record::SessionRecord;
use super::wire::Role;

/// Messages that wait at most: about two seconds of usual media.
pub(super) const MEDIA_QUEUE: usize = 128;
/// What a publisher sends.
#[derive(Debug)]
pub(super) enum Input {
    Metadata(Metadata),
    /// With the memory that it takes.
    Media(Message, Option<memory::Bytes>),
    /// The publish is over; the reason when it did not end as it should.
    End(Option<String>),
}

/// A publish that was admitted, until its first frame.
pub(super) struct Session {
    config: Arc<RtmpConfig>,
    push: Admitted,
    /// Drops the publisher's connection.
    connection: CancellationToken,
    input: mpsc::Receiver<Input>,
    reports: mpsc::UnboundedSender<Report>,
    over: watch::Sender<Option<Over>>,
    pulse: Arc<Pulse>,
    recorder: Option<Recorder>,
}

impl Session {
    /// A session and its reporter; both are to be run, each as a task of its own.
    pub(super) fn new(
        ingest: &Ingest,
        key: SessionKey,
        push: Admitted,
        lock: Lock,
        connection: CancellationToken,
        input: mpsc::Receiver<Input>,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (config, sink) = (Arc::clone(&ingest.config), Arc::clone(&ingest.sink));
        // Unbounded, but small: media waits on the disk.
        let (reports, queue) = mpsc::unbounded_channel();
        let (over, is_over) = watch::channel(None);
        let pulse = Arc::new(Pulse::default());
        let recorder = push.recording.as_ref().map(|plan| {
            let place = Place {
                bucket: plan.bucket.clone(),
                domain: push.domain.clone(),
                app: push.app.clone(),
                stream: push.stream.clone(),
            };
            let destination = Destination::new(ingest, place);
            let stem = config.parts_folder().join(format!("{}-{}", key.boot, key.key));
            Recorder::new(destination, key.clone(), Millis::from(plan.part_seconds) * 1000, stem, reports.clone())
        });
        let record = SessionRecord::of(&config.parts_folder(), &key);
        let clock = Arc::clone(&config.clock);
        let reporter = Reporter::new(sink, clock, key, record, lock, Arc::clone(&pulse), is_over);
        let reporter = reporter.run(queue, config.heartbeat);
        (Self { config, push, connection, input, reports, over, pulse, recorder }, reporter)
    }

    /// Runs until the publisher goes away or falls silent.
    pub(super) async fn run(mut self) {
        let failure = self.follow().await;
        if failure.is_some() {
            self.connection.cancel();
        }
        self.over.send_replace(Some(Over::at(self.config.clock.now(), failure)));
        if let Some(recorder) = self.recorder {
            recorder.finish().await;
        }
    }

    /// Passes the media on; answers with what went wrong in the end.
    async fn follow(&mut self) -> Option<String> {
        let mut timeline = Timeline::default();
        let mut started = false;
        let mut silence = Silence::up_to(self.config.idle_timeout);
        loop {
            let input = tokio::select! {
                biased;
                input = self.input.recv() => input,
                () = silence.too_long() => return Some(format!("no media for {} s", self.config.idle_timeout.as_secs())),
            };
            match input {
                None => return Some("the ingest broke off".to_owned()),
                Some(Input::End(failure)) => return failure,
                Some(Input::Metadata(metadata)) => self.metadata(metadata),
                Some(Input::Media(message, _memory)) => {
                    silence.is_over();
                    self.learn(&message);
                    if !started && matches!(message.role(), Role::Key | Role::Frame) {
                        started = true;
                        let hint = Hint::Started { at: message.at, push: self.push.clone() };
                        if self.reports.send(Report::Hint(hint)).is_err() {
                            return Some("the reporter broke off".to_owned());
                        }
                    }
                    let time = timeline.at(message.timestamp);
                    if let Some(recorder) = &mut self.recorder {
                        recorder.take(&message, time).await;
                    }
                }
            }
        }
    }

    fn metadata(&mut self, metadata: Metadata) {
        media::learn_size(&mut self.pulse.media.lock().unwrap_or_else(PoisonError::into_inner), &metadata);
        if let Some(recorder) = &mut self.recorder {
            recorder.metadata(metadata);
        }
    }

    fn learn(&self, message: &Message) {
        self.pulse.bytes.fetch_add(message.data.len() as u64, Ordering::Relaxed);
        media::learn(&mut self.pulse.media.lock().unwrap_or_else(PoisonError::into_inner), message);
    }
}

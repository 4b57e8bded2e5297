//! Reports the events of one publish to the sink in strict order. The end of a part is reported after its upload, and later events wait
//! for it. Only heartbeats and, if a bucket is slow, the end of the publish overtake an upload.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use callsheet::model::Clock;
use callsheet::streams::{IngestSink, SessionKey, SourceEvent};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval_at};

use super::heartbeat::Heartbeat;
use super::live_streams::StreamLock;
use super::media_stats::MediaStats;
use super::part_upload::PartUpload;
use super::publish_end::{PublishEnd, end_is_due};
use super::retry::{report, retry};
use super::session_record::SessionRecord;

/// Interval of the reports that parts of an ended publish are still being uploaded. The sink waits three times as long.
pub(super) const PENDING_INTERVAL: Duration = Duration::from_secs(300);

/// One item of the reporter's queue.
#[derive(Debug)]
pub(super) enum QueuedReport {
    Event(SourceEvent),
    /// A part to upload and report.
    Part(Box<PartUpload>),
}

/// The reporter of one publish.
pub(super) struct Reporter {
    sink: Arc<dyn IngestSink>,
    clock: Arc<dyn Clock>,
    key: SessionKey,
    session_record: SessionRecord,
    /// Released when the end has been reported; then the stream can be published again.
    lock: Option<StreamLock>,
    stats: Arc<MediaStats>,
    /// `None` until the publish has ended. If the session drops its sender before that, the publish was interrupted.
    end: watch::Receiver<Option<PublishEnd>>,
    /// A part was opened, so the end of the recording must be reported.
    has_recorded: bool,
    /// The task that records the end of the publish on the disk.
    end_recording: Option<JoinHandle<()>>,
}

impl Reporter {
    pub(super) fn new(
        sink: Arc<dyn IngestSink>,
        clock: Arc<dyn Clock>,
        key: SessionKey,
        session_record: SessionRecord,
        lock: StreamLock,
        stats: Arc<MediaStats>,
        end: watch::Receiver<Option<PublishEnd>>,
    ) -> Self {
        Self {
            sink,
            clock,
            key,
            session_record,
            lock: Some(lock),
            stats,
            end,
            has_recorded: false,
            end_recording: None,
        }
    }

    /// Reports all events, including the end of the publish. A publish without any event is not reported.
    pub(super) async fn run(mut self, mut reports: mpsc::UnboundedReceiver<QueuedReport>, heartbeat: Duration) {
        let Some(mut next) = reports.recv().await else {
            if let Some(lock) = self.lock.take() {
                self.release(lock).await;
            }
            return;
        };
        let mut heartbeat = Heartbeat::every(heartbeat);
        let mut is_interrupted = false;
        loop {
            match next {
                QueuedReport::Event(event) => {
                    self.has_recorded |= matches!(event, SourceEvent::PartOpened { .. });
                    if matches!(event, SourceEvent::Started { .. }) {
                        self.session_record.append(&self.key, &event).await;
                        let end = record_end(self.session_record.clone(), self.key.clone(), self.end.clone());
                        self.end_recording = Some(tokio::spawn(end));
                    }
                    self.report(event).await;
                }
                QueuedReport::Part(part) => match self.wait_for(part.run(), &mut heartbeat).await {
                    Some(uploaded) => {
                        self.report(SourceEvent::PartClosed(uploaded.closed.clone())).await;
                        uploaded.clean_up().await;
                    }
                    // The next run reports the part and the end of the recording.
                    None => is_interrupted = true,
                },
            }
            next = match self.wait_for(reports.recv(), &mut heartbeat).await {
                Some(report) => report,
                None => break,
            };
        }
        if self.has_recorded && !is_interrupted {
            self.report(SourceEvent::RecordingEnded { at: self.clock.now() }).await;
        }
        self.report_end().await;
    }

    /// Waits for `work` and meanwhile reports whatever may overtake it.
    async fn wait_for<F: Future>(&mut self, work: F, heartbeat: &mut Heartbeat) -> F::Output {
        let mut work = pin!(work);
        let mut pending = interval_at(Instant::now() + PENDING_INTERVAL, PENDING_INTERVAL);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = end_is_due(&mut self.end), if self.lock.is_some() => self.report_end().await,
                elapsed = heartbeat.next(), if self.lock.is_some() => {
                    if let Some(media) = self.stats.since_last_heartbeat(elapsed) {
                        self.report(SourceEvent::Alive { at: self.clock.now(), media: Some(media) }).await;
                    }
                }
                _ = pending.tick(), if self.lock.is_none() => {
                    self.report(SourceEvent::PartsPending { at: self.clock.now() }).await;
                }
            }
        }
    }

    async fn report_end(&mut self) {
        let Some(lock) = self.lock.take() else { return };
        let end = self.end.borrow().clone();
        let (at, failure) = match end {
            Some(end) => (end.at, end.failure),
            None => (self.clock.now(), Some("the ingest broke off".to_owned())),
        };
        if let Some(recording) = self.end_recording.take()
            && let Err(error) = recording.await
        {
            tracing::error!(session = self.key.key, %error, "the task that records the end of a publish panicked");
        }
        self.report(SourceEvent::Ended { at, failure }).await;
        self.release(lock).await;
        if let Err(error) = self.session_record.remove().await {
            tracing::warn!(session = self.key.key, %error, "failed to remove the record of a session");
        }
    }

    async fn report(&self, event: SourceEvent) {
        report(&*self.sink, &self.key, &event).await;
    }

    async fn release(&self, lock: StreamLock) {
        retry("release a stream", || self.sink.release(&self.key)).await;
        drop(lock);
    }
}

/// Records the end of a publish on the disk as soon as it ends, because earlier events may still be waiting for the sink.
async fn record_end(record: SessionRecord, key: SessionKey, mut end: watch::Receiver<Option<PublishEnd>>) {
    let end = end.wait_for(Option::is_some).await.ok().and_then(|end| end.clone());
    if let Some(PublishEnd { at, failure, .. }) = end {
        record.append(&key, &SourceEvent::Ended { at, failure }).await;
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use callsheet::model::{AppName, DomainName, SourceId, StreamName, SystemClock};
    use callsheet::streams::{Admitted, PushRequest, Refused, StreamError};
    use tokio::sync::oneshot;
    use tokio_util::sync::CancellationToken;

    use super::super::live_streams::LiveStreams;
    use super::*;

    /// Forwards the failure of each reported end.
    struct EndSink(mpsc::UnboundedSender<Option<String>>);

    #[async_trait]
    impl IngestSink for EndSink {
        async fn admit(&self, _: PushRequest) -> Result<Admitted, Refused> {
            Err(Refused { code: "forbidden", reason: "not used here".to_owned() })
        }

        async fn hold(&self, _: &SessionKey, _: &Admitted) -> Result<(), Refused> {
            Ok(())
        }

        async fn release(&self, _: &SessionKey) -> Result<(), StreamError> {
            Ok(())
        }

        async fn end_runs(&self, _: SourceId, _: &[String]) -> Result<Vec<SessionKey>, StreamError> {
            Ok(Vec::new())
        }

        async fn report(&self, _: &SessionKey, event: SourceEvent) -> Result<(), StreamError> {
            if let SourceEvent::Ended { failure, .. } = event {
                self.0.send(failure).expect("the test listens");
            }
            Ok(())
        }
    }

    struct Fixture {
        _folder: tempfile::TempDir,
        live: Arc<LiveStreams>,
        ends: mpsc::UnboundedReceiver<Option<String>>,
        end: watch::Sender<Option<PublishEnd>>,
        reporter: Reporter,
    }

    fn lock(live: &Arc<LiveStreams>) -> Option<StreamLock> {
        let domain = DomainName::parse("push.example.com").expect("domain");
        let (app, stream) = (AppName::parse("live").expect("app"), StreamName::parse("a").expect("stream"));
        live.lock(&domain, &app, &stream, CancellationToken::new())
    }

    fn fixture() -> Fixture {
        let live = Arc::new(LiveStreams::default());
        let (reported, ends) = mpsc::unbounded_channel();
        let (end, receiver) = watch::channel(None);
        let key = SessionKey { source: SourceId(1), boot: String::new(), key: "1".to_owned() };
        let lock = lock(&live).expect("free");
        let folder = tempfile::tempdir().expect("folder");
        let record = SessionRecord::new(folder.path(), &key);
        let (sink, clock) = (Arc::new(EndSink(reported)), Arc::new(SystemClock));
        let reporter = Reporter::new(sink, clock, key, record, lock, Arc::new(MediaStats::default()), receiver);
        Fixture { _folder: folder, live, ends, end, reporter }
    }

    #[tokio::test]
    async fn the_end_overtakes_a_slow_upload() {
        let Fixture { _folder, live, mut ends, end, mut reporter } = fixture();
        let (bucket, upload) = oneshot::channel::<()>();
        let work = tokio::spawn(async move {
            reporter.wait_for(upload, &mut Heartbeat::every(Duration::from_secs(3600))).await.expect("uploaded");
            reporter.report_end().await;
        });
        assert!(lock(&live).is_none(), "held until the end is reported");
        end.send_replace(Some(PublishEnd { at: 5, failure: None, report_by: Instant::now() }));
        assert_eq!(ends.recv().await, Some(None));
        bucket.send(()).expect("the reporter still waits for the upload");
        work.await.expect("no panic");
        assert_eq!(ends.recv().await, None, "reported once");
        assert!(lock(&live).is_some(), "released");
    }

    #[tokio::test]
    async fn a_session_without_an_end_was_interrupted() {
        let Fixture { _folder, live: _, mut ends, end, reporter } = fixture();
        let (reports, queue) = mpsc::unbounded_channel();
        reports.send(QueuedReport::Event(SourceEvent::RecordingStarted { at: 1 })).expect("room");
        drop((reports, end));
        reporter.run(queue, Duration::from_secs(3600)).await;
        assert_eq!(ends.recv().await, Some(Some("the ingest broke off".to_owned())));
    }

    #[tokio::test]
    async fn a_publish_without_events_is_not_reported() {
        let Fixture { _folder, live, mut ends, end: _end, reporter } = fixture();
        let (reports, queue) = mpsc::unbounded_channel();
        drop(reports);
        reporter.run(queue, Duration::from_secs(3600)).await;
        assert_eq!(ends.recv().await, None);
        assert!(lock(&live).is_some());
    }
}

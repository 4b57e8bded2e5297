//! Tells the sink of one publish, strictly in order: a part's end is told when the part is in its bucket, and what comes
//! after it waits. Only heartbeats and, when a bucket is slow, the end of the publish go past a part that is on its way.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use callsheet::model::{Clock, Millis, Problem, ProblemKind};
use callsheet::streams::{Hint, IngestSink, Media, SessionKey, StreamError};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::live_streams::Lock;
use super::part_upload::FinishedPart;
use super::session_record::SessionRecord;

/// How long the end of a publish waits for parts on their way.
const END_WAITS: Duration = Duration::from_secs(5);
/// The pauses between two tries to reach the sink grow from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(15);
/// Tries at most, not counting those for which the database was away.
const MOST_FAULTS: usize = 8;
/// Interval of the reports that parts of an ended publish are still being uploaded. The sink waits three times as long.
pub(super) const PENDING: Duration = Duration::from_secs(300);

/// One thing to tell.
#[derive(Debug)]
pub(super) enum Report {
    Hint(Hint),
    /// The part is brought into its bucket first.
    Part(Box<FinishedPart>),
}

/// How a publish ended.
#[derive(Debug, Clone)]
pub(super) struct Over {
    /// Unix ms.
    pub at: Millis,
    pub failure: Option<String>,
    /// When the end has waited long enough for parts on their way.
    deadline: Instant,
}

impl Over {
    pub(super) fn at(at: Millis, failure: Option<String>) -> Self {
        Self { at, failure, deadline: Instant::now() + END_WAITS }
    }
}

/// What the heartbeat tells of the media; the session writes it, the reporter reads it.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    pub media: Mutex<Media>,
    /// Bytes of media since the last heartbeat.
    pub bytes: AtomicU64,
}

/// Tells the sink of one publish.
pub(super) struct Reporter {
    sink: Arc<dyn IngestSink>,
    clock: Arc<dyn Clock>,
    key: SessionKey,
    session_record: SessionRecord,
    /// Given back when the end is told; then the stream can be published again.
    lock: Option<Lock>,
    pulse: Arc<Pulse>,
    /// `None` until the publish is over. A session that goes away without a word broke off.
    over: watch::Receiver<Option<Over>>,
    /// A part was opened, so the end of the recording is told.
    has_recorded: bool,
    /// The task that records the end of the publish.
    recorded_end: Option<JoinHandle<()>>,
}

impl Reporter {
    pub(super) fn new(
        sink: Arc<dyn IngestSink>,
        clock: Arc<dyn Clock>,
        key: SessionKey,
        session_record: SessionRecord,
        lock: Lock,
        pulse: Arc<Pulse>,
        over: watch::Receiver<Option<Over>>,
    ) -> Self {
        Self {
            sink,
            clock,
            key,
            session_record,
            lock: Some(lock),
            pulse,
            over,
            has_recorded: false,
            recorded_end: None,
        }
    }

    /// Tells everything, the end of the publish included. A publish without a first report is not told of at all.
    pub(super) async fn run(mut self, mut reports: mpsc::UnboundedReceiver<Report>, heartbeat: Duration) {
        let Some(mut report) = reports.recv().await else {
            if let Some(lock) = self.lock.take() {
                self.release(lock).await;
            }
            return;
        };
        let mut beat = Beat::every(heartbeat);
        let mut is_handed_over = false;
        loop {
            match report {
                Report::Hint(hint) => {
                    self.has_recorded |= matches!(hint, Hint::PartOpened { .. });
                    if matches!(hint, Hint::Started { .. }) {
                        record(&self.session_record, &self.key, &hint).await;
                        let end = record_end(self.session_record.clone(), self.key.clone(), self.over.clone());
                        self.recorded_end = Some(tokio::spawn(end));
                    }
                    self.tell(hint).await;
                }
                Report::Part(part) => match self.during(part.file(), &mut beat).await {
                    Some(filed) => {
                        self.tell(Hint::PartClosed(filed.closed.clone())).await;
                        filed.clear().await;
                    }
                    // The next run reports the part and the end of the recording.
                    None => is_handed_over = true,
                },
            }
            report = match self.during(reports.recv(), &mut beat).await {
                Some(report) => report,
                None => break,
            };
        }
        if self.has_recorded && !is_handed_over {
            self.tell(Hint::RecordingEnded { at: self.clock.now() }).await;
        }
        self.end().await;
    }

    /// Waits for `work`, and tells meanwhile what goes past it.
    async fn during<F: Future>(&mut self, work: F, beat: &mut Beat) -> F::Output {
        let mut work = pin!(work);
        let mut pending = interval_at(Instant::now() + PENDING, PENDING);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = end_is_due(&mut self.over), if self.lock.is_some() => self.end().await,
                elapsed = beat.next(), if self.lock.is_some() => self.alive(elapsed).await,
                _ = pending.tick(), if self.lock.is_none() => self.tell(Hint::PartsPending { at: self.clock.now() }).await,
            }
        }
    }

    async fn alive(&mut self, elapsed: Duration) {
        let bytes = self.pulse.bytes.swap(0, Ordering::Relaxed);
        if bytes == 0 {
            return;
        }
        let mut media = self.pulse.media.lock().unwrap_or_else(PoisonError::into_inner).clone();
        media.bitrate = u64::try_from(u128::from(bytes) * 8000 / elapsed.as_millis().max(1)).ok();
        self.tell(Hint::Alive { at: self.clock.now(), media: Some(media) }).await;
    }

    async fn end(&mut self) {
        let Some(lock) = self.lock.take() else { return };
        let over = self.over.borrow().clone();
        let (at, failure) = match over {
            Some(over) => (over.at, over.failure),
            None => (self.clock.now(), Some("the ingest broke off".to_owned())),
        };
        if let Some(recorded) = self.recorded_end.take()
            && let Err(error) = recorded.await
        {
            tracing::error!(session = self.key.key, %error, "the task broke down that records the end of a publish");
        }
        self.tell(Hint::Ended { at, failure }).await;
        self.release(lock).await;
        if let Err(error) = self.session_record.remove().await {
            tracing::warn!(session = self.key.key, %error, "cannot remove the record of a session");
        }
    }

    async fn tell(&self, hint: Hint) {
        tell(&*self.sink, &self.key, &hint).await;
    }

    async fn release(&self, lock: Lock) {
        persist("give back the name of a stream", || self.sink.release(&self.key)).await;
        drop(lock);
    }
}

/// Keeps a report until the sink has taken it, should this process not live so long.
async fn record(record: &SessionRecord, key: &SessionKey, hint: &Hint) {
    if let Err(error) = record.add(key, hint).await {
        tracing::warn!(session = key.key, %error, "cannot record the start or the end of a publish on the disk");
    }
}

/// Records the end of a publish as soon as it is over: reports before it may be waiting for the sink.
async fn record_end(of: SessionRecord, key: SessionKey, mut over: watch::Receiver<Option<Over>>) {
    let over = over.wait_for(Option::is_some).await.ok().and_then(|over| over.clone());
    if let Some(Over { at, failure, .. }) = over {
        record(&of, &key, &Hint::Ended { at, failure }).await;
    }
}

/// Tells the sink, and tries again until it has taken it.
pub(super) async fn tell(sink: &dyn IngestSink, key: &SessionKey, hint: &Hint) {
    persist("hand in a report of the ingest", || sink.report(key, hint.clone())).await;
}

/// Tries again until it works. What the database cannot do although it answers is given up in the end, so that nothing waits for it for ever.
pub(super) async fn persist<T, F: Future<Output = Result<T, StreamError>>>(
    what: &str,
    work: impl Fn() -> F,
) -> Option<T> {
    let (mut pause, mut faults) = (FIRST_PAUSE, 0);
    loop {
        let error = match work().await {
            Ok(done) => return Some(done),
            Err(error) => error,
        };
        faults += usize::from(error.kind() != ProblemKind::Unavailable);
        if faults == MOST_FAULTS {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot {what}; giving up");
            return None;
        }
        tracing::warn!(error = &error as &dyn std::error::Error, "cannot {what}; trying again");
        tokio::time::sleep(pause).await;
        pause = (pause * 3).min(LAST_PAUSE);
    }
}

/// When to tell that the publish is alive.
struct Beat {
    ticks: Interval,
    last: Instant,
}

impl Beat {
    fn every(heartbeat: Duration) -> Self {
        let now = Instant::now();
        let mut ticks = interval_at(now + heartbeat, heartbeat);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, last: now }
    }

    /// Waits for the next beat; answers with the time since the one before.
    async fn next(&mut self) -> Duration {
        let now = self.ticks.tick().await;
        now - std::mem::replace(&mut self.last, now)
    }
}

/// Waits until the publish is over and its end has waited long enough.
async fn end_is_due(over: &mut watch::Receiver<Option<Over>>) {
    let deadline = match over.wait_for(Option::is_some).await {
        Ok(over) => over.as_ref().map(|over| over.deadline),
        Err(_) => None,
    };
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        // The session broke off: the queue runs dry by itself.
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use callsheet::model::{AppName, DomainName, SourceId, StreamName, SystemClock};
    use callsheet::streams::{Admitted, PushRequest, Refused};
    use tokio::sync::oneshot;
    use tokio_util::sync::CancellationToken;

    use super::super::live_streams::Live;
    use super::*;

    /// Passes on how each told publish ended.
    struct Ends(mpsc::UnboundedSender<Option<String>>);

    #[async_trait]
    impl IngestSink for Ends {
        async fn admit(&self, _: PushRequest) -> Result<Admitted, Refused> {
            Err(Refused { code: "forbidden", reason: "nobody asks here".to_owned() })
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

        async fn report(&self, _: &SessionKey, hint: Hint) -> Result<(), StreamError> {
            if let Hint::Ended { failure, .. } = hint {
                self.0.send(failure).expect("the test listens");
            }
            Ok(())
        }
    }

    struct Bench {
        _folder: tempfile::TempDir,
        live: Arc<Live>,
        ends: mpsc::UnboundedReceiver<Option<String>>,
        over: watch::Sender<Option<Over>>,
        reporter: Reporter,
    }

    fn lock(live: &Arc<Live>) -> Option<Lock> {
        let domain = DomainName::parse("push.example.com").expect("domain");
        let (app, stream) = (AppName::parse("live").expect("app"), StreamName::parse("a").expect("stream"));
        live.lock(&domain, &app, &stream, CancellationToken::new())
    }

    fn bench() -> Bench {
        let live = Arc::new(Live::default());
        let (told, ends) = mpsc::unbounded_channel();
        let (over, is_over) = watch::channel(None);
        let key = SessionKey { source: SourceId(1), boot: String::new(), key: "1".to_owned() };
        let lock = lock(&live).expect("free");
        let folder = tempfile::tempdir().expect("folder");
        let record = SessionRecord::of(folder.path(), &key);
        let (sink, clock) = (Arc::new(Ends(told)), Arc::new(SystemClock));
        let reporter = Reporter::new(sink, clock, key, record, lock, Arc::new(Pulse::default()), is_over);
        Bench { _folder: folder, live, ends, over, reporter }
    }

    #[tokio::test]
    async fn the_end_goes_past_a_part_that_takes_too_long() {
        let Bench { _folder, live, mut ends, over, mut reporter } = bench();
        let (bucket, part) = oneshot::channel::<()>();
        let work = tokio::spawn(async move {
            reporter.during(part, &mut Beat::every(Duration::from_secs(3600))).await.expect("stored");
            reporter.end().await;
        });
        assert!(lock(&live).is_none(), "held while the end is not told");
        over.send_replace(Some(Over { at: 5, failure: None, deadline: Instant::now() }));
        assert_eq!(ends.recv().await, Some(None));
        bucket.send(()).expect("the reporter still waits for the part");
        work.await.expect("no panic");
        assert_eq!(ends.recv().await, None, "told once");
        assert!(lock(&live).is_some(), "free again");
    }

    #[tokio::test]
    async fn a_session_that_goes_away_without_a_word_broke_off() {
        let Bench { _folder, live: _, mut ends, over, reporter } = bench();
        let (reports, queue) = mpsc::unbounded_channel();
        reports.send(Report::Hint(Hint::RecordingStarted { at: 1 })).expect("room");
        drop((reports, over));
        reporter.run(queue, Duration::from_secs(3600)).await;
        assert_eq!(ends.recv().await, Some(Some("the ingest broke off".to_owned())));
    }

    #[tokio::test]
    async fn a_publish_that_never_began_is_not_told_of() {
        let Bench { _folder, live, mut ends, over: _over, reporter } = bench();
        let (reports, queue) = mpsc::unbounded_channel();
        drop(reports);
        reporter.run(queue, Duration::from_secs(3600)).await;
        assert_eq!(ends.recv().await, None);
        assert!(lock(&live).is_some());
    }
}

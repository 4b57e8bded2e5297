//! Restarts background loops that fail, and reports which are down or hang.
//!
//! A loop has a [`Pulse`]. It beats at each turn, and after each piece of work that may take long; while it waits for something to do, it is
//! idle. A loop that is not idle and has not beaten for a minute hangs. It is not restarted, because nothing tells what it has half done, but
//! `/readyz` names it.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use callsheet::model::{Clock, Millis, SystemClock};
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

/// Until a loop is started again.
const PAUSE: Duration = Duration::from_secs(1);
/// Failures of one loop after which the process exits, so that its service manager restarts it.
const MOST_BREAKDOWNS: u32 = 5;
/// A loop that has not beaten for so long hangs (ms).
const HANGS_AFTER_MS: Millis = 60_000;
/// Between two looks for loops that hang.
const LOOK: Duration = Duration::from_secs(15);
/// A loop that waits for something to do has not beaten since then.
const IDLE: Millis = Millis::MIN;

/// State of one loop.
#[derive(Debug)]
struct Condition {
    name: &'static str,
    /// Its last beat (monotonic ms), or [`IDLE`].
    beat: AtomicI64,
    is_down: AtomicBool,
    /// It was logged that it hangs.
    hangs: AtomicBool,
}

/// By which a loop shows that it goes on. Cheap to clone. The default one is observed by nobody.
#[derive(Clone)]
pub struct Pulse {
    condition: Arc<Condition>,
    clock: Arc<dyn Clock>,
}

impl Pulse {
    fn new(name: &'static str, clock: Arc<dyn Clock>) -> Self {
        let condition = Condition {
            name,
            beat: AtomicI64::new(IDLE),
            is_down: AtomicBool::new(false),
            hangs: AtomicBool::new(false),
        };
        Self { condition: Arc::new(condition), clock }
    }

    /// The loop goes on.
    pub fn beat(&self) {
        self.condition.beat.store(self.clock.read().monotonic, Ordering::Relaxed);
    }

    /// Waits, for as long as it takes.
    pub async fn idle<F: Future>(&self, wait: F) -> F::Output {
        self.condition.beat.store(IDLE, Ordering::Relaxed);
        let waited = wait.await;
        self.beat();
        waited
    }

    fn set_down(&self, is_down: bool) {
        self.condition.is_down.store(is_down, Ordering::Relaxed);
        self.condition.beat.store(IDLE, Ordering::Relaxed);
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new("", Arc::new(SystemClock))
    }
}

/// The loops of a process. Cheap to clone.
#[derive(Clone)]
pub struct Loops {
    clock: Arc<dyn Clock>,
    /// Until a loop is started again.
    pause: Duration,
    conditions: Arc<Mutex<Vec<Arc<Condition>>>>,
    /// One of them broke down too often.
    gave_up: CancellationToken,
}

impl Loops {
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, pause: PAUSE, conditions: Arc::default(), gave_up: CancellationToken::new() }
    }

    /// Which loops do not run at the moment, and which hang, as a line of text. `None`: all go on.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let troubles = [("not running", self.down()), ("hanging", self.hanging())];
        let troubles: Vec<String> = troubles
            .into_iter()
            .filter(|(_, loops)| !loops.is_empty())
            .map(|(what, loops)| format!("{what}: {}", loops.into_iter().collect::<Vec<_>>().join(", ")))
            .collect();
        (!troubles.is_empty()).then(|| troubles.join("; "))
    }

    fn down(&self) -> BTreeSet<&'static str> {
        self.those(|condition| condition.is_down.load(Ordering::Relaxed))
    }

    fn hanging(&self) -> BTreeSet<&'static str> {
        let now = self.clock.read().monotonic;
        self.those(|condition| condition.hangs_at(now))
    }

    fn those(&self, fits: impl Fn(&Condition) -> bool) -> BTreeSet<&'static str> {
        let conditions = self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        conditions.iter().filter(|condition| fits(condition)).map(|condition| condition.name).collect()
    }

    /// Waits until a loop has broken down too often.
    pub async fn gave_up(&self) {
        self.gave_up.cancelled().await;
    }

    /// Logs and counts loops that hang, until `shutdown`.
    pub async fn watch(self, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            self.look();
        }
    }

    /// Returns how many loops hang that did not at the last look.
    fn look(&self) -> usize {
        let now = self.clock.read().monotonic;
        let conditions = self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = 0;
        for condition in conditions.iter() {
            let (hangs, name) = (condition.hangs_at(now), condition.name);
            match (condition.hangs.swap(hangs, Ordering::Relaxed), hangs) {
                (false, true) => {
                    found += 1;
                    tracing::error!(name, "a loop hangs; restart the process if it does not go on");
                    metrics::counter!("callsheet_loop_hangs_total", "loop" => name).increment(1);
                }
                (true, false) => tracing::info!(name, "the loop hangs no more"),
                _ => {}
            }
        }
        found
    }

    fn pulse(&self, name: &'static str) -> Pulse {
        let pulse = Pulse::new(name, self.clock.clone());
        self.conditions.lock().unwrap_or_else(PoisonError::into_inner).push(pulse.condition.clone());
        pulse
    }

    /// Runs a loop until `shutdown`. `start` begins it; if it ends or panics before, it is begun again.
    pub async fn supervise<F: Future<Output = ()>>(
        self,
        name: &'static str,
        shutdown: CancellationToken,
        start: impl Fn(Pulse) -> F,
    ) {
        let pulse = self.pulse(name);
        for breakdown in 1.. {
            pulse.beat();
            let ended = AssertUnwindSafe(async { start(pulse.clone()).await }).catch_unwind().await;
            if shutdown.is_cancelled() {
                pulse.set_down(false);
                return;
            }
            let why = ended.err().map_or_else(|| "it ended".to_owned(), |panic| text_of(&*panic));
            tracing::error!(name, why, "a loop broke down");
            metrics::counter!("callsheet_loop_breakdowns_total", "loop" => name).increment(1);
            pulse.set_down(true);
            if breakdown == MOST_BREAKDOWNS {
                self.gave_up.cancel();
                return;
            }
            if shutdown.run_until_cancelled(tokio::time::sleep(self.pause)).await.is_none() {
                return;
            }
            pulse.set_down(false);
        }
    }
}

impl Condition {
    /// Returns whether it hangs at this monotonic time (ms).
    fn hangs_at(&self, now: Millis) -> bool {
        let beat = self.beat.load(Ordering::Relaxed);
        beat != IDLE && now - beat > HANGS_AFTER_MS
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;
    use std::sync::atomic::AtomicU32;

    use callsheet::model::TestClock;
    use futures::poll;

    use super::*;

    /// Loops that are started again at once.
    fn loops(clock: Arc<TestClock>) -> Loops {
        Loops { pause: Duration::ZERO, ..Loops::new(clock) }
    }

    fn clock() -> Arc<TestClock> {
        Arc::new(TestClock::at(1_795_357_880_000))
    }

    #[tokio::test]
    async fn a_loop_that_breaks_down_is_started_again_and_told_of() {
        let (loops, shutdown) = (loops(clock()), CancellationToken::new());
        let (starts, stop) = (Arc::new(AtomicU32::new(0)), shutdown.clone());
        let start = {
            let (starts, loops) = (starts.clone(), loops.clone());
            move |_| {
                let (start, loops, stop) = (starts.fetch_add(1, Ordering::SeqCst), loops.clone(), stop.clone());
                async move {
                    match start {
                        0 => panic!("as planned"),
                        1 => {}
                        _ => {
                            assert_eq!(loops.trouble(), None, "it runs again");
                            stop.cancel();
                        }
                    }
                }
            }
        };
        loops.clone().supervise("demo", shutdown, start).await;
        assert_eq!(starts.load(Ordering::SeqCst), 3);
        assert!(!loops.gave_up.is_cancelled());
    }

    #[tokio::test]
    async fn a_loop_that_breaks_down_always_ends_the_process() {
        let loops = loops(clock());
        let start = |_| async { panic!("always") };
        loops.clone().supervise("demo", CancellationToken::new(), start).await;
        loops.gave_up().await;
        assert_eq!(loops.trouble().as_deref(), Some("not running: demo"));
    }

    #[tokio::test]
    async fn a_loop_that_hangs_is_named_and_counted_once() {
        let clock = clock();
        let loops = loops(clock.clone());
        let mut hangs = pin!(loops.clone().supervise("demo", CancellationToken::new(), |_| pending()));
        assert!(poll!(&mut hangs).is_pending());
        clock.advance(HANGS_AFTER_MS);
        assert_eq!((loops.look(), loops.trouble()), (0, None));
        clock.jump(24 * 3_600_000);
        assert_eq!((loops.look(), loops.trouble()), (0, None), "the wall clock does not count");
        clock.advance(1);
        assert_eq!(loops.trouble().as_deref(), Some("hanging: demo"));
        assert_eq!([loops.look(), loops.look()], [1, 0]);
    }

    #[tokio::test]
    async fn a_loop_that_beats_or_waits_does_not_hang() {
        let clock = clock();
        let loops = loops(clock.clone());
        let pulse = loops.pulse("demo");
        for _ in 0..3 {
            pulse.beat();
            clock.advance(HANGS_AFTER_MS);
            assert_eq!(loops.look(), 0);
        }
        clock.advance(1);
        assert_eq!(loops.look(), 1);
        let mut waits = Box::pin(pulse.idle(pending::<()>()));
        assert!(poll!(&mut waits).is_pending());
        clock.advance(24 * 3_600_000);
        assert_eq!((loops.look(), loops.trouble()), (0, None));
        pulse.idle(async {}).await;
        clock.advance(HANGS_AFTER_MS + 1);
        assert_eq!(loops.look(), 1, "it had something to do");
    }
}
